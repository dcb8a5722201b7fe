# Tries: write to a folder of the host with every writer of pandas and numpy.
# Contained: the folder stays empty.
# Alone: escapes
table = pd.DataFrame({"a": [1]})
for write in (
    lambda: table.to_csv(host_dir + "/left.csv"),
    lambda: table.to_pickle(host_dir + "/left.pkl"),
    lambda: table.to_json(host_dir + "/left.json"),
    lambda: table.to_html(host_dir + "/left.html"),
    lambda: table.to_parquet(host_dir + "/left.parquet"),
    lambda: table.to_excel(host_dir + "/left.xlsx"),
    lambda: np.save(host_dir + "/left.npy", np.ones(1)),
    lambda: np.ones(1).tofile(host_dir + "/left.bin"),
    lambda: np.savetxt(host_dir + "/left.txt", np.ones(1)),
):
    try:
        write()
        print("ESCAPED: wrote into", host_dir)
    except Exception as e:
        print(type(e).__name__, e)
