# Mean body_mass_g by species (sex = male)
df = pd.read_csv("/mnt/data/penguins.csv")

# Only the rows with sex = male.
df = df[df["sex"] == "male"]

# Leave out the rows that lack what this needs.
gaps = df[["body_mass_g"]].isna().any(axis=1)
if gaps.any():
    print(f"Note: {gaps.sum():,} of {len(df):,} rows lack body_mass_g and are left out.")
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
        print("Note: no group has enough rows for a mean.")
    else:
        names = order[["species"]].astype(str).agg(", ".join, axis=1)
        values = order["mean body_mass_g"]
        if len(order) > 1:
            print(f"The mean body_mass_g is highest for {names.iloc[0]} ({values.iloc[0]:,.2f}) and lowest for {names.iloc[-1]} ({values.iloc[-1]:,.2f}), among {len(order):,} groups.")
            overall = df["body_mass_g"].mean()
            print(f"Over all {len(df):,} rows it is {overall:,.2f}.")
        else:
            print(f"The mean body_mass_g is {values.iloc[0]:,.2f} for {names.iloc[0]}, over {len(df):,} rows.")

    fewest = table["rows"].min()
    if fewest < 10:
        print(f"Note: the smallest group has only {fewest:,} row(s).")
    shown = table
    fig = px.bar(shown, x="species", y="mean body_mass_g", barmode="group", title="Mean body_mass_g by species (sex = male)")
    fig.update_xaxes(type="category")
    display(fig, title="Mean body_mass_g by species (sex = male)")
