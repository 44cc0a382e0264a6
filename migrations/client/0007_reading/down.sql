DROP TABLE drafts;
DROP TRIGGER search_entries_of_changed;
DROP TABLE search;
DROP TABLE search_entries;
DELETE FROM cursors WHERE kind = 6;
