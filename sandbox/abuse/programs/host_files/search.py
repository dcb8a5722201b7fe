# Tries: find a file of the host wherever it may appear.
# Contained: it is nowhere.
import os

name, seen = os.path.basename(canary_path), 0
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if f not in ("proc", "sys", "site-packages", "__pycache__", "zoneinfo")]
    if name in files:
        print("ESCAPED: found", os.path.join(folder, name))
    seen += len(files)
    if seen > 20_000:
        break
print(seen, "files")
