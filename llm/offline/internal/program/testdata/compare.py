# body_mass_g by species (species = Adelie or Gentoo)
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

# Only the rows with species = Adelie or Gentoo.
df = df[df["species"].isin(["Adelie", "Gentoo"])]

# Leave out the rows that lack what this needs.
gaps = df[["body_mass_g"]].isna().any(axis=1)
if gaps.any():
    print(f"Note: Left out for want of body_mass_g: {gaps.sum():,} of {counted(len(df), 'row')}.")
df = df[~gaps]

if df.empty:
    print("No row of penguins.csv has species = Adelie or Gentoo and a value in body_mass_g.")
else:
    groups = df.groupby(["species"])["body_mass_g"]
    table = groups.agg(["count", "mean", "median", "std", "min", "max"]).round(2).sort_values("mean", ascending=False).reset_index()
    display(table, title="body_mass_g by species (species = Adelie or Gentoo)")

    means = groups.mean().sort_values(ascending=False)
    names = [", ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in means.index]
    if len(means) == 1:
        print(f"There is one group only: the mean body_mass_g is {means.iloc[0]:,.2f} for {names[0]}.")
    elif means.iloc[0] == means.iloc[-1]:
        print(f"The mean body_mass_g is the same for {'; '.join(names[:5])}{'; …' if len(names) > 5 else ''}: {means.iloc[0]:,.2f}.")
    else:
        gap = means.iloc[0] - means.iloc[-1]
        more = f" ({gap / abs(means.iloc[-1]):.1%} more)" if means.iloc[-1] else ""
        print(f"The mean body_mass_g is {means.iloc[0]:,.2f} for {names[0]} and {means.iloc[-1]:,.2f} for {names[-1]}: a difference of {gap:,.2f}{more}.")
        spread = df["body_mass_g"].std()
        if spread > 0:
            print(f"That is {gap / spread:.2f} standard deviations of body_mass_g over all {len(df):,} rows.")
    if len(table) > 1 and table["count"].min() < 10:
        print(f"Note: The smallest group has only {counted(table['count'].min(), 'row')}.")

    fig = px.box(df, x="species", y="body_mass_g", title="body_mass_g by species (species = Adelie or Gentoo)")
    fig.update_xaxes(type="category")
    display(fig, title="body_mass_g by species (species = Adelie or Gentoo)")
