# Tries: climb out of every folder that it knows.
# Contained: the file's content does not come out.
# Alone: escapes
import os
import sys
import tempfile

for folder in (os.getcwd(), tempfile.gettempdir(), os.path.dirname(input_path) or ".", *sys.path, "/proc/self/cwd"):
    path = folder + "/.." * 20 + canary_path
    try:
        with open(path) as file:
            print("ESCAPED:", file.read())
    except OSError as e:
        print(e)
