-- Any number of events in one statement. $5 and $6 are JSON arrays of kinds and
-- of bodies, in order; the first of them gets the number after $3.
INSERT INTO events (run_id, owner_id, seq, created_at, kind, body)
SELECT $1, $2, $3 + k.key + 1, $4, k.value, b.value
FROM json_each($5) AS k
JOIN json_each($6) AS b ON b.key = k.key
ORDER BY k.key
