-- Makes a node the only writer of a run, whether it is its turn or not: $1 is the
-- run, $2 the epoch that the claim sets and $3 the node. No row: another has
-- claimed it since, holds it still, or it has finished.
UPDATE runs
SET epoch = $2, node = $3, lease_until = {{.Lease}}
WHERE id = $1
  AND epoch = $2 - 1
  AND state IN ('QUEUED', 'RUNNING', 'WAITING')
  AND (lease_until IS NULL OR lease_until <= {{.Now}})
RETURNING owner_id
