-- Whether a message came out of an archive: what it says, and who sent it, is by the archive's word.
ALTER TABLE messages ADD COLUMN is_restored INTEGER NOT NULL DEFAULT 0;
-- What arrives is followed without the rows that an archive brought.
CREATE INDEX messages_arrivals ON messages (inserted_at_ns) WHERE is_restored = 0;
