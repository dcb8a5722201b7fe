(r.lease_until IS NULL OR r.lease_until <= {{.Now}})
  AND (r.state = 'RUNNING'
       OR r.state = 'WAITING' AND r.cancel_requested
       OR r.state = 'QUEUED'
          AND NOT EXISTS (
            SELECT 1
            FROM messages q, runs e
            JOIN messages eq ON eq.id = e.question_id
            WHERE q.id = r.question_id
              AND e.chat_id = r.chat_id
              AND e.id <> r.id
              AND e.state IN ('QUEUED', 'RUNNING', 'WAITING')
              AND (e.state <> 'QUEUED' OR e.lease_until > {{.Now}} OR (eq.seq, e.id) < (q.seq, r.id)))
          AND (SELECT count(*) FROM runs o WHERE o.owner_id = r.owner_id AND o.state = 'RUNNING') < {{.PerOwner}})
