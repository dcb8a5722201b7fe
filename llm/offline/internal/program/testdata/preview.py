# Rows of penguins.csv
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")

table = df.head(5)
print(f"The table shows the first {len(table):,} of {counted(len(df), 'row')}, in {counted(df.shape[1], 'column')}.")
display(table, title="Rows of penguins.csv")
