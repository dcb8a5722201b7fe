# Highest total revenue by product
df = pd.read_csv("/mnt/data/sales.csv")

groups = df.groupby(["product"], as_index=False).agg(**{
    "total revenue": ("revenue", "sum"),
    "rows": ("revenue", "count"),
}).round(2)
groups = groups.dropna().sort_values("total revenue", ascending=False)
table = groups.head(5).reset_index(drop=True)
display(table, title="Highest total revenue by product")

names = groups[["product"]].astype(str).agg(", ".join, axis=1)
values = groups["total revenue"]
if groups.empty:
    print("Note: no group has enough rows.")
else:
    print(f"{names.iloc[0]} has the highest total revenue, {values.iloc[0]:,.2f}, of {len(groups):,} groups.")
    if len(groups) > 1:
        print(f"Next comes {names.iloc[1]} with {values.iloc[1]:,.2f}.")
fewest = table["rows"].min()
if fewest < 10:
    print(f"Note: the smallest group has only {fewest:,} row(s).")
shown = table
fig = px.bar(shown, x="product", y="total revenue", barmode="group", title="Highest total revenue by product")
fig.update_xaxes(type="category")
display(fig, title="Highest total revenue by product")
