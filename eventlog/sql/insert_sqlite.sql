-- Any number of events in one statement. $5 is a JSON array of pairs [kind,
-- body], in order, the body being a string; the first of them gets the number
-- after $3.
INSERT INTO events (run_id, owner_id, seq, created_at, kind, body)
SELECT $1, $2, $3 + e.key + 1, $4, e.value ->> 0, e.value ->> 1
FROM json_each($5) AS e
ORDER BY e.key
