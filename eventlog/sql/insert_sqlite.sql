-- Any number of events of any number of runs in one statement, all of the time
-- $1. $2 is a JSON array of [run id, owner, seq, kind, body], the body being a
-- string.
INSERT INTO events (run_id, owner_id, seq, created_at, kind, body)
SELECT e.value ->> 0, e.value ->> 1, e.value ->> 2, $1, e.value ->> 3, e.value ->> 4
FROM json_each($2) AS e
