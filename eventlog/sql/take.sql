-- Makes a node the only writer of a run that waits for one: see turn.sql. $1 is the
-- run, $2 the epoch that it sets and $3 the node. No row: another has claimed it
-- since, holds it still, it is another's turn, or it has finished.
UPDATE runs AS r
SET epoch = $2, node = $3, lease_until = {{.Lease}}
WHERE r.id = $1
  AND r.epoch = $2 - 1
  AND {{template "turn.sql" .}}
RETURNING owner_id
