# Tries: read a small Parquet file that inflates to more than the memory it may have.
# Contained: a MemoryError, or the end of the session.
import pyarrow as pa
import pyarrow.parquet as pq
import time

part = pa.table({"n": np.zeros(1 << 20, dtype="int64")})
with pq.ParquetWriter("bomb.parquet", part.schema) as writer:
    for _ in range(memory_limit * 5 // 4 >> 23):
        writer.write_table(part)
table = pd.read_parquet("bomb.parquet")
time.sleep(1)
print("ESCAPED: a table of", table.memory_usage().sum(), "bytes")
