-- What is searched. The index is written in batches after the messages (the cursor of kind 6 is the
-- row up to which they are in it), and loses an entry in the transaction that deletes its message.
-- The key is the row of the message, so that texts stay where they were written: SQLite leaves copies
-- in unused parts of pages when rows move. id: the message's time in microseconds, or the next free
-- number after it, so that the index gives the newest first by itself. scope: words for the
-- conversation and the sender, for filters.
CREATE TABLE search_entries (
    row_id INTEGER PRIMARY KEY REFERENCES messages (row_id) ON DELETE CASCADE,
    id INTEGER NOT NULL UNIQUE,
    text TEXT NOT NULL,
    scope TEXT NOT NULL
) STRICT;

-- Letters without their accents, numbers, and symbols (emoji).
CREATE VIRTUAL TABLE search USING fts5(
    text, scope, content = 'search_entries', content_rowid = 'id', columnsize = 0,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);
-- A deleted entry is taken out of the index's pages, not only marked as deleted.
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER search_entries_deleted AFTER DELETE ON search_entries BEGIN
    INSERT INTO search (search, rowid, text, scope) VALUES ('delete', OLD.id, OLD.text, OLD.scope);
END;
CREATE TRIGGER search_entries_moved AFTER UPDATE OF id ON search_entries BEGIN
    INSERT INTO search (search, rowid, text, scope) VALUES ('delete', OLD.id, OLD.text, OLD.scope);
    INSERT INTO search (rowid, text, scope) VALUES (NEW.id, NEW.text, NEW.scope);
END;
-- Content only ever changes because it was deleted for everybody; our own deletion counts at once.
CREATE TRIGGER search_entries_of_changed AFTER UPDATE OF content, deleted_by_inbox_id ON messages BEGIN
    DELETE FROM search_entries WHERE row_id = OLD.row_id;
END;

-- What the person has begun to write. Of a direct message one row, under any of its ids.
CREATE TABLE drafts (
    conversation_id BLOB PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    reply_to BLOB
) STRICT, WITHOUT ROWID;
