# Tries: leave more files than anybody can look through.
# Contained: the host gets no more than it allows, and the step ends.
for n in range(6_000):
    open(f"file-{n}", "w").close()
