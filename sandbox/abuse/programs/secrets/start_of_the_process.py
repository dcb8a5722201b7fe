# Tries: read the service's secrets from how the process was started.
# Contained: none is there.
# Alone: escapes
for name in ("environ", "cmdline", "auxv", "comm"):
    with open("/proc/self/" + name, "rb") as file:
        if b"ABUSE_SECRET" in (text := file.read()):
            print("ESCAPED:", text[text.index(b"ABUSE_SECRET"):][:80])
