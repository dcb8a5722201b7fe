# Tries: draw from embedded databases what another session draws.
# Contained: no two sessions draw alike.
# Twice: differs
import duckdb
import sqlite3

print(duckdb.sql("SELECT random()").fetchall())
print(duckdb.sql("SELECT uuid()").fetchall())
print(duckdb.connect().sql("SELECT random()").fetchall())
print(sqlite3.connect(":memory:").execute("SELECT random(), hex(randomblob(8))").fetchall())
