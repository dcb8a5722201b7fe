# Are these words values of a text column? gapminder.csv
import difflib, json, unicodedata

df = pd.read_csv("/mnt/data/gapminder.csv")
words = ["Japan", "USA"]


def fold(text):
    """Letters and digits only, without accents, in lower case."""
    plain = unicodedata.normalize("NFD", str(text))
    return "".join(c for c in plain if c.isalnum()).lower()


values = {column: df[column].dropna().astype(str).unique() for column in ["country", "continent"]}
found = []
for word in words:
    wanted = fold({"usa": "united states"}.get(word.lower(), word))
    for column, known in values.items():
        for value in known:
            if wanted and fold(value) == wanted:
                found.append({"word": word, "column": column, "value": value, "match": "exact"})
    if any(f["word"] == word for f in found):
        continue
    # Not as it stands: the beginning of a value, else a slip.
    for column, known in values.items():
        folded = {fold(value): value for value in known}
        close = [f for f in folded if len(wanted) >= 4 and f.startswith(wanted)]
        close = close or difflib.get_close_matches(wanted, folded, n=3, cutoff=0.84)
        found += [{"word": word, "column": column, "value": folded[f], "match": "close"} for f in close[:3]]

for f in found:
    print(json.dumps(f))
missed = [word for word in words if not any(f["word"] == word for f in found)]
if missed:
    print(json.dumps({"missed": missed}))

