-- Raises the versions of chats. $1 is a JSON array of ids.
UPDATE chats
SET version = version + 1
WHERE id IN (SELECT value FROM json_each($1))
RETURNING id, version
