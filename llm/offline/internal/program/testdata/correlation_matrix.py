# Correlation
df = pd.read_csv("/mnt/data/penguins.csv")

table = df[["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]].corr().round(3)
display(table.rename_axis("column").reset_index(), title="Correlation")

# Each pair once, the strongest first.
pairs = table.where(np.triu(np.ones(table.shape, dtype=bool), k=1)).rename_axis("a").rename_axis("b", axis=1).stack().dropna()
pairs = pairs.reindex(pairs.abs().sort_values(ascending=False).index)
for (a, b), r in pairs.head(3).items():
    print(f"{a} and {b}: r = {r:.3f}.")
print("Note: A correlation says nothing about causes.")

fig = px.imshow(table, text_auto=".2f", zmin=-1, zmax=1, color_continuous_scale="RdBu_r", title="Correlation")
display(fig, title="Correlation")
