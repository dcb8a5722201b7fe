-- Runs that wait for a node: those that were begun and that nobody holds any more,
-- those that wait for a person and were stopped, and queued ones whose turn it is,
-- in their chat and among their owner's: see turn.sql. $1 is how many are wanted.
SELECT r.id, r.epoch
FROM runs r
WHERE {{template "turn.sql" .}}
ORDER BY r.created_at, r.id
LIMIT $1
