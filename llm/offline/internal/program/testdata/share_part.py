# Share of rows with sex = female (species = Gentoo)
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

# Only the rows with species = Gentoo.
df = df[df["species"] == "Gentoo"]

# Leave out the rows that lack what this needs.
gaps = df[["sex"]].isna().any(axis=1)
if gaps.any():
    print(f"Note: Left out for want of sex: {gaps.sum():,} of {counted(len(df), 'row')}.")
df = df[~gaps]

if df.empty:
    print("No row of penguins.csv has species = Gentoo and a value in sex.")
else:
    part = df[df["sex"] == "female"]
    amount, whole = len(part), len(df)
    share = amount / whole if whole else 0
    print(f"Among the rows where species is Gentoo: {amount:,.0f} of {whole:,.0f} rows {'has' if amount == 1 else 'have'} sex = female: {share:.1%}.")
    table = pd.DataFrame({"part": ["sex = female", "other rows"], "rows": [round(amount, 2), round(whole - amount, 2)], "share %": [round(100 * share, 1), round(100 * (1 - share), 1)]})
    display(table, title="Share of rows with sex = female (species = Gentoo)")
    fig = px.pie(table, names="part", values="rows", title="Share of rows with sex = female (species = Gentoo)")
    display(fig, title="Share of rows with sex = female (species = Gentoo)")
