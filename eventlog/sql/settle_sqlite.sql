-- How far a run has come and under which claim.
SELECT epoch, last_seq
FROM runs
WHERE id = $1
