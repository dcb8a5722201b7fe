-- Makes a node the only writer of a run: $1 is the run, $2 the epoch that the
-- claim sets, $3 the node and $4 the lease's length in microseconds. The time is
-- the database's, so that nodes need not agree on it. No row: another has claimed
-- it since, holds it still, or it has finished.
UPDATE runs
SET epoch = $2, node = $3, lease_until = clock_timestamp() + $4 * interval '1 microsecond'
WHERE id = $1
  AND epoch = $2 - 1
  AND state IN ('QUEUED', 'RUNNING', 'WAITING')
  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
RETURNING last_seq
