# Tries: leave files whose names lead elsewhere on the host.
# Contained: the files come out under names that lead nowhere, and nothing else is written.
for name in ("..\\..\\left.txt", "%2e%2e%2fleft.txt", "left.txt\nx", "-rf", "CON", "a" * 255, "\u202etxt.exe", "…" * 60, ".hidden", "~", "$HOME"):
    with open(name, "w") as file:
        file.write("x")
open(b"\xff\xfe", "w").close()
