-- How far each of these runs has come. $1 is a JSON array of ids.
SELECT id, last_seq, state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
FROM runs
WHERE id IN (SELECT value FROM json_each($1))
