# Tries: show a table of thousands of columns with long names and cells.
# Contained: the host gets a part of it.
pd.DataFrame({f"{n}-" + "c" * 2000: ["v" * 5000] * 3 for n in range(3000)})
