DROP TABLE settings;
DROP TABLE read_receipts;
DROP TABLE deletions;
DROP TABLE reactions;
DROP INDEX messages_waiting;
ALTER TABLE messages DROP COLUMN deleted_by_inbox_id;
