DROP INDEX messages_files;
DROP TABLE allowed_hosts;
DROP TABLE held_messages;
DROP TABLE attachment_chunks;
DROP TABLE attachments;
