# Tries: have pandas fetch from a service that only the host may reach.
# Contained: the listener gets no connection.
# Alone: escapes
url = f"http://127.0.0.1:{port}/table.csv"
for read in (
    lambda: pd.read_csv(url),
    lambda: pd.read_json(url),
    lambda: pd.read_html(url),
    lambda: pd.read_xml(url),
    lambda: pd.read_parquet(url),
    lambda: pd.read_excel(url),
    lambda: pd.read_pickle(url),
    lambda: np.lib.npyio.DataSource().open(url).read(),
):
    try:
        print("ESCAPED:", read())
    except Exception as e:
        print(type(e).__name__, e)
