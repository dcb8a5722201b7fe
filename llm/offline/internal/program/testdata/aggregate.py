# Median body_mass_g
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

# Leave out the rows that lack what this needs.
gaps = df[["body_mass_g"]].isna().any(axis=1)
if gaps.any():
    print(f"Note: Left out for want of body_mass_g: {gaps.sum():,} of {counted(len(df), 'row')}.")
df = df[~gaps]

if df.empty:
    print("No row of penguins.csv has a value in body_mass_g.")
else:
    table = df[["body_mass_g"]].agg(["median"]).T.round(2)
    value = df["body_mass_g"].median()
    print(f"The median body_mass_g is {value:,.2f}, over {counted(len(df), 'row')}.")
    display(table.reset_index(names="column"), title="Median body_mass_g")

    # Where the values lie, and where that number stands among them.
    fig = px.histogram(df, x="body_mass_g", nbins=40, title="How body_mass_g is spread")
    fig.update_layout(yaxis_title="rows")
    fig.add_vline(x=df["body_mass_g"].median(), line_dash="dash", annotation_text="median")
    display(fig, title="How body_mass_g is spread")
