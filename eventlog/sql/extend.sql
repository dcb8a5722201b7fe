-- Reserves the next $3 numbers of a run for the writer of claim $2 and, by the
-- row lock that an update takes, keeps every other writer out until the
-- transaction ends. No row: the claim is an old one, or the run has finished.
UPDATE runs
SET last_seq = last_seq + $3
WHERE id = $1
  AND epoch = $2
  AND state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
RETURNING last_seq, owner_id
