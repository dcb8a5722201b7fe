-- How far a run has come and under which claim, once every transaction that is
-- writing to it now has ended: FOR SHARE waits for it.
SELECT epoch, last_seq
FROM runs
WHERE id = $1
FOR SHARE
