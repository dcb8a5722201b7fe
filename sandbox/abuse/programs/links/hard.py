# Tries: give a file of the host a second name in the output folder.
# Contained: the file's content does not come out.
import os

for path in (canary_path, "/etc/shadow", input_path):
    try:
        os.link(path, "second-" + os.path.basename(path), follow_symlinks=True)
        print("linked", path)
    except OSError as e:
        print(e)
