-- Renews the leases of runs until $2, and tells which of them are still their
-- claimant's and which were stopped. $1 is a JSON array of pairs [id, epoch].
UPDATE runs
SET lease_until = $2
FROM (SELECT value ->> 0 AS id, value ->> 1 AS epoch FROM json_each($1)) AS held
WHERE runs.id = held.id
  AND runs.epoch = held.epoch
  AND runs.lease_until IS NOT NULL
  AND runs.state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
RETURNING runs.id, runs.cancel_requested
