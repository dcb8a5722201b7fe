# Different values of island
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

counts = df["island"].value_counts()
values = counts.index.astype(str)
if len(values) <= 12:
    print(f"island has {counted(len(values), 'different value')}: {', '.join(values)}.")
else:
    print(f"island has {len(values):,} different values; the first are {', '.join(values[:10])}.")
table = counts.rename_axis("island").reset_index(name="rows")
display(table, title="Different values of island")

if counts.nunique() > 1:  # equal bars would show nothing
    shown = table.head(25).assign(**{"island": lambda t: t["island"].astype(str)})
    fig = px.bar(shown, x="island", y="rows", title="Different values of island")
    fig.update_xaxes(type="category")
    display(fig, title="Different values of island")
