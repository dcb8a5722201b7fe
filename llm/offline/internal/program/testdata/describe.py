# Summary of penguins.csv
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

print(f"penguins.csv has {counted(len(df), 'row')} and {counted(df.shape[1], 'column')}.")
numbers = df[["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]]
words = df[["species", "island", "sex"]]
table = pd.DataFrame({
    "column": df.columns,
    "type": df.dtypes.astype(str).values,
    "known": df.notna().sum().values,
    "missing": df.isna().sum().values,
    "different": df.nunique().values,
})
display(table, title="Summary of penguins.csv")
if table["missing"].sum():
    print(f"{counted(table['missing'].sum(), 'value')} {'is' if table['missing'].sum() == 1 else 'are'} missing, most of them in {table.loc[table['missing'].idxmax(), 'column']}.")
else:
    print("No values are missing.")
display(numbers.describe().T.round(3).rename_axis("column").reset_index(), title="Numbers")
said = lambda x: f"{x:,.0f}" if abs(x) >= 100_000 else f"{x:,.6g}"  # no 1.3e+09
for column in numbers.columns[:3]:
    print(f"{column} goes from {said(numbers[column].min())} to {said(numbers[column].max())}, with a mean of {said(numbers[column].mean())}.")

# How the numbers are spread, each on its own scale.
fig = px.histogram(numbers.iloc[:, :6].melt(var_name="column", value_name="measured"), x="measured", facet_col="column", facet_col_wrap=3, nbins=30, title="How the values are spread")
fig.update_xaxes(matches=None, showticklabels=True, title="")
fig.for_each_annotation(lambda a: a.update(text=a.text.split("=", 1)[-1]))
display(fig, title="How the values are spread")
