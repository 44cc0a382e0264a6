DROP INDEX messages_arrivals;
ALTER TABLE messages DROP COLUMN is_restored;
