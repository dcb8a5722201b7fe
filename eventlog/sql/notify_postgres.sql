-- Tells the other processes on this database, once the transaction commits.
SELECT pg_notify($1, $2)
