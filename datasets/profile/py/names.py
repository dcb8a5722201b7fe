"""Column names: what a person can read and code can say."""

import re
import unicodedata

_MOST = 200  # characters

# Characters that show as nothing though they are letters or marks, selectors of
# forms among them, or are no characters yet. Go's untrusted.Clean takes out no
# others than this file does.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u3164\uffa0")
_BLANK |= frozenset(map(chr, range(0xFE00, 0xFE10))) | frozenset(map(chr, range(0xFFF0, 0xFFFC)))


def clean(name):
    """Returns name on one line, without what is read but not seen."""
    text = re.sub(r"\s+", " ", str(name))
    text = "".join(c for c in text if not _is_hidden(c)).strip()
    return " ".join(text.split())[:_MOST].strip()


def _is_hidden(c):
    return c in _BLANK or unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") or 0xE0000 <= ord(c) <= 0xE0FFF


def repaired(names):
    """Returns names cleaned, none empty and none twice, as pandas would number
    them: the second "a" is "a.1", an empty third "Unnamed: 2"."""
    taken, result = set(), []
    for position, name in enumerate(names):
        base = clean(name) or f"Unnamed: {position}"
        unique, number = base, 0
        while unique in taken:
            number += 1
            unique = f"{base}.{number}"
        taken.add(unique)
        result.append(unique)
    return result


def notes(original, final):
    """Says what was changed."""
    empty = sum(1 for name in original if not clean(name))
    seen, twice = set(), []
    for name in map(clean, original):
        if name and name in seen and name not in twice:
            twice.append(name)
        seen.add(name)
    said = []
    if empty:
        said.append(f"{empty} {'column has' if empty == 1 else 'columns have'} no name and got one by position.")
    if twice:
        more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
        said.append(f"Column names that occur more than once were numbered: {', '.join(twice[:3])}{more}.")
    if any(str(a) != b and clean(a) and not clean(a) == b and clean(a) not in twice for a, b in zip(original, final)):
        said.append("Some column names were changed to be unique.")
    if any(clean(a) != str(a) for a in original):
        said.append("Line breaks, invisible characters or spaces at the ends were removed from column names.")
    return said
