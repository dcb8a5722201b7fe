# Means by species
df = pd.read_csv("/mnt/data/penguins.csv")

means = df.groupby(["species"])[["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]].mean()
table = means.round(3).reset_index()
table.insert(1, "rows", df.groupby(["species"]).size().values)
display(table, title="Means by species")

# Which group leads in which column.
said = lambda x: f"{x:,.0f}" if abs(x) >= 10_000 else f"{x:,.4g}"  # no 1.9e+08
name = lambda key: ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
for column in means.columns[:6]:
    ordered = means[column].dropna().sort_values(ascending=False)
    if len(ordered) > 1 and ordered.iloc[0] == ordered.iloc[-1]:
        print(f"Mean {column}: {said(ordered.iloc[0])} for every group.")
    elif len(ordered) > 1:
        print(f"Mean {column}: {said(ordered.iloc[0])} for {name(ordered.index[0])}, {said(ordered.iloc[-1])} for {name(ordered.index[-1])}.")

long = table.drop(columns="rows").melt(id_vars=["species"], var_name="measured", value_name="mean")
fig = px.bar(long, x="species", y="mean", facet_col="measured", facet_col_wrap=3, barmode="group", title="Means by species")
fig.update_yaxes(matches=None, showticklabels=True)
fig.update_xaxes(type="category")
fig.for_each_annotation(lambda a: a.update(text=a.text.split("=", 1)[-1]))
display(fig, title="Means by species")
