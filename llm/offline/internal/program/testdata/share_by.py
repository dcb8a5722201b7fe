# Share of revenue by region
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/sales.csv")

table = df.groupby(["region"], as_index=False)["revenue"].sum().round(2)
whole = table["revenue"].sum()
if (table["revenue"] < 0).any():
    print("Note: Some groups are negative, so the shares do not lie between 0 and 100 %.")
table["share %"] = (100 * table["revenue"] / whole).round(1) if whole else float("nan")
table = table.sort_values("share %", ascending=False, ignore_index=True)
display(table, title="Share of revenue by region")

names = table[["region"]].astype(str).agg(", ".join, axis=1)
shares = table["share %"]
if len(table) == 1:
    print(f"There is one group only: {names.iloc[0]}.")
elif shares.iloc[0] == shares.iloc[-1]:
    print(f"All {len(table):,} groups have the same share of revenue, {shares.iloc[0]:.1f}%.")
else:
    print(f"{names.iloc[0]} has the largest share of revenue, {shares.iloc[0]:.1f}%; {names.iloc[-1]} has the smallest, {shares.iloc[-1]:.1f}%.")
print(f"The whole is {whole:,.2f} revenue, in {counted(len(table), 'group')}.")

shown = table.head(12)
fig = px.pie(shown.assign(name=names), names="name", values="share %", title="Share of revenue by region")
display(fig, title="Share of revenue by region")
