# Tries: fail with a message of 50 MB, a chain of causes and a name that steers terminals.
# Contained: the host gets a short form.
error = None
for n in range(500):
    following = ValueError("x" * 100_000)
    following.__cause__, error = error, following
kind = type("\x1b[2J\u202e" + "N" * 10_000, (Exception,), {"__str__": lambda self: "m" * 50_000_000})
raise kind from error
