# Tries: read a file of the host by its path.
# Contained: the file's content does not come out.
# Alone: escapes
with open(canary_path) as file:
    print("ESCAPED:", file.read())
