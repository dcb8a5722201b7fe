# Outliers
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/sales.csv")

# Tukey's rule: beyond 1.5 interquartile ranges from the middle half.
low, high = df[["revenue"]].quantile(0.25), df[["revenue"]].quantile(0.75)
reach = 1.5 * (high - low)
outside = (df[["revenue"]] < low - reach) | (df[["revenue"]] > high + reach)
table = pd.DataFrame({
    "column": outside.columns,
    "outliers": outside.sum().values,
    "share %": (100 * outside.mean()).round(1).values,
    "below": (low - reach).round(4).values,
    "above": (high + reach).round(4).values,
}).sort_values("outliers", ascending=False, ignore_index=True)
display(table, title="Outliers")

found = table[table["outliers"] > 0]
if found.empty:
    print(f"None of the {counted(len(df), 'row')} is an outlier in revenue by Tukey's rule.")
else:
    unusual = outside.any(axis=1).sum()
    print(f"{unusual:,} of {counted(len(df), 'row')} {'has' if unusual == 1 else 'have'} an outlier by Tukey's rule: " + ", ".join(f"{n:,} in {c}" for c, n in zip(found["column"], found["outliers"])) + ".")
    display(df[outside.any(axis=1)].head(100), title="Rows with an outlier")

fig = px.box(df[["revenue"]].melt(var_name="column", value_name="measured"), x="measured", facet_row="column", points="outliers", title="Outliers", height=180 + 140 * 1)
fig.update_xaxes(matches=None, showticklabels=True, title="")
fig.for_each_annotation(lambda a: a.update(text=a.text.split("=", 1)[-1], textangle=0))
display(fig, title="Outliers")
