# Rows of penguins.csv
df = pd.read_csv("/mnt/data/penguins.csv")

table = df.head(5)
print(f"These are the first {len(table):,} of {len(df):,} rows; there are {df.shape[1]:,} columns.")
display(table, title="Rows of penguins.csv")
