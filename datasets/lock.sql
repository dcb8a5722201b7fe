-- Changes nothing, and keeps other uploads of the person out until the
-- transaction ends, so that two of them cannot both take the last room.
UPDATE users
SET updated_at = updated_at
WHERE id = $1
