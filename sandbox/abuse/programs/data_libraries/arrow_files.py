# Tries: read and write files of the host by the file systems of pyarrow.
# Contained: the file's content does not come out, and the folder stays empty.
# Alone: escapes
from pyarrow import csv, dataset, fs

local = fs.LocalFileSystem()
for action in (
    lambda: print("ESCAPED:", local.open_input_stream(canary_path).read()),
    lambda: print("ESCAPED:", csv.read_csv(canary_path)),
    lambda: local.open_output_stream(host_dir + "/left.bin").close(),
    lambda: local.copy_file(canary_path, host_dir + "/left.copy"),
    lambda: dataset.write_dataset(__import__("pyarrow").table({"a": [1]}), host_dir + "/left", format="parquet"),
):
    try:
        action()
    except Exception as e:
        print(type(e).__name__, e)
