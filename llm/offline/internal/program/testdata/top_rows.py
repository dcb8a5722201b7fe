# Highest pop (year = 2007)
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/gapminder.csv")

# Only the rows with year = 2007.
df = df[df["year"] == 2007]

if df.empty:
    print("No row of gapminder.csv has year = 2007.")
else:
    best = df.nlargest(5, "pop")
    table = best[["country", "pop", "continent", "year", "lifeExp", "gdpPercap"]].reset_index(drop=True)
    table.insert(0, "rank", range(1, len(table) + 1))
    display(table, title="Highest pop (year = 2007)")

    names = table["country"].astype(object).fillna("not known").astype(str)
    values = table["pop"]
    print(f"Among the rows where year is 2007: the highest pop is {values.iloc[0]:,.15g} ({names.iloc[0]}), of {counted(len(df), 'row')}.")
    if len(table) > 1:
        print("Then come " + "; ".join(f"{name} ({value:,.15g})" for name, value in list(zip(names, values))[1:5]) + ".")
    if (df["pop"] == values.iloc[-1]).sum() > (values == values.iloc[-1]).sum():
        print("Note: Further rows have the same value as the last one shown.")

    fig = px.bar(table.assign(name=names), x="name", y="pop", hover_name="name", title="Highest pop (year = 2007)")
    fig.update_layout(xaxis_title="country")
    fig.update_xaxes(type="category")
    display(fig, title="Highest pop (year = 2007)")
