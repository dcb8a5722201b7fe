-- Tells the other processes, once the transaction commits.
SELECT pg_notify($1, $2)
