# Different values of country by continent
df = pd.read_csv("/mnt/data/gapminder.csv")

table = df.groupby(["continent"])["country"].nunique().sort_values(ascending=False).reset_index(name="different values")
different = df["country"].nunique()
print(f"country has {different:,} different values; {table.iloc[0, 0]} has the most ({table.iloc[0, 1]:,}) and {table.iloc[-1, 0]} the fewest ({table.iloc[-1, 1]:,}).")
display(table, title="Different values of country by continent")
fig = px.bar(table.head(25), x="continent", y="different values", title="Different values of country by continent")
fig.update_xaxes(type="category")
display(fig, title="Different values of country by continent")
