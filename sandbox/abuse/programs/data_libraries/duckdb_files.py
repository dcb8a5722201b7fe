# Tries: read files of the host with DuckDB.
# Contained: the file's content does not come out.
# Alone: escapes
import duckdb

for query in (
    f"SELECT * FROM read_text('{canary_path}')",
    f"SELECT * FROM read_csv('{canary_path}', header=false)",
    f"SELECT * FROM '{canary_path}*'",
    f"SELECT content FROM read_blob('{canary_path}')",
    f"SELECT * FROM glob('{host_dir}/../*')",
):
    try:
        if rows := duckdb.connect().execute(query).fetchall():
            print("ESCAPED:", rows)
    except Exception as e:
        print(type(e).__name__, e)
