DROP INDEX messages_changes;
ALTER TABLE conversations DROP COLUMN minimum_version;
ALTER TABLE conversations DROP COLUMN pinned;
ALTER TABLE conversations DROP COLUMN own_role;
