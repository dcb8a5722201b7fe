# Tries: have the host fetch the files of another folder, by a link to it.
# Contained: what the link leads to does not come out.
import os
import tempfile

outside = os.path.join(tempfile.gettempdir(), "outside")
os.makedirs(outside, exist_ok=True)
with open(outside + "/file.txt", "w") as file:
    file.write("\nESCAPED: through a linked folder\n")
os.symlink(outside, "folder")
os.symlink(os.path.dirname(canary_path), "canaries")
os.symlink(".", "loop")
