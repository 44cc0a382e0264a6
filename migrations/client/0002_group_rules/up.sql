-- What the list and the conversation show of a group's rules without its MLS state.
-- own_role: 1 member, 2 admin, 3 super admin. pinned: message ids in hex, newest pin first, by commas.
ALTER TABLE conversations ADD COLUMN own_role INTEGER NOT NULL DEFAULT 1;
ALTER TABLE conversations ADD COLUMN pinned TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN minimum_version TEXT;

-- The list of a group's changes: membership changes (2) and gaps (3) among many messages.
CREATE INDEX messages_changes ON messages (conversation_id, sent_at_ns, row_id) WHERE kind <> 1;
