"""CSV, TSV and their kin, read by pandas as the analyst's code will."""

import csv
import io
import os
import re
import warnings

import pandas as pd

from . import dialect, encodings, names, temporal
from .failure import BROKEN_FILE, Failed, check_columns
from .table import Table

_LARGE = 4 << 20  # bytes; from here pandas reads in pieces and guesses types of each
_LEADING_ZERO = r"^[-+]?0\d"


def read(name):
    encoding, guessed = encodings.detect(name)
    form = dialect.detect(name, encoding)
    check_columns(form.width)
    notes = []
    if guessed:
        notes.append(f"The file does not say its text encoding; it was taken to be {encoding}.")
    options = _options(name, encoding, form, notes)
    frame, skipped = _load(name, options)
    if skipped:
        options["on_bad_lines"] = "skip"
        notes.append(f"{skipped:,} {'line has' if skipped == 1 else 'lines have'} too many fields and {'is' if skipped == 1 else 'are'} left out.")
    original = form.header or [""] * frame.shape[1]
    final = list(frame.columns)
    suffix = ""
    if form.header is None:
        notes.append("The file has no column names; they were numbered.")
        suffix = '.rename(columns=lambda i: f"column_{i + 1}")'
        final = [f"column_{i + 1}" for i in range(frame.shape[1])]
        original = final
    elif names.repaired(final) != final:
        final = names.repaired(final)
        suffix = f".set_axis({final!r}, axis=1)"
    if form.header is not None:
        notes.extend(names.notes(original[: len(final)], final))
    as_text = _as_text(name, options, frame)
    if as_text:
        options["dtype"] = {**options.get("dtype", {}), **{frame.columns[i]: "str" for i in as_text}}
        shown = ", ".join(final[i] for i in as_text[:3])
        notes.append(f"Kept as text for their leading zeros or length: {shown}{' and more' if len(as_text) > 3 else ''}.")
    dates = temporal.formats(frame, as_text)
    notes.extend(temporal.notes(frame, final))
    if dates:
        options["parse_dates"] = [frame.columns[i] for i in dates]
        options["date_format"] = {frame.columns[i]: form for i, form in dates.items()}
        kept = {c: t for c, t in options.pop("dtype", {}).items() if c not in options["parse_dates"]}
        if kept:
            options["dtype"] = kept
        if set(dates.values()) == {"ISO8601"}:
            options["date_format"] = "ISO8601"
    code = f"pd.read_csv({_arguments(name, options)}){suffix}"
    return Table(
        "TSV" if form.delimiter == "\t" else "CSV",
        code,
        original,
        notes,
        encoding=encoding,
        delimiter=form.delimiter,
        has_header=form.header is not None,
    )


def _options(name, encoding, form, notes):
    options = {}
    if form.delimiter != ",":
        options["sep"] = form.delimiter
    if encoding != "utf-8":
        options["encoding"] = encoding
    if form.skip:
        options["skiprows"] = form.skip
        notes.append(f"{form.skip} {'line' if form.skip == 1 else 'lines'} above the table {'was' if form.skip == 1 else 'were'} left out.")
    if form.header is None:
        options["header"] = None
    elif form.extra == dialect.BLANK:
        options["index_col"] = False
        notes.append("Rows have one field more than there are names; the last is empty and left out.")
    elif form.extra:
        form.header = ["", *form.header] if form.extra == dialect.FIRST else [*form.header, ""]
        options["header"] = 0
        options["names"] = _distinct(form.header)
    if form.decimal != ".":
        options["decimal"] = form.decimal
        notes.append("Numbers are written with a decimal comma.")
    if form.thousands:
        options["thousands"] = form.thousands
    if form.thousands == "." and form.dotted:
        # Else 31.01.2024 is a number in groups. Columns that pandas is told to
        # read as dates are safe by themselves.
        columns = pd.read_csv(name, nrows=0, **options).columns
        options["dtype"] = {columns[i]: "str" for i in form.dotted}
    if os.path.getsize(name) > _LARGE:
        options["low_memory"] = False
    return options


def _distinct(header):
    """The names as pandas makes them of a header."""
    text = io.StringIO()
    csv.writer(text).writerow(header)
    return list(pd.read_csv(io.StringIO(text.getvalue()), nrows=0).columns)


def _load(name, options):
    """Returns (frame, lines that do not fit)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pd.read_csv(name, **options), 0
    except (pd.errors.ParserError, ValueError) as error:
        if "Expected" not in str(error):
            raise Failed(BROKEN_FILE, f"The file could not be read as a table: {_sentence(error)}") from error
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frame = pd.read_csv(name, **{**options, "on_bad_lines": "warn"})
        except (pd.errors.ParserError, ValueError) as error:
            raise Failed(BROKEN_FILE, f"The file could not be read as a table: {_sentence(error)}") from error
    return frame, sum(str(w.message).count("Skipping line") for w in caught)


def _sentence(error):
    text = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
    return text[:200].rstrip(".") + "."


def _as_text(name, options, frame):
    """Positions of columns that read as numbers but are labels: "01234", and
    digits beyond what a number keeps."""
    candidates = [i for i, t in enumerate(frame.dtypes) if t.kind in "iu" or t.kind == "f" and _is_whole(frame.iloc[:, i])]
    candidates += [i for i, t in enumerate(frame.dtypes) if t == object]
    if not candidates or len(set(frame.columns)) != frame.shape[1]:
        return []
    text = pd.read_csv(name, **{**options, "usecols": candidates, "dtype": "str"})
    found = []
    for i in candidates:
        column = text[frame.columns[i]].dropna()
        if frame.dtypes.iloc[i] == object:
            labels = column.str.fullmatch(r"[-+]?\d{19,}").any()
        else:
            labels = column.str.match(_LEADING_ZERO).any() or column.str.len().max() > 18
        if labels:
            found.append(i)
    return sorted(found)


def _is_whole(column):
    known = column.dropna()
    return bool(len(known)) and bool((known == known.round()).all())


def _arguments(name, options):
    parts = [repr(name)]
    for key, value in options.items():
        parts.append(f"{key}={value!r}")
    return re.sub(r"\s*\n\s*", " ", ", ".join(parts))
