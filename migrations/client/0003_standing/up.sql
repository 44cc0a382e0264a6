-- Members who asked to leave and are still in (groups.md 4.8).
CREATE TABLE pending_removals (
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    inbox_id TEXT NOT NULL,
    message_id BLOB NOT NULL,
    PRIMARY KEY (conversation_id, inbox_id)
) STRICT, WITHOUT ROWID;

-- Whether we, a super admin, are to take somebody out who asked for it.
ALTER TABLE conversations ADD COLUMN removals_due INTEGER NOT NULL DEFAULT 0;
CREATE INDEX conversations_removals_due ON conversations (id) WHERE removals_due = 1;
-- Whether the person deleted the conversation here while leaving it: it goes once we are out.
ALTER TABLE conversations ADD COLUMN delete_when_out INTEGER NOT NULL DEFAULT 0;
-- Whether the person deleted the conversation here and nothing has come since.
ALTER TABLE summaries ADD COLUMN is_hidden INTEGER NOT NULL DEFAULT 0;
