-- Any number of events of any number of runs in one statement, all of the time
-- $1; $2 to $6 are arrays of what differs. Other processes are told over channel
-- $7, with the payloads in $8, once the transaction commits.
WITH written AS (
  INSERT INTO events (run_id, owner_id, seq, created_at, kind, body)
  SELECT e.run_id, e.owner_id, e.seq, $1, e.kind, e.body::jsonb
  FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[]) AS e (run_id, owner_id, seq, kind, body)
)
SELECT pg_notify($7, payload)
FROM unnest($8::text[]) AS payload
