# Tries: run a program as its owner, root: one that is there, or one that it makes.
# Contained: none runs as root.
import os
import shutil
import stat
import subprocess
import sys

here = os.path.abspath("python-as-root")
shutil.copy(os.path.realpath(sys.executable), here)
for change in (lambda: os.chown(here, 0, 0), lambda: os.chmod(here, 0o6755)):
    try:
        change()
    except OSError as e:
        print(e)
if os.getuid() != 0 and os.stat(here).st_uid == 0 and os.stat(here).st_mode & stat.S_ISUID:
    print("ESCAPED: made a program that runs as root")
try:
    ids = subprocess.run([here, "-I", "-c", "import os; print(os.geteuid())"], capture_output=True, text=True, timeout=20).stdout
    if os.getuid() != 0 and ids.strip() == "0":
        print("ESCAPED: a program ran as root")
except OSError as e:
    print(e)
os.remove(here)
for folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/lib"):
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        mode = os.lstat(os.path.join(folder, name)).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            print("ESCAPED: the set-uid program", name, "is there")
