DROP TABLE commit_log;
DROP TABLE address_log;
DROP TABLE inbox_log;
DROP TABLE installations;
DROP TABLE welcome_messages;
DROP TABLE group_messages;
