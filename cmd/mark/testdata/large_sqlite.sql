-- 10,000 chats of 101 people, a hundred of them $1's, with a million messages and
-- half a million runs that have ended.
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
INSERT INTO users (id, created_at, email, password_hash, updated_at)
SELECT printf('usr_seed%02d', i), '2026-01-01 00:00:00+00:00', printf('seed%02d@example.org', i), '-', '2026-01-01 00:00:00+00:00' FROM n;

WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
INSERT INTO chats (id, created_at, title, last_message_seq, updated_at, owner_id)
SELECT printf('cht_seed%04d', i), '2026-01-01 00:00:00+00:00', 'seed', 100, '2026-01-01 00:00:00+00:00',
       CASE WHEN i % 100 = 0 THEN $1 ELSE printf('usr_seed%02d', i % 100) END
FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
INSERT INTO messages (id, created_at, owner_id, seq, role, parts, chat_id)
SELECT printf('msg_%s%03d', substr(c.id, 5), i), c.created_at, c.owner_id, i, CASE i % 2 WHEN 1 THEN 'USER' ELSE 'ASSISTANT' END,
       '[{"text":{"text":"What is the mean of the amounts by region, and how has it changed over the year?"}}]', c.id
FROM chats c, n
WHERE c.id LIKE 'cht_seed%';

INSERT INTO runs (id, created_at, owner_id, state, model, epoch, last_seq, started_at, finished_at, chat_id, question_id, answer_id)
SELECT 'run_' || substr(q.id, 5), q.created_at, q.owner_id, 'SUCCEEDED', 'seed', 1, 40, q.created_at, q.created_at, q.chat_id, q.id,
       printf('msg_%s%03d', substr(q.chat_id, 5), q.seq + 1)
FROM messages q
WHERE q.role = 'USER' AND q.chat_id LIKE 'cht_seed%';

ANALYZE;
