-- Runs that finished before $1 and still have more than their last event, the
-- oldest first.
SELECT id, compacted_seq, last_seq - 1
FROM runs
WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
  AND finished_at < $1
  AND compacted_seq < last_seq - 1
ORDER BY finished_at
LIMIT $2
