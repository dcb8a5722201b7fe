# Rows of penguins.csv (body_mass_g > 5,500)
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")
total = len(df)

# Only the rows with body_mass_g > 5,500.
df = df[df["body_mass_g"] > 5500]

df = df.sort_values("body_mass_g", ascending=False)
print(f"{len(df):,} of {counted(total, 'row')} {'has' if len(df) == 1 else 'have'} body_mass_g > 5,500.")
display(df[["species", "island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex", "year"]].head(50), title="Rows of penguins.csv (body_mass_g > 5,500)")
if len(df) >= 5:  # fewer are no distribution
    fig = px.histogram(df, x="body_mass_g", nbins=40, title="body_mass_g of the rows with body_mass_g > 5,500")
    fig.update_layout(yaxis_title="rows")
    display(fig, title="body_mass_g of the rows with body_mass_g > 5,500")
