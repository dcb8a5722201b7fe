-- Reserves numbers in any number of runs for the writers who hold them, and
-- renews their leases. $1, $2 and $3 are arrays of run ids, claims and how many
-- numbers; $4 is the lease in seconds. By the row lock that an update takes
-- every other writer of these runs is kept out until the transaction ends. So
-- that a node which vanishes in the midst of it does not keep them out for longer
-- than its lease, the database gives up on a transaction that is silent for $5.
-- A run that is not in the answer has gone to a later claim, has finished, or is
-- no more.
UPDATE runs
SET last_seq = runs.last_seq + w.n,
    lease_until = clock_timestamp() + make_interval(secs => $4)
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS w (id, epoch, n)
WHERE runs.id = w.id
  AND runs.epoch = w.epoch
  AND runs.state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
RETURNING runs.id, runs.epoch, runs.last_seq, runs.owner_id,
  set_config('idle_in_transaction_session_timeout', $5, true)
