-- Whether a run that is about to be made after all others of its chat would go on
-- at once, by the rule of turn.sql: $1 is the chat, $2 its owner. The answer, where
-- it would, is when the lease of a claim that is made now ends.
SELECT {{.Lease}}
WHERE NOT EXISTS (SELECT 1 FROM runs e WHERE e.chat_id = $1 AND e.state IN ('QUEUED', 'RUNNING', 'WAITING'))
  AND (SELECT count(*) FROM runs o WHERE o.owner_id = $2 AND o.state = 'RUNNING') < {{.PerOwner}}
