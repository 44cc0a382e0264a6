-- Who deleted a message for everyone. Its text stays until the network has our own deletion.
ALTER TABLE messages ADD COLUMN deleted_by_inbox_id TEXT;
-- Own messages on their way, for what depends on them.
CREATE INDEX messages_waiting ON messages (conversation_id) WHERE delivery = 1;

-- The reactions that stand: each person's, once per content. thread: the dm id, else the
-- conversation's id in hex, so that all groups of a direct message are one. schema: 1 unicode,
-- 2 shortcode, 3 custom. A row may come before the message it is about.
CREATE TABLE reactions (
    target_id BLOB NOT NULL,
    thread TEXT NOT NULL,
    sender_inbox_id TEXT NOT NULL,
    schema INTEGER NOT NULL,
    content TEXT NOT NULL,
    message_id BLOB NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    sent_at_ns INTEGER NOT NULL,
    PRIMARY KEY (target_id, thread, sender_inbox_id, schema, content)
) STRICT, WITHOUT ROWID;
CREATE INDEX reactions_of_message ON reactions (message_id);

-- Deletions for everyone whose message is not here yet.
CREATE TABLE deletions (
    message_id BLOB PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    target_id BLOB NOT NULL,
    thread TEXT NOT NULL,
    by_inbox_id TEXT NOT NULL,
    is_super_admin INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deletions_of_target ON deletions (target_id);

-- How far people have read, by their receipts.
CREATE TABLE read_receipts (
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    inbox_id TEXT NOT NULL,
    read_up_to_ns INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, inbox_id)
) STRICT, WITHOUT ROWID;

-- What the person chose; a name that is not here has its default.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
