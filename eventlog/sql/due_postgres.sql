-- Runs that wait for a node: those that were begun and that nobody holds any more,
-- those that wait for a person and were stopped,
-- and queued ones whose turn it is, in their chat and among their owner's. $1 is
-- how many runs of a person go on at once, $2 the only run to look at or '', and
-- $3 how many are wanted.
SELECT r.id, r.epoch, r.owner_id
FROM runs r
JOIN messages q ON q.id = r.question_id
WHERE ($2 = '' OR r.id = $2)
  AND (r.lease_until IS NULL OR r.lease_until <= clock_timestamp())
  AND (r.state = 'RUNNING'
       OR r.state = 'WAITING' AND r.cancel_requested
       OR r.state = 'QUEUED'
          AND NOT EXISTS (
            SELECT 1
            FROM runs e
            JOIN messages eq ON eq.id = e.question_id
            WHERE e.chat_id = r.chat_id
              AND e.state IN ('QUEUED', 'RUNNING', 'WAITING')
              AND (eq.seq, e.id) < (q.seq, r.id))
          AND (SELECT count(*) FROM runs o WHERE o.owner_id = r.owner_id AND o.state = 'RUNNING') < $1)
ORDER BY r.created_at, r.id
LIMIT $3
