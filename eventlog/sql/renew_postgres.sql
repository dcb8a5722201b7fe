-- Renews the leases of the runs $1 that were claimed with the epochs $2, for $3
-- microseconds, and tells which of them are still their claimant's and which were
-- stopped.
UPDATE runs
SET lease_until = clock_timestamp() + $3 * interval '1 microsecond'
FROM unnest($1::text[], $2::int[]) AS held (id, epoch)
WHERE runs.id = held.id
  AND runs.epoch = held.epoch
  AND runs.lease_until IS NOT NULL
  AND runs.state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
RETURNING runs.id, runs.cancel_requested
