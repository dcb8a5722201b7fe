# Tries: read the host's password hashes. It prints none.
# Contained: the file cannot be read.
with open("/etc/shadow") as file:
    print("ESCAPED: the passwords have", len(file.read()), "characters")
