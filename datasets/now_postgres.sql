-- The time, by the one clock that all nodes share.
SELECT clock_timestamp()
