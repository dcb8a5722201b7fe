# Distribution of flipper_length_mm by species
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

# Leave out the rows that lack what this needs.
gaps = df[["flipper_length_mm"]].isna().any(axis=1)
if gaps.any():
    print(f"Note: Left out for want of flipper_length_mm: {gaps.sum():,} of {counted(len(df), 'row')}.")
df = df[~gaps]

if df.empty:
    print("No row of penguins.csv has a value in flipper_length_mm.")
else:
    table = df.groupby(["species"])["flipper_length_mm"].describe().round(2).reset_index()
    display(table, title="Distribution of flipper_length_mm by species")

    values = df["flipper_length_mm"]
    low, middle, high = values.quantile([0.25, 0.5, 0.75])
    if len(values) == 1:
        print(f"flipper_length_mm has one value only: {values.iloc[0]:,.15g}.")
    elif values.min() == values.max():
        print(f"flipper_length_mm is {values.min():,.15g} in all {len(values):,} rows.")
    else:
        print(f"flipper_length_mm goes from {values.min():,.15g} to {values.max():,.15g}; half of the {len(values):,} values lie between {low:,.15g} and {high:,.15g}, the median is {middle:,.15g}.")
    if len(values) > 2 and values.std() > 0:
        skew = values.skew()
        shape = "about symmetric" if abs(skew) < 0.5 else "skewed to the right: a few values are much larger" if skew > 0 else "skewed to the left: a few values are much smaller"
        print(f"The mean is {values.mean():,.2f}, the standard deviation {values.std():,.2f}; the distribution is {shape}.")
    medians = df.groupby(["species"])["flipper_length_mm"].median().sort_values()
    name = lambda key: ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
    if len(medians) > 1 and medians.iloc[0] == medians.iloc[-1]:
        print(f"The median is the same for all {len(medians):,} groups: {medians.iloc[0]:,.15g}.")
    elif len(medians) > 1:
        print(f"The median is highest for {name(medians.index[-1])} ({medians.iloc[-1]:,.15g}) and lowest for {name(medians.index[0])} ({medians.iloc[0]:,.15g}).")

    fig = px.box(df, x="species", y="flipper_length_mm", title="Distribution of flipper_length_mm by species")
    display(fig, title="Distribution of flipper_length_mm by species")
