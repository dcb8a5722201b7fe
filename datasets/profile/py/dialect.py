"""How a delimited text file is laid out: delimiter, header, decimal sign."""

import csv
import io
import re
import statistics

from .failure import BROKEN_FILE, EMPTY_FILE, NO_ROWS, NOT_TABULAR, Failed, check_columns

_SAMPLE = 512 << 10  # characters
_LINES = 500
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?%?|[-+]?\d{1,3}([,. ]\d{3})+([.,]\d+)?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_DOTTED_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")
_COMMA_DECIMAL = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_DOT_DECIMAL = re.compile(r"[-+]?\d+\.\d+")
_COMMA_GROUPS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_DOT_GROUPS = re.compile(r"[-+]?\d{1,3}(\.\d{3})+,\d+")

FIRST, LAST, BLANK = "first", "last", "blank"


class Dialect:
    """delimiter; skip: lines before the table; header: a list of names or None;
    width: fields of a row; extra: where the field is for which a header that is
    one short has no name, FIRST, LAST or BLANK (last, and empty), else None;
    decimal; thousands or None; dotted: positions of columns of dates like
    31.01.2024."""

    def __init__(self, delimiter, skip, header, width, extra, decimal, thousands, dotted):
        self.delimiter = delimiter
        self.skip = skip
        self.header = header
        self.width = width
        self.extra = extra
        self.decimal = decimal
        self.thousands = thousands
        self.dotted = dotted


def detect(path, encoding):
    with open(path, encoding=encoding, newline="") as f:
        text = f.read(_SAMPLE)
        whole = not f.read(1)
    _check_text(text)
    if not whole:
        _check_first_line(text)
    delimiter, rows = _delimiter(text, whole)
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        raise Failed(EMPTY_FILE, "The file has no content, only blank lines or separators.")
    width = statistics.mode(len(row) for row in filled)
    first = _first(rows, width, len(filled))
    table = [row for row in rows[first:] if any(cell.strip() for cell in row)]
    header = table[0] if _is_header(table) else None
    body = table[1:] if header is not None else table
    if not body:
        if not whole:  # hundreds of kilobytes, and all of them one row
            raise Failed(BROKEN_FILE, "The rows could not be told apart: a quotation mark seems to be opened and not closed near the beginning of the file, or a field there is very long.")
        raise Failed(NO_ROWS, "The file has column names but no rows below them.")
    decimal, thousands = _number_signs(body, delimiter)
    extra = _extra(body, width) if header is not None and width == len(header) + 1 else None
    return Dialect(delimiter, _lines_of(text, rows, first, delimiter), header, width, extra, decimal, thousands, _dotted(body, width))


def _first(rows, width, filled):
    """The row with which the table begins: what is above has fewer fields. A row
    that is one short may be a title or the names, of which one is missing."""
    least = width - 1 if filled > 3 else min(width, 2)
    at = [i for i, row in enumerate(rows) if len(row) >= least and any(cell.strip() for cell in row)]
    for i, first in enumerate(at):
        below = [rows[j] for j in at[i + 1 :] if len(rows[j]) >= width]
        if len(rows[first]) >= width or not _is_named(below):
            return first
    return at[0]


def _is_named(table):
    """Tells rows that begin with names, surely: words above numbers or dates."""
    if len(table) < 2 or not all(cell.strip() for cell in table[0]) or not _is_header(table):
        return False
    return any(_NUMBER.fullmatch(cell.strip()) or _DATE.fullmatch(cell.strip()) for row in table[1:] for cell in row)


def _extra(body, width):
    """Where the field without a name is. R leaves out the name of the first one."""
    ends = [row[-1].strip() for row in body if len(row) == width]
    if not any(ends):
        return BLANK
    return FIRST if all(ends) else LAST


def _check_text(text):
    if not text.strip("\ufeff\r\n\t ,;|"):
        raise Failed(EMPTY_FILE, "The file has no content, only blank lines or separators.")
    controls = sum(1 for c in text if c < " " and c not in "\r\n\t\x0c\x1f")
    if "\x00" in text or controls > len(text) / 200:
        raise Failed(NOT_TABULAR, "The file holds binary data, not text with rows and columns.")


def _check_first_line(text):
    """A line that does not end within the sample: too many columns, or no lines."""
    if "\n" in text or "\r" in text:
        return
    check_columns(max(text.count(delimiter) for delimiter in _NAMES), whole=False)
    raise Failed(NOT_TABULAR, f"No rows were found: the first line has more than {len(text):,} characters and does not end.")


def _parse(text, delimiter, whole):
    lines = text if whole or "\n" not in text else text[: text.rfind("\n") + 1]
    rows = []
    try:
        for row in csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) >= _LINES:
                break
    except csv.Error:  # a field beyond csv's limit: no table by this delimiter
        pass
    return rows


def _delimiter(text, whole):
    """The delimiter by which the most rows have the same number of fields."""
    best = None
    for delimiter in _NAMES:
        rows = _parse(text, delimiter, whole)
        filled = [row for row in rows if any(cell.strip() for cell in row)]
        if not filled:
            continue
        width = statistics.mode(len(row) for row in filled)
        if width < 2:
            continue
        agree = sum(len(row) == width for row in filled) / len(filled)
        rank = (agree > 0.9, agree * min(width, 20), width)
        if agree >= 0.6 and (best is None or rank > best[0]):
            best = (rank, delimiter, rows)
    if best:
        return best[1], best[2]
    rows = _parse(text, ",", whole)
    lines = [line for line in text.splitlines() if line.strip()][:_LINES]
    if statistics.median(len(line.split()) for line in lines) >= 5:
        raise Failed(NOT_TABULAR, "No columns were found: the file looks like running text, not like a table.")
    for delimiter in _NAMES:
        ragged = _parse(text, delimiter, whole)
        if _is_ragged(ragged):
            return delimiter, ragged
    # One column: whatever looks like a delimiter in it is not one.
    if any(len(row) > 1 for row in rows):
        free = next((d for d in "\t|;" if d not in text), None)
        if free is None:
            raise Failed(NOT_TABULAR, "No columns were found: the rows have no delimiter in common.")
        return free, [[line] for line in lines]
    return ",", rows


def _is_ragged(rows):
    """Tells a table by its names, where most rows are shorter, each as it likes."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    names = [cell.strip() for cell in filled[0]]
    if len(names) < 2 or not all(names) or len(set(names)) < len(names) or any(_NUMBER.fullmatch(name) for name in names):
        return False
    return sum(2 <= len(row) <= len(names) for row in filled) >= 0.6 * len(filled)


def _lines_of(text, rows, first, delimiter):
    """How many lines of the file the first rows take."""
    if not first:
        return 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for _ in range(first):
        next(reader)
    return reader.line_num


def _is_header(rows):
    """Names are text above columns that are not, or above values unlike them."""
    first, body = [cell.strip() for cell in rows[0]], rows[1:]
    if not any(first):
        return False
    years = [int(cell) for cell in first if re.fullmatch(r"(1[5-9]|20|21)\d\d", cell)]
    plain = [cell for cell in first if cell and not _NUMBER.fullmatch(cell) and not _DATE.fullmatch(cell)]
    if len(plain) == len([cell for cell in first if cell]):
        return not _repeats(first, body)
    # "country,1952,1957,…": years that rise, after a name.
    numeric = len([cell for cell in first if cell]) - len(plain)
    return bool(plain) and len(years) == numeric >= 2 and years == sorted(set(years))


def _repeats(first, body):
    """Tells rows of words alone, without names: the first row's words come again
    in their own columns."""
    if len(body) < 3:
        return False
    texts = again = 0
    for position, cell in enumerate(first):
        column = [row[position].strip() for row in body if len(row) > position]
        if cell and column and not any(_NUMBER.fullmatch(c) for c in column[:20] if c):
            texts += 1
            again += cell in column
    return texts > 0 and again > texts / 2


def _number_signs(body, delimiter):
    """Returns (decimal, thousands), away from pandas' own only where clear."""
    cells = [cell.strip() for row in body for cell in row]
    groups = [c for c in cells if _COMMA_GROUPS.fullmatch(c)]
    commas = [c for c in cells if _COMMA_DECIMAL.fullmatch(c)]
    dots = any(_DOT_DECIMAL.fullmatch(c) for c in cells)
    # "1,234" may be either; "1,5" is a decimal, "1,234.5" and "1,234,567" are groups.
    decimals = any(not _COMMA_GROUPS.fullmatch(c) for c in commas)
    surely_groups = any(c.count(",") > 1 or "." in c for c in groups)
    if groups and not decimals and (surely_groups or delimiter == "," or dots):
        return ".", ","
    if commas and not dots and not surely_groups:
        return ",", "." if any(_DOT_GROUPS.fullmatch(c) for c in cells) else None
    return ".", None


def _dotted(body, width):
    found = []
    for position in range(width):
        cells = [row[position].strip() for row in body if len(row) > position and row[position].strip()]
        if cells and all(_DOTTED_DATE.fullmatch(cell) for cell in cells):
            found.append(position)
    return found
