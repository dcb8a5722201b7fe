-- Reserves numbers in any number of runs for the writers who hold them, and
-- renews their leases. $1 is a JSON array of [run id, claim, how many numbers];
-- $2 is when the lease ends. A run that is not in the answer has gone to a later
-- claim, has finished, or is no more. The last column is PostgreSQL's.
UPDATE runs
SET last_seq = last_seq + (w.value ->> 2),
    lease_until = $2
FROM json_each($1) AS w
WHERE runs.id = w.value ->> 0
  AND runs.epoch = w.value ->> 1
  AND runs.state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
RETURNING id, epoch, last_seq, owner_id, ''
