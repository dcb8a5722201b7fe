# Different values of country by continent
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/gapminder.csv")

table = df.groupby(["continent"])["country"].nunique().sort_values(ascending=False).reset_index(name="different values")
different = df["country"].nunique()
if len(table) > 1 and table.iloc[0, 1] == table.iloc[-1, 1]:
    print(f"country has {counted(different, 'different value')}; every continent has {table.iloc[0, 1]:,} of them.")
elif len(table) > 1:
    print(f"country has {counted(different, 'different value')}; {table.iloc[0, 0]} has the most ({table.iloc[0, 1]:,}) and {table.iloc[-1, 0]} the fewest ({table.iloc[-1, 1]:,}).")
elif len(table) == 1:
    print(f"country has {counted(different, 'different value')} for {table.iloc[0, 0]}.")
display(table, title="Different values of country by continent")
fig = px.bar(table.head(25), x="continent", y="different values", title="Different values of country by continent")
fig.update_xaxes(type="category")
display(fig, title="Different values of country by continent")
