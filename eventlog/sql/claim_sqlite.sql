-- Makes a node the only writer of a run: $1 is the run, $2 the epoch that the
-- claim sets, $3 the node, $4 the lease's end and $5 the present. No row: another
-- has claimed it since, holds it still, or it has finished.
UPDATE runs
SET epoch = $2, node = $3, lease_until = $4
WHERE id = $1
  AND epoch = $2 - 1
  AND state IN ('QUEUED', 'RUNNING', 'WAITING')
  AND (lease_until IS NULL OR lease_until <= $5)
RETURNING last_seq
