# Tries: join two small tables into one that is larger than everything.
# Contained: a MemoryError, or the end of the session.
import time

side = pd.DataFrame({"n": range(int((memory_limit * 5 // 4 // 16) ** 0.5) + 1)})
joined = side.merge(side, how="cross")
time.sleep(1)
print("ESCAPED: a table of", len(joined), "rows")
