-- Gives a run back in good order: $1 is the run and $2 the epoch of the claim.
UPDATE runs
SET lease_until = NULL, node = NULL, handovers = handovers + 1
WHERE id = $1
  AND epoch = $2
  AND state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
