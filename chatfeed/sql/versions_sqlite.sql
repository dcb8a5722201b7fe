-- The versions of chats. $1 is a JSON array of ids.
SELECT id, version
FROM chats
WHERE id IN (SELECT value FROM json_each($1))
