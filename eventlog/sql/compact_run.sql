-- Says that a run's events up to $2 are no longer stored. No row: they are not
-- already.
UPDATE runs
SET compacted_seq = $2
WHERE id = $1
  AND compacted_seq < $2
  AND state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
