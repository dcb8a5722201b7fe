-- Up to where a run's events are no longer stored.
SELECT compacted_seq
FROM runs
WHERE id = $1
