-- When the root of the keys by which push servers know own messages was made, in ns, by the clock of
-- the installation that made it.
ALTER TABLE account ADD COLUMN hmac_cycled_at_ns INTEGER NOT NULL DEFAULT 0;

-- The groups of all installations of the own inbox. made_at: the node's id of the commit that brought
-- the others in; the same for everybody, so that all agree which group is the newest.
CREATE TABLE sync_groups (
    conversation_id BLOB PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Decisions that other installations have not been told of. What is told is the decision as it is then.
CREATE TABLE preference_outbox (
    entity_kind INTEGER NOT NULL,
    entity TEXT NOT NULL,
    PRIMARY KEY (entity_kind, entity)
) STRICT, WITHOUT ROWID;

-- Installations that came to the own inbox and that the person has not seen yet.
CREATE TABLE new_devices (
    installation_id BLOB PRIMARY KEY CHECK (length(installation_id) = 32),
    first_seen_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
