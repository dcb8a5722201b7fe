-- Events of a run after a number, oldest first.
SELECT seq, created_at, kind, body
FROM events
WHERE run_id = $1
  AND seq > $2
ORDER BY seq
LIMIT $3
