# Number of rows by species and island
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


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
    if len(order) > 1 and counts.iloc[0] == counts.iloc[-1]:
        print(f"The {len(df):,} rows fall into {len(order):,} groups of {counted(counts.iloc[0], 'row')} each: {'; '.join(names.head(12))}{'; …' if len(names) > 12 else ''}.")
    elif len(order) > 1:
        print(f"The {len(df):,} rows fall into {len(order):,} groups; {names.iloc[0]} is the largest with {counted(counts.iloc[0], 'row')} and {names.iloc[-1]} the smallest with {counts.iloc[-1]:,}.")
    else:
        print(f"There is one group only: {names.iloc[0]}, with {counted(counts.iloc[0], 'row')}.")

    # More than 25 groups do not fit a chart.
    shown = table.head(25)
    fig = px.bar(shown, x="species", y="rows", color="island", barmode="group", title="Number of rows by species and island")
    fig.update_xaxes(type="category")
    display(fig, title="Number of rows by species and island")
