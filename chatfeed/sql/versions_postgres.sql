-- The versions of chats. $1 is an array of ids.
SELECT id, version
FROM chats
WHERE id = ANY ($1::text[])
