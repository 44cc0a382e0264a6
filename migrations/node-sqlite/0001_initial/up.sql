-- Marks the file as a database of conclave-node ("CvND").
PRAGMA application_id = 1131826756;

-- Commits, proposals and application messages share one counter (node.md 2.2).
-- `data` stands last, so that reading the small columns of a row never touches its overflow pages.
CREATE TABLE group_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_ns INTEGER NOT NULL,
    is_commit INTEGER NOT NULL CHECK (is_commit IN (0, 1)),
    -- A commit or a proposal: pruning must keep it.
    retain INTEGER NOT NULL CHECK (retain IN (0, 1)),
    should_push INTEGER NOT NULL CHECK (should_push IN (0, 1)),
    group_id BLOB NOT NULL,
    -- SHA-256 of group_id and data: a resend is the same row (node.md 3.1).
    digest BLOB NOT NULL UNIQUE,
    sender_hmac BLOB NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX group_messages_by_group ON group_messages (group_id, id);

CREATE TABLE welcome_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_ns INTEGER NOT NULL,
    -- 0: welcome, 1: pointer to a welcome.
    kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
    -- Number of the protocol's enumeration of that kind.
    wrapper_algorithm INTEGER NOT NULL,
    installation_key BLOB NOT NULL,
    -- SHA-256 of installation_key and data, for both kinds (node.md 3.2).
    digest BLOB NOT NULL UNIQUE,
    hpke_public_key BLOB NOT NULL,
    welcome_metadata BLOB NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX welcome_messages_by_installation ON welcome_messages (installation_key, id);

-- The current key package of each installation.
CREATE TABLE installations (
    installation_key BLOB PRIMARY KEY NOT NULL,
    created_ns INTEGER NOT NULL,
    updated_ns INTEGER NOT NULL,
    key_package BLOB NOT NULL
) STRICT;

-- Sequence ids are part of the consensus of groups and stay forever (node.md 7).
CREATE TABLE inbox_log (
    sequence_id INTEGER PRIMARY KEY AUTOINCREMENT,
    inbox_id BLOB NOT NULL,
    server_timestamp_ns INTEGER NOT NULL,
    identity_update BLOB NOT NULL
) STRICT;
CREATE INDEX inbox_log_by_inbox ON inbox_log (inbox_id, sequence_id);

-- Which inbox an account was added to and, where it was, removed from.
CREATE TABLE address_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- 1: Ethereum address, 2: passkey.
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    address TEXT NOT NULL,
    inbox_id BLOB NOT NULL,
    association_sequence_id INTEGER NOT NULL,
    revocation_sequence_id INTEGER
) STRICT;
CREATE INDEX address_log_by_address ON address_log (address, kind, association_sequence_id);

CREATE TABLE commit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_ns INTEGER NOT NULL,
    group_id BLOB NOT NULL,
    entry BLOB NOT NULL,
    signature BLOB NOT NULL,
    signer BLOB NOT NULL
) STRICT;
CREATE INDEX commit_log_by_group ON commit_log (group_id, id);
