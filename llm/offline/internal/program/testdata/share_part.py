# Share of rows with sex = female (species = Gentoo)
df = pd.read_csv("/mnt/data/penguins.csv")

# Only the rows with species = Gentoo.
df = df[df["species"] == "Gentoo"]

# Leave out the rows that lack what this needs.
gaps = df[["sex"]].isna().any(axis=1)
if gaps.any():
    print(f"Note: {gaps.sum():,} of {len(df):,} rows lack sex and are left out.")
df = df[~gaps]

if df.empty:
    print("No row of penguins.csv has species = Gentoo and a value in sex.")
else:
    part = df[df["sex"] == "female"]
    amount, whole = len(part), len(df)
    share = amount / whole if whole else 0
    print(f"{amount:,.0f} of {whole:,.0f} rows have sex = female: {share:.1%}.")
    table = pd.DataFrame({"part": ["sex = female", "other rows"], "rows": [round(amount, 2), round(whole - amount, 2)], "share %": [round(100 * share, 1), round(100 * (1 - share), 1)]})
    display(table, title="Share of rows with sex = female (species = Gentoo)")
    fig = px.pie(table, names="part", values="rows", title="Share of rows with sex = female (species = Gentoo)")
    display(fig, title="Share of rows with sex = female (species = Gentoo)")
