ALTER TABLE conversations DROP COLUMN readd_requested_at_ns;
DROP TABLE readds;
DROP TABLE commit_log_states;
DROP TABLE remote_commit_log;
DROP TABLE commit_log;
