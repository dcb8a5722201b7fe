# Repeated rows
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/sales.csv")

repeated = df.duplicated(subset=["order_id"], keep="first")
table = df[df.duplicated(subset=["order_id"], keep=False)].sort_values(["order_id"]).head(100)
if repeated.any():
    print(f"{repeated.sum():,} of {counted(len(df), 'row')} {'repeats' if repeated.sum() == 1 else 'repeat'} the order_id of an earlier row.")
    display(table, title="Repeated rows")
else:
    print(f"No row repeats the order_id of another: {'the only row' if len(df) == 1 else f'all {len(df):,} rows'} {'is' if len(df) == 1 else 'are'} different.")
    display(pd.DataFrame({"rows": [len(df)], "repeated": [0]}), title="Repeated rows")
