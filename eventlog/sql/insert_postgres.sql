-- Any number of events in one statement. $5 and $6 are arrays of kinds and of
-- bodies, in order; the first of them gets the number after $3.
INSERT INTO events (run_id, owner_id, seq, created_at, kind, body)
SELECT $1, $2, $3 + e.n, $4, e.kind, e.body::jsonb
FROM unnest($5::text[], $6::text[]) WITH ORDINALITY AS e (kind, body, n)
