-- How far each of these runs has come. $1 is an array of ids.
SELECT id, last_seq, state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
FROM runs
WHERE id = ANY ($1::text[])
