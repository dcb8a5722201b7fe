# Tries: attach a database of the host's folder, and load a library into SQLite.
# Contained: the folder stays empty, and nothing is loaded.
# Alone: escapes
import sqlite3

connection = sqlite3.connect(":memory:")
for query in (
    f"ATTACH '{host_dir}/left.db' AS left_db",
    "CREATE TABLE left_db.t AS SELECT 1 AS a",
    f"VACUUM INTO '{host_dir}/left-too.db'",
    f"SELECT writefile('{host_dir}/left.txt', 'x')",
    "SELECT load_extension('libc.so.6')",
):
    try:
        connection.execute(query)
    except Exception as e:
        print(type(e).__name__, e)
