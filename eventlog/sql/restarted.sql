-- Ends the leases of all runs that have not ended, for nobody holds them any more.
UPDATE runs
SET lease_until = NULL, node = NULL
WHERE lease_until IS NOT NULL
  AND state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
