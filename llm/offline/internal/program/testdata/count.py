# Number of rows (sex = female)
def counted(n, noun):
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


df = pd.read_csv("/mnt/data/penguins.csv")
total = len(df)

# Only the rows with sex = female.
df = df[df["sex"] == "female"]

count = len(df)
share = count / total if total else 0
print(f"{count:,} of {counted(total, 'row')} ({share:.1%}) {'has' if count == 1 else 'have'} sex = female.")
display(pd.DataFrame({"rows": [count], "of": [total], "share %": [round(100 * share, 1)]}), title="Number of rows (sex = female)")
