# Tries: have DuckDB fetch from the network, and install an extension that can.
# Contained: the listener gets no connection, and nothing is installed.
import duckdb

connection = duckdb.connect()
for query in (
    f"SELECT * FROM read_csv('http://127.0.0.1:{port}/table.csv')",
    f"SET custom_extension_repository='http://127.0.0.1:{port}'; INSTALL httpfs",
    "INSTALL httpfs; LOAD httpfs",
    f"INSTALL spatial FROM 'http://127.0.0.1:{port}'",
    f"ATTACH 'http://127.0.0.1:{port}/a.db' AS remote",
):
    try:
        connection.execute(query)
        print("DuckDB did not object")
    except Exception as e:
        print(type(e).__name__, str(e)[:200])
print("extensions", connection.execute("SELECT extension_name FROM duckdb_extensions() WHERE installed AND install_mode <> 'STATICALLY_LINKED'").fetchall())
