-- Raises the versions of chats and tells the other processes, once the
-- transaction commits. $1 is an array of ids, $2 the channel. The rows are locked
-- in their order: of two transactions that raise the same chats one waits for the
-- other, and never each for the other.
WITH changed AS (
    SELECT id
    FROM chats
    WHERE id = ANY ($1::text[])
    ORDER BY id
    FOR NO KEY UPDATE
), raised AS (
    UPDATE chats
    SET version = version + 1
    FROM changed
    WHERE chats.id = changed.id
    RETURNING chats.id, chats.version
), told AS (
    SELECT id, version, pg_notify($2, id || ' ' || version)
    FROM raised
)
SELECT id, version
FROM told
