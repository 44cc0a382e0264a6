ALTER TABLE summaries DROP COLUMN is_hidden;
ALTER TABLE conversations DROP COLUMN delete_when_out;
DROP INDEX conversations_removals_due;
ALTER TABLE conversations DROP COLUMN removals_due;
DROP TABLE pending_removals;
