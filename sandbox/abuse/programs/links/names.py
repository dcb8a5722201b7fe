# Tries: leave files whose names lead elsewhere on the host.
# Contained: the files come out under names that lead nowhere, and nothing else is written.
for name in ("x\\..\\..\\left.txt", "left.txt\nx", "\u202etxt.exe", "-rf", "~", ".hidden"):
    with open(name, "w") as file:
        file.write("x")
open(b"\xff\xfe", "w").close()
