# Tries: print without end.
# Contained: it is stopped; the host takes no more than output_limit.
line = "x" * (1 << 20)
for _ in range(200):
    print(line)
print("ESCAPED: printed 200 MiB and was not stopped")
