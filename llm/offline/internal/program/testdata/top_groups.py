# Highest total revenue by product
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


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
    print("Note: No group has enough rows.")
else:
    tied = names[values == values.iloc[0]]
    if len(groups) == 1:
        print(f"There is one group only, {names.iloc[0]}: its total revenue is {values.iloc[0]:,.2f}.")
    elif len(tied) > 1:
        print(f"{len(tied):,} of {len(groups):,} groups share the highest total revenue, {values.iloc[0]:,.2f}: {'; '.join(tied.head(8))}{'; …' if len(tied) > 8 else ''}.")
    else:
        print(f"{names.iloc[0]} has the highest total revenue, {values.iloc[0]:,.2f}, of {counted(len(groups), 'group')}.")
    if 1 == len(tied) < len(groups):
        print(f"Next comes {names.iloc[1]} with {values.iloc[1]:,.2f}.")
sizes = table["rows"]
if len(sizes) > 1 and sizes.min() < 10 and sizes.max() > 1:
    print(f"Note: The smallest group has only {counted(sizes.min(), 'row')}.")
if sizes.max() > 1:
    print("Note: You did not say how to sum up revenue, so I took the total.")
shown = table
fig = px.bar(shown, x="product", y="total revenue", barmode="group", title="Highest total revenue by product")
fig.update_xaxes(type="category")
display(fig, title="Highest total revenue by product")
