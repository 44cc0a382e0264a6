-- Every table is STRICT; every surrogate id is AUTOINCREMENT so that an id is never used twice.
-- Times are nanoseconds since the Unix epoch (`_ns`). Inbox ids are 64 lower-case hex characters.

CREATE TABLE account (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    inbox_id TEXT NOT NULL,
    installation_id BLOB NOT NULL CHECK (length(installation_id) = 32),
    installation_seed BLOB NOT NULL CHECK (length(installation_seed) = 32),
    address TEXT NOT NULL,
    node_url TEXT NOT NULL,
    registration_step INTEGER NOT NULL,
    pending_identity_update BLOB,
    wallet_key BLOB,
    created_at_ns INTEGER NOT NULL,
    next_key_package_rotation_ns INTEGER,
    hmac_root_key BLOB NOT NULL CHECK (length(hmac_root_key) = 42)
) STRICT;

CREATE TABLE identity_updates (
    inbox_id TEXT NOT NULL,
    sequence_id INTEGER NOT NULL,
    server_timestamp_ns INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (inbox_id, sequence_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE association_states (
    inbox_id TEXT NOT NULL,
    sequence_id INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (inbox_id, sequence_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE identifiers (
    identifier TEXT NOT NULL,
    kind INTEGER NOT NULL,
    inbox_id TEXT NOT NULL,
    PRIMARY KEY (identifier, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_packages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash_ref BLOB NOT NULL UNIQUE,
    init_public_key BLOB NOT NULL UNIQUE,
    xwing_public_key BLOB UNIQUE,
    xwing_private_key BLOB,
    created_at_ns INTEGER NOT NULL,
    delete_at_ns INTEGER
) STRICT;
CREATE INDEX key_packages_due ON key_packages (delete_at_ns) WHERE delete_at_ns IS NOT NULL;

CREATE TABLE mls_values (
    key BLOB PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE conversations (
    id BLOB PRIMARY KEY,
    kind INTEGER NOT NULL,
    dm_id TEXT,
    peer_inbox_id TEXT,
    creator_inbox_id TEXT NOT NULL,
    added_by_inbox_id TEXT NOT NULL,
    created_at_ns INTEGER NOT NULL,
    membership_state INTEGER NOT NULL,
    is_active INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    image_url TEXT NOT NULL,
    app_data TEXT NOT NULL,
    member_count INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    welcome_sequence_id INTEGER,
    rotated_at_ns INTEGER NOT NULL,
    installations_checked_at_ns INTEGER NOT NULL,
    paused_for_version TEXT,
    fork INTEGER NOT NULL,
    fork_details TEXT NOT NULL,
    disappear_from_ns INTEGER,
    disappear_in_ns INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX conversations_dm ON conversations (dm_id) WHERE dm_id IS NOT NULL;

-- The stored projection of a conversation. All conversations with one dm_id hold the values of
-- their union; is_duplicate is 0 for the one that stands for them in the list.
CREATE TABLE summaries (
    conversation_id BLOB PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    is_duplicate INTEGER NOT NULL,
    created_at_ns INTEGER NOT NULL,
    last_message_ns INTEGER NOT NULL,
    last_activity_ns INTEGER NOT NULL,
    last_message_id BLOB,
    last_message_preview TEXT,
    last_message_sender_inbox_id TEXT,
    last_message_kind INTEGER,
    last_message_delivery INTEGER,
    last_message_sent_at_ns INTEGER,
    unread_count INTEGER NOT NULL,
    failed_count INTEGER NOT NULL,
    read_up_to_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX summaries_by_activity ON summaries (is_duplicate, last_activity_ns, conversation_id);
CREATE INDEX summaries_by_creation ON summaries (is_duplicate, created_at_ns, conversation_id);

CREATE TABLE messages (
    row_id INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    sender_inbox_id TEXT NOT NULL,
    sender_installation_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    failure_code TEXT,
    sent_at_ns INTEGER NOT NULL,
    inserted_at_ns INTEGER NOT NULL UNIQUE,
    content BLOB NOT NULL,
    authority_id TEXT NOT NULL,
    type_id TEXT NOT NULL,
    version_major INTEGER NOT NULL,
    version_minor INTEGER NOT NULL,
    preview TEXT,
    visible INTEGER NOT NULL,
    countable INTEGER NOT NULL,
    reference_id BLOB,
    sequence_id INTEGER,
    expire_at_ns INTEGER,
    should_push INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL
) STRICT;
CREATE INDEX messages_by_sent ON messages (conversation_id, sent_at_ns, row_id);
CREATE INDEX messages_by_inserted ON messages (conversation_id, inserted_at_ns);
CREATE INDEX messages_previews ON messages (conversation_id, sent_at_ns, row_id) WHERE preview IS NOT NULL;
CREATE INDEX messages_countable ON messages (conversation_id, sent_at_ns) WHERE countable = 1;
CREATE INDEX messages_failed ON messages (conversation_id) WHERE delivery = 3;
CREATE INDEX messages_references ON messages (reference_id) WHERE reference_id IS NOT NULL;
CREATE INDEX messages_sequence ON messages (conversation_id, sequence_id) WHERE sequence_id IS NOT NULL;
CREATE INDEX messages_expiry ON messages (expire_at_ns) WHERE expire_at_ns IS NOT NULL;

CREATE TABLE intents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    data BLOB NOT NULL,
    state INTEGER NOT NULL,
    message_id BLOB,
    payload_hash BLOB,
    payload BLOB,
    staged_commit BLOB,
    post_commit BLOB,
    published_in_epoch INTEGER,
    attempts INTEGER NOT NULL,
    created_at_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX intents_by_conversation ON intents (conversation_id, state, id);
CREATE INDEX intents_by_state ON intents (state, id);
CREATE INDEX intents_by_hash ON intents (payload_hash) WHERE payload_hash IS NOT NULL;
CREATE INDEX intents_by_message ON intents (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE cursors (
    kind INTEGER NOT NULL,
    entity BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (kind, entity)
) STRICT, WITHOUT ROWID;

CREATE TABLE consents (
    entity_kind INTEGER NOT NULL,
    entity TEXT NOT NULL,
    state INTEGER NOT NULL,
    consented_at_ns INTEGER NOT NULL,
    PRIMARY KEY (entity_kind, entity)
) STRICT, WITHOUT ROWID;

CREATE TABLE failed_welcomes (
    sequence_id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_ns INTEGER
) STRICT;

CREATE TABLE diagnostics (
    name TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    last_at_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
