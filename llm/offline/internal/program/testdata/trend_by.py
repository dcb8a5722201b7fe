# Mean lifeExp by continent over the years
df = pd.read_csv("/mnt/data/gapminder.csv")

# The eight groups with the most rows: more lines cannot be told apart.
largest = df["continent"].value_counts().index
if len(largest) > 8:
    print(f"Note: The column continent has {len(largest):,} values; the eight with the most rows are shown.")
df = df[df["continent"].isin(largest[:8])]
table = df.groupby(["year", "continent"], as_index=False)["lifeExp"].mean().rename(columns={"lifeExp": "mean lifeExp"}).dropna()
table["mean lifeExp"] = table["mean lifeExp"].round(2)
table = table.sort_values(["year", "continent"]).reset_index(drop=True)
display(table, title="Mean lifeExp by continent over the years")
if len(df) > len(table):
    print("Note: You did not say how to sum up lifeExp, so I took the mean.")

# How far each group has come.
for name, part in table.groupby("continent"):
    first, last = part["mean lifeExp"].iloc[0], part["mean lifeExp"].iloc[-1]
    when = part["year"].astype(str)
    change = f" ({(last - first) / abs(first):+,.1%})" if first else ""
    if len(part) == 1:
        print(f"{name}: the mean lifeExp was {first:,.2f} in {when.iloc[0]}, the only year.")
    elif first == last:
        print(f"{name}: the mean lifeExp was {first:,.2f} both in {when.iloc[0]} and in {when.iloc[-1]}.")
    else:
        print(f"{name}: the mean lifeExp went from {first:,.2f} in {when.iloc[0]} to {last:,.2f} in {when.iloc[-1]}{change}.")

fig = px.line(table, x="year", y="mean lifeExp", color="continent", markers=True, title="Mean lifeExp by continent over the years")
display(fig, title="Mean lifeExp by continent over the years")
