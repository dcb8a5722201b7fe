# Total revenue over order_date (order_date = 2024)
df = pd.read_csv("/mnt/data/sales.csv")
df["order_date"] = pd.to_datetime(df["order_date"], errors="coerce")

# Only the rows with order_date = 2024.
df = df[(df["order_date"] >= "2024-01-01") & (df["order_date"] < "2025-01-01")]

if df.empty:
    print("No row of sales.csv has order_date = 2024.")
else:
    # The first day of the month that each row lies in.
    df = df.assign(**{"month": df["order_date"].dt.to_period("M").dt.start_time})
    table = df.groupby(["month"], as_index=False)["revenue"].sum().rename(columns={"revenue": "total revenue"}).dropna()
    table["total revenue"] = table["total revenue"].round(2)
    table = table.sort_values(["month"]).reset_index(drop=True)
    display(table, title="Total revenue over order_date (order_date = 2024)")
    if len(df) > len(table):
        print("Note: You did not say how to sum up revenue, so I took the total.")

    when, values = table["month"].dt.strftime("%Y-%m"), table["total revenue"]
    if len(table) > 1:
        first, last = values.iloc[0], values.iloc[-1]
        change = f" ({(last - first) / abs(first):+,.1%})" if first else ""
        verb = "rose" if last > first else "fell"
        if values.min() == values.max():
            print(f"Among the rows where order_date is in 2024: from {when.iloc[0]} to {when.iloc[-1]} the total revenue was {first:,.2f} throughout.")
        elif first == last:
            print(f"Among the rows where order_date is in 2024: the total revenue was {first:,.2f} both in {when.iloc[0]} and in {when.iloc[-1]}.")
        else:
            print(f"Among the rows where order_date is in 2024: from {when.iloc[0]} to {when.iloc[-1]} the total revenue {verb} from {first:,.2f} to {last:,.2f}{change}.")
        if values.min() < values.max():
            print(f"It was highest in {when[values.idxmax()]} ({values.max():,.2f}) and lowest in {when[values.idxmin()]} ({values.min():,.2f}).")
    elif len(table) == 1:
        print(f"Among the rows where order_date is in 2024: there is one month only: the total revenue is {values.iloc[0]:,.2f} in {when.iloc[0]}.")
    newest = df["order_date"].max()
    if newest.normalize() < newest.to_period("M").end_time.normalize():
        print(f"Note: The data ends on {newest:%Y-%m-%d}, so the last month may be incomplete.")

    fig = px.line(table, x="month", y="total revenue", markers=True, title="Total revenue over order_date (order_date = 2024)")
    display(fig, title="Total revenue over order_date (order_date = 2024)")
