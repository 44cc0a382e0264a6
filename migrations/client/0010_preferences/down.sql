DROP TABLE new_devices;
DROP TABLE preference_outbox;
DROP TABLE sync_groups;
ALTER TABLE account DROP COLUMN hmac_cycled_at_ns;
