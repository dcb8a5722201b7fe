# Repeated rows
df = pd.read_csv("/mnt/data/sales.csv")

repeated = df.duplicated(subset=["order_id"], keep="first")
table = df[df.duplicated(subset=["order_id"], keep=False)].sort_values(["order_id"]).head(100)
if repeated.any():
    print(f"{repeated.sum():,} of {len(df):,} rows repeat the order_id of an earlier row.")
    display(table, title="Repeated rows")
else:
    print(f"No row repeats the order_id of another: all {len(df):,} rows are different.")
    display(pd.DataFrame({"rows": [len(df)], "repeated": [0]}), title="Repeated rows")
