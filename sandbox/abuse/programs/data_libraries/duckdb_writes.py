# Tries: write to a folder of the host with DuckDB.
# Contained: the folder stays empty.
# Alone: escapes
import duckdb

for query in (
    f"COPY (SELECT 1 AS a) TO '{host_dir}/left.csv'",
    f"COPY (SELECT 1 AS a) TO '{host_dir}/left.parquet' (FORMAT parquet)",
    f"ATTACH '{host_dir}/left.db' AS left_db; CREATE TABLE left_db.t AS SELECT 1 AS a",
    f"EXPORT DATABASE '{host_dir}/left'",
    f"SET temp_directory='{host_dir}/left-temp'; SET memory_limit='10MB'; CREATE TABLE t AS SELECT range AS a, random() AS b FROM range(5000000)",
):
    try:
        duckdb.connect().execute(query)
        print("DuckDB did not object")
    except Exception as e:
        print(type(e).__name__, e)
