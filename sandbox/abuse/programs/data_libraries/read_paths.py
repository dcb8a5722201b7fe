# Tries: read a file of the host with every reader of pandas and numpy.
# Contained: the file's content does not come out.
# Alone: escapes
for read in (
    lambda: pd.read_csv(canary_path, header=None),
    lambda: pd.read_table("file://" + canary_path, header=None),
    lambda: pd.read_fwf(canary_path, header=None),
    lambda: pd.read_json(canary_path, lines=True),
    lambda: pd.read_xml(canary_path),
    lambda: np.fromfile(canary_path, dtype="u1").tobytes(),
    lambda: np.genfromtxt(canary_path, dtype=str),
    lambda: np.memmap(canary_path, mode="r").tobytes(),
    lambda: np.lib.npyio.DataSource().open(canary_path).read(),
):
    try:
        print("ESCAPED:", read())
    except Exception as e:
        print(type(e).__name__, e)
