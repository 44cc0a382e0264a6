-- History on its way between installations of the own inbox, and archives that others offer. pin: names
-- the transfer on both. role: 1 asking, 2 answering. step: what is to be done or waited for: 1 waiting,
-- 2 held, 3 building, 4 uploading, 5 sent, 6 ready, 7 downloading, 8 verifying, 9 importing. state:
-- 1 going, 2 paused, 3 failed, 4 offered, 5 done, 6 refused, 7 expired, 8 cancelled. peer: the other
-- installation. code: the words to compare. wanted: sum of 1 messages, 2 decisions, 4 files, 8 no
-- messages that disappear. conversation_ids: hex, separated by commas; NULL: all. url, archive_key,
-- sha256: of the archive; the key is erased as soon as it is used. claim: 1 our word that we answer is
-- queued, 2 it is in. claimed_at_ns: when another installation said so. expires_at_ns: when it ends, or
-- once it has ended, is forgotten. file_secret: what our archive is removed from its server by.
CREATE TABLE history_transfers (
    pin TEXT PRIMARY KEY,
    role INTEGER NOT NULL,
    step INTEGER NOT NULL,
    state INTEGER NOT NULL,
    peer BLOB,
    code TEXT,
    is_official INTEGER,
    wanted INTEGER NOT NULL,
    start_ns INTEGER,
    end_ns INTEGER,
    conversation_ids TEXT,
    server_url TEXT NOT NULL,
    host_allowed INTEGER NOT NULL,
    url TEXT,
    archive_key BLOB CHECK (length(archive_key) = 32),
    sha256 BLOB CHECK (length(sha256) = 32),
    exported_at_ns INTEGER,
    bytes_done INTEGER NOT NULL,
    bytes_total INTEGER,
    conversations_done INTEGER NOT NULL,
    conversations_total INTEGER,
    messages_done INTEGER NOT NULL,
    messages_total INTEGER,
    skipped INTEGER NOT NULL,
    estimate_bytes INTEGER,
    error_code TEXT,
    error_text TEXT,
    claim INTEGER NOT NULL,
    claimed_at_ns INTEGER,
    created_at_ns INTEGER NOT NULL,
    expires_at_ns INTEGER,
    file_secret TEXT
) STRICT, WITHOUT ROWID;
