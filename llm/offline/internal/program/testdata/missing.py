# Missing values
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

table = pd.DataFrame({"column": df.columns, "missing": df.isna().sum().values})
table["share %"] = (100 * table["missing"] / max(len(df), 1)).round(1)
table = table.sort_values("missing", ascending=False, ignore_index=True)
display(table, title="Missing values")

lacking = table[table["missing"] > 0]
if lacking.empty:
    print(f"No values are missing, in {counted(len(df), 'row')}.")
else:
    missing = lacking["missing"].sum()
    print(f"{counted(missing, 'value')} {'is' if missing == 1 else 'are'} missing, in {counted(len(lacking), 'column')}: " + ", ".join(f"{c} {n:,} ({p:.1f}%)" for c, n, p in lacking.head(8).itertuples(index=False)) + ".")
    gaps = df[df.columns].isna().any(axis=1).sum()
    print(f"{gaps:,} of {counted(len(df), 'row')} {'lacks' if gaps == 1 else 'lack'} at least one value.")
    fig = px.bar(lacking, x="column", y="missing", hover_data=["share %"], title="Missing values")
    display(fig, title="Missing values")
