# Tries: read a text that nests a million deep.
# Contained: an exception or a typed error.
import json

text = "[" * 1_000_000 + "]" * 1_000_000
for read in (json.loads, lambda text: pd.read_json(__import__("io").StringIO(text)), lambda text: eval(text[:100_000] + text[-100_000:])):
    try:
        read(text)
    except (RecursionError, ValueError, MemoryError, SyntaxError) as e:
        print(type(e).__name__)
