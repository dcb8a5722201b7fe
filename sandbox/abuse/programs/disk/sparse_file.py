# Tries: leave a file of a terabyte that takes no room here, to be copied by the host.
# Contained: the host copies no more than it allows.
with open("sparse.bin", "wb") as file:
    file.truncate(1 << 40)
