CREATE INDEX intents_by_state ON intents (state, id);
CREATE INDEX intents_by_hash ON intents (payload_hash) WHERE payload_hash IS NOT NULL;
CREATE INDEX intents_by_message ON intents (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX messages_waiting ON messages (conversation_id) WHERE delivery = 1;
