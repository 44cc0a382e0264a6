-- Files of messages that lie on servers, and files that are prepared for sending. message_id: none
-- while prepared. position: place in the message. is_own: we send it. size: bytes of the file once it
-- is here. done_bytes, total_bytes: of its encrypted form. keys: secret, 76 bytes, until the message
-- holds them. digest: of the encrypted form, likewise. state: 1 prepared, 2 waiting, 3 transferring,
-- 4 paused, 5 failed, 6 refused, 7 offered, 8 stored.
CREATE TABLE attachments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    message_id BLOB REFERENCES messages (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    is_own INTEGER NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT,
    size INTEGER,
    state INTEGER NOT NULL,
    failure TEXT,
    done_bytes INTEGER NOT NULL,
    total_bytes INTEGER,
    keys BLOB CHECK (length(keys) = 76),
    digest TEXT,
    thumbnail_width INTEGER,
    thumbnail_height INTEGER,
    thumbnail BLOB,
    created_at_ns INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX attachments_of_message ON attachments (message_id, position) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_of_conversation ON attachments (conversation_id);
CREATE INDEX attachments_under_way ON attachments (state, id) WHERE state IN (1, 2, 3);

-- Their bytes in order of number: of the file, or of its encrypted form while that comes in.
CREATE TABLE attachment_chunks (
    attachment_id INTEGER NOT NULL REFERENCES attachments (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (attachment_id, number)
) STRICT, WITHOUT ROWID;

-- Own messages that go out after another one, whose files are on their way.
CREATE TABLE held_messages (
    message_id BLOB PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    waits_for BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX held_messages_by_cause ON held_messages (waits_for);

-- Hosts on private networks, or without TLS, that the person allowed.
CREATE TABLE allowed_hosts (
    host TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The files of a conversation, newest first.
CREATE INDEX messages_files ON messages (conversation_id, sent_at_ns, row_id)
    WHERE type_id IN ('attachment', 'remoteStaticAttachment', 'multiRemoteStaticAttachment');
