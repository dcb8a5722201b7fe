# Tries: read a small compressed table that inflates to more than the memory it may have.
# Contained: a MemoryError, or the end of the session.
import gzip

member = gzip.compress((b"x" * (1 << 20) + b"\n") * 16, 1)
with open("bomb.csv.gz", "wb") as file:
    file.write(gzip.compress(b"text\n"))
    for _ in range(memory_limit * 5 // 4 >> 24):
        file.write(member)
table = pd.read_csv("bomb.csv.gz")
print("ESCAPED: a table of", table.memory_usage(deep=True).sum(), "bytes")
