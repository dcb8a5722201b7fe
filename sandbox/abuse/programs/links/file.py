# Tries: have the host fetch a file that is not in the output folder, by a link to it.
# Contained: what the link leads to does not come out.
import os
import tempfile

outside = os.path.join(tempfile.gettempdir(), "outside.txt")
with open(outside, "w") as file:
    file.write("\nESCAPED: through a link\n")
os.symlink(outside, "link.txt")
os.symlink(canary_path, "canary.txt")
