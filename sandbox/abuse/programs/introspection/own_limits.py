# Tries: find the limits that its keeper was given, and raise them; then print and leave more than it may.
# Contained: the host keeps its own limits.
import gc

for thing in gc.get_objects():
    if type(thing) is dict and {"output", "outputs", "artifact", "artifacts", "limit", "timeout", "memory"} & {k for k in thing if type(k) is str}:
        for key, value in list(thing.items()):
            if type(value) is int and value > 0:
                thing[key] = 1 << 40
    elif getattr(type(thing), "__module__", "").split(".")[0] not in ("builtins", "pandas", "numpy"):
        for name in ("_left", "_limit", "_flood", "_total", "_each", "_count", "limit", "timeout"):
            try:
                if type(getattr(thing, name, None)) is int and not isinstance(thing, type):
                    setattr(thing, name, 1 << 40)
            except Exception:
                pass
with open("big.bin", "wb") as file:
    file.write(b"x" * (20 << 20))
line = "x" * (1 << 20)
for _ in range(40):
    print(line)
