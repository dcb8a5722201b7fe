-- Events of any number of runs, all of the time ?1: each gives its run, its
-- owner, its number, its kind and its body. The last line is repeated for every
-- further event: that is a tenth faster than a JSON array of them, which SQLite
-- has to read over and over.
INSERT INTO events (created_at, run_id, owner_id, seq, kind, body)
VALUES
(?1, ?, ?, ?, ?, ?)
