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
    # Two points always lie on a line: groups of fewer than three rows get no r.
    groups = [(str(name), part["flipper_length_mm"], part["body_mass_g"]) for name, part in df.groupby("sex")]
    within = [round(a.corr(b), 3) if len(a) > 2 else float("nan") for _, a, b in groups]
    parts = [
        {"sex": name, "rows": len(a), "Pearson's r": r, "Spearman's rho": round(a.rank().corr(b.rank()), 3) if len(a) > 2 else float("nan")}
        for (name, a, b), r in zip(groups, within)
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
    inside = sorted((r, name) for r, (name, _, _) in zip(within, groups) if not pd.isna(r))
    if len(inside) > 1:
        print(f"Within the groups of sex Pearson's r goes from {inside[0][0]:.3f} ({inside[0][1]}) to {inside[-1][0]:.3f} ({inside[-1][1]}).")
        if abs(pearson) >= 0.1 and all(r * pearson < 0 for r, _ in inside):
            print("Taken together the groups mislead: within each of them the correlation has the other sign.")
    print("Note: A correlation says nothing about causes.")

    # At most 5,000 points, the same ones each time, keep the chart quick.
    shown = df if len(df) <= 5000 else df.sample(5000, random_state=0)
    fig = px.scatter(shown, x="flipper_length_mm", y="body_mass_g", color="sex", opacity=0.7, title="Correlation of body_mass_g and flipper_length_mm by sex")
    if len(df) >= 3 and x.std() > 0:
        slope, start = np.polyfit(x.astype(float), y.astype(float), 1)
        ends = np.array([x.min(), x.max()], dtype=float)
        fig.add_scatter(x=ends, y=start + slope * ends, mode="lines", name="least squares", line_color="black")
    display(fig, title="Correlation of body_mass_g and flipper_length_mm by sex")
