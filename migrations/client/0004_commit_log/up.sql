-- What the commits of each group led to here, in the order they were applied (groups.md 6.7). A row
-- with commit 0 stands for our creating or joining the group. result: 1 applied, 2 wrong epoch,
-- 3 undecryptable, 4 invalid.
CREATE TABLE commit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    commit_sequence_id INTEGER NOT NULL,
    result INTEGER NOT NULL,
    last_authenticator BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    authenticator BLOB NOT NULL
) STRICT;
CREATE INDEX commit_log_of_conversation ON commit_log (conversation_id, id);

-- The entries of the network's log that count.
CREATE TABLE remote_commit_log (
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    commit_sequence_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    authenticator BLOB NOT NULL,
    PRIMARY KEY (conversation_id, commit_sequence_id)
) STRICT, WITHOUT ROWID;

-- How far each log was read and written. signer_seed: secret, the key we sign with if it is not the
-- group's. consensus_key: whose entries count, fixed by the first one. remote_position: the node's id
-- of the last entry read. published_id: the last row of commit_log that was uploaded.
CREATE TABLE commit_log_states (
    conversation_id BLOB PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    signer_seed BLOB CHECK (length(signer_seed) = 32),
    consensus_key BLOB CHECK (length(consensus_key) = 32),
    remote_position INTEGER NOT NULL,
    published_id INTEGER NOT NULL,
    checked_at_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Devices that asked to be added to a group again. requested_at: the newest commit they had seen.
-- answered_at: the commit that added them again.
CREATE TABLE readds (
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    installation_id BLOB NOT NULL CHECK (length(installation_id) = 32),
    requested_at INTEGER NOT NULL,
    answered_at INTEGER,
    PRIMARY KEY (conversation_id, installation_id)
) STRICT, WITHOUT ROWID;

-- When the person last asked to be added again.
ALTER TABLE conversations ADD COLUMN readd_requested_at_ns INTEGER;
