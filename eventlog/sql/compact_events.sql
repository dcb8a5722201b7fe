-- Removes a run's events up to $2.
DELETE FROM events
WHERE run_id = $1
  AND seq <= $2
