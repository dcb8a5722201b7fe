# Columns of sales.csv
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/sales.csv")
df["order_date"] = pd.to_datetime(df["order_date"], errors="coerce")

table = pd.DataFrame({
    "column": df.columns,
    "type": df.dtypes.astype(str).values,
    "missing": df.isna().sum().values,
    "different": df.nunique().values,
    "example": [str(df[c].dropna().iloc[0]) if df[c].notna().any() else "" for c in df.columns],
})
print(f"sales.csv has {counted(len(table), 'column')}: {', '.join(table['column'].astype(str).head(30))}.")
display(table, title="Columns of sales.csv")
