-- 10,000 chats of 101 people, a hundred of them $1's, with a million messages and
-- half a million runs that have ended.
SET session_replication_role = replica; -- what refers to what is right by the way it is made

INSERT INTO users (id, created_at, email, password_hash, updated_at)
SELECT format('usr_seed%s', lpad(i::text, 2, '0')), '2026-01-01', format('seed%s@example.org', i), '-', '2026-01-01' FROM generate_series(0, 99) i;

INSERT INTO chats (id, created_at, title, last_message_seq, updated_at, owner_id)
SELECT 'cht_seed' || lpad(i::text, 4, '0'), '2026-01-01', 'seed', 100, '2026-01-01',
       CASE WHEN i % 100 = 0 THEN $1 ELSE 'usr_seed' || lpad((i % 100)::text, 2, '0') END
FROM generate_series(0, 9999) i;

INSERT INTO messages (id, created_at, owner_id, seq, role, parts, chat_id)
SELECT 'msg_' || substr(c.id, 5) || lpad(i::text, 3, '0'), c.created_at, c.owner_id, i, CASE i % 2 WHEN 1 THEN 'USER' ELSE 'ASSISTANT' END,
       '[{"text":{"text":"What is the mean of the amounts by region, and how has it changed over the year?"}}]', c.id
FROM chats c, generate_series(1, 100) i
WHERE c.id LIKE 'cht\_seed%';

INSERT INTO runs (id, created_at, owner_id, state, model, epoch, last_seq, started_at, finished_at, chat_id, question_id, answer_id)
SELECT 'run_' || substr(q.id, 5), q.created_at, q.owner_id, 'SUCCEEDED', 'seed', 1, 40, q.created_at, q.created_at, q.chat_id, q.id,
       'msg_' || substr(q.chat_id, 5) || lpad((q.seq + 1)::text, 3, '0')
FROM messages q
WHERE q.role = 'USER' AND q.chat_id LIKE 'cht\_seed%';

RESET session_replication_role;
ANALYZE;
