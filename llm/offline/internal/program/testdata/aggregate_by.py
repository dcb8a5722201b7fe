# Mean body_mass_g by species (sex = male)
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

# Only the rows with sex = male.
df = df[df["sex"] == "male"]

# Leave out the rows that lack what this needs.
gaps = df[["body_mass_g"]].isna().any(axis=1)
if gaps.any():
    print(f"Note: Left out for want of body_mass_g: {gaps.sum():,} of {counted(len(df), 'row')}.")
df = df[~gaps]

if df.empty:
    print("No row of penguins.csv has sex = male and a value in body_mass_g.")
else:
    table = (
        df.groupby(["species"], as_index=False)
        .agg(**{
            "mean body_mass_g": ("body_mass_g", "mean"),
            "rows": ("body_mass_g", "count"),
        })
        .round(2)
        .sort_values("mean body_mass_g", ascending=False)
    )
    display(table, title="Mean body_mass_g by species (sex = male)")

    # The groups at both ends, and all rows together.
    order = table.dropna(subset=["mean body_mass_g"]).sort_values("mean body_mass_g", ascending=False)
    if order.empty:
        print("Note: No group has enough rows for a mean.")
    else:
        names = order[["species"]].astype(str).agg(", ".join, axis=1)
        values = order["mean body_mass_g"]
        if len(order) > 1 and values.iloc[0] == values.iloc[-1]:
            print(f"Among the rows where sex is male: the mean body_mass_g is the same for all {len(order):,} groups: {values.iloc[0]:,.2f} ({'; '.join(names.head(5))}{'; …' if len(names) > 5 else ''}).")
        elif len(order) > 1:
            print(f"Among the rows where sex is male: the mean body_mass_g is highest for {names.iloc[0]} ({values.iloc[0]:,.2f}) and lowest for {names.iloc[-1]} ({values.iloc[-1]:,.2f}), among {len(order):,} groups.")
        else:
            print(f"Among the rows where sex is male: the mean body_mass_g is {values.iloc[0]:,.2f} for {names.iloc[0]}, over {counted(len(df), 'row')}.")
        if len(order) > 1:
            overall = df["body_mass_g"].mean()
            print(f"Over all {len(df):,} rows it is {overall:,.2f}.")

    sizes = table["rows"]
    if len(sizes) > 1 and sizes.min() < 10 and sizes.max() > 1:
        print(f"Note: The smallest group has only {counted(sizes.min(), 'row')}.")
    shown = table
    fig = px.bar(shown, x="species", y="mean body_mass_g", barmode="group", title="Mean body_mass_g by species (sex = male)")
    fig.update_xaxes(type="category")
    display(fig, title="Mean body_mass_g by species (sex = male)")
