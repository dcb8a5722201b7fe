# Correlation of body_mass_g and flipper_length_mm by sex
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

# Leave out the rows that lack what this needs.
gaps = df[["sex", "body_mass_g", "flipper_length_mm"]].isna().any(axis=1)
if gaps.any():
    print(f"Note: Left out for want of sex, body_mass_g or flipper_length_mm: {gaps.sum():,} of {counted(len(df), 'row')}.")
df = df[~gaps]

if df.empty:
    print("No row of penguins.csv has a value in sex, body_mass_g and flipper_length_mm.")
else:
    x, y = df["flipper_length_mm"], df["body_mass_g"]
    pearson = x.corr(y)
    spearman = x.rank().corr(y.rank())
    table = pd.DataFrame({"rows": [len(df)], "Pearson's r": [round(pearson, 3)], "Spearman's rho": [round(spearman, 3)]})
    table.insert(0, "sex", "all")
    parts = [
        {"sex": str(name), "rows": len(part), "Pearson's r": round(part["flipper_length_mm"].corr(part["body_mass_g"]), 3),
         "Spearman's rho": round(part["flipper_length_mm"].rank().corr(part["body_mass_g"].rank()), 3)}
        for name, part in df.groupby("sex")
    ]
    table = pd.concat([table, pd.DataFrame(parts)], ignore_index=True)
    display(table, title="Correlation of body_mass_g and flipper_length_mm by sex")

    def strength(r):
        size = abs(r)
        return "no" if size < 0.1 else "a weak" if size < 0.3 else "a moderate" if size < 0.6 else "a strong" if size < 0.85 else "a very strong"


    if len(df) < 3 or pd.isna(pearson):
        print("Note: A correlation needs at least three rows with different values.")
    else:
        direction = "" if abs(pearson) < 0.1 else " positive" if pearson > 0 else " negative"
        print(f"body_mass_g and flipper_length_mm have {strength(pearson)}{direction} correlation: Pearson's r is {pearson:.3f}, Spearman's rho {spearman:.3f}, over {len(df):,} rows.")
    print("Note: A correlation says nothing about causes.")

    # At most 5,000 points, the same ones each time, keep the chart quick.
    shown = df if len(df) <= 5000 else df.sample(5000, random_state=0)
    fig = px.scatter(shown, x="flipper_length_mm", y="body_mass_g", color="sex", opacity=0.7, title="Correlation of body_mass_g and flipper_length_mm by sex")
    if len(df) >= 3 and x.std() > 0:
        slope, start = np.polyfit(x.astype(float), y.astype(float), 1)
        ends = np.array([x.min(), x.max()], dtype=float)
        fig.add_scatter(x=ends, y=start + slope * ends, mode="lines", name="least squares", line_color="black")
    display(fig, title="Correlation of body_mass_g and flipper_length_mm by sex")
