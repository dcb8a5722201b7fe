# Number of rows by species and island
df = pd.read_csv("/mnt/data/penguins.csv")

if df.empty:
    print("No row of penguins.csv has .")
else:
    table = df.groupby(["species", "island"], as_index=False).size().rename(columns={"size": "rows"})
    table = table.sort_values("rows", ascending=False)
    display(table, title="Number of rows by species and island")

    order = table.sort_values("rows", ascending=False)
    names = order[["species", "island"]].astype(str).agg(", ".join, axis=1)
    counts = order["rows"]
    if len(order) > 1:
        print(f"The {len(df):,} rows fall into {len(order):,} groups; {names.iloc[0]} is the largest with {counts.iloc[0]:,} rows and {names.iloc[-1]} the smallest with {counts.iloc[-1]:,}.")
    else:
        print(f"There is one group only: {names.iloc[0]}, with {counts.iloc[0]:,} rows.")

    # More than 25 groups do not fit a chart.
    shown = table.head(25)
    fig = px.bar(shown, x="species", y="rows", color="island", barmode="group", title="Number of rows by species and island")
    fig.update_xaxes(type="category")
    display(fig, title="Number of rows by species and island")
