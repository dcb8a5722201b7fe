# Tries: leave modules in the working folder that are imported instead of the real ones.
# Contained: no other session imports them.
import os
import sys

for name in ("json", "pandas", "sitecustomize", "usercustomize", "random", "numpy"):
    with open(name + ".py", "w") as file:
        file.write("print('ESCAPED: a shadow was imported')\n")
sys.path.insert(0, os.getcwd())
os.environ["PYTHONPATH"] = os.environ["PYTHONSTARTUP"] = os.getcwd()
