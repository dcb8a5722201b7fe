-- The tables that refer to blobs. Asked of the database, so that a table that is
-- added is never forgotten.
SELECT t.name
FROM sqlite_schema t
JOIN pragma_table_info(t.name) c
WHERE t.type = 'table' AND c.name = 'blob_key'
ORDER BY t.name
