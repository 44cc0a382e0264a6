CREATE INDEX intents_by_state ON intents (state, id);
CREATE INDEX intents_by_hash ON intents (payload_hash) WHERE payload_hash IS NOT NULL;
