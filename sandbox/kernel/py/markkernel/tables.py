"""Heads of data frames and the like, as cells that JSON can hold."""

import decimal
import json
import math
import sys

MOST_ROWS, MOST_COLUMNS = 50, 200
_MOST_CELL, _MOST_NAME = 1000, 200  # characters
_MOST_BYTES = 5 << 20
_EXACT = 2**53  # up to here a JSON number is exact for every reader


def table_of(value):
    """Returns {"columns", "rows", "rowCount", "truncated"}, or None when value is
    no table."""
    frame, count = _frame_of(value)
    if frame is None:
        return None
    head = frame.iloc[:MOST_ROWS, :MOST_COLUMNS]
    names, columns = [], []
    if _index_says_something(frame.index):
        for level in range(frame.index.nlevels):
            name = frame.index.names[level]
            names.append("" if name is None else _label(name))
            columns.append(_cells(head.index.get_level_values(level)))
    for position, name in enumerate(head.columns):
        names.append(_label(name))
        columns.append(_cells(head.iloc[:, position]))
    names, columns = names[:MOST_COLUMNS], columns[:MOST_COLUMNS]
    rows = _fitting([list(row) for row in zip(*columns)] if columns else [[] for _ in range(len(head))])
    return {
        "columns": names,
        "rows": rows,
        "rowCount": int(count),
        "truncated": count > len(rows) or frame.shape[1] > head.shape[1],
    }


def _fitting(rows):
    """The first rows that one frame of the wire holds, long texts or not."""
    size = 0
    for count, row in enumerate(rows):
        size += len(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace"))
        if size > _MOST_BYTES and count:
            return rows[:count]
    return rows


def _frame_of(value):
    """Returns (a DataFrame of at least the head, rows of the whole). Looks only
    at libraries that are loaded: value can be of no other."""
    pandas = sys.modules.get("pandas")
    if pandas:
        if isinstance(value, pandas.DataFrame):
            return value, len(value)
        if isinstance(value, pandas.Series):
            named = value.rename("value") if value.name is None else value
            return named.iloc[: MOST_ROWS + 1].to_frame(), len(value)
        if isinstance(value, pandas.Index):
            return value[: MOST_ROWS + 1].to_frame(index=False), len(value)
        if type(value).__module__ == "pandas.io.formats.style" and hasattr(value, "data"):
            return value.data, len(value.data)
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow and isinstance(value, (pyarrow.Table, pyarrow.RecordBatch)):
        return value.slice(0, MOST_ROWS + 1).to_pandas(), value.num_rows
    duckdb = sys.modules.get("duckdb")
    if duckdb and isinstance(value, duckdb.DuckDBPyRelation):
        head = value.limit(MOST_ROWS + 1).df()
        if len(head) <= MOST_ROWS:
            return head, len(head)
        # Counting looks once more, and finds others where it is a sample.
        return head, max(value.aggregate("count(*)").fetchall()[0][0], len(head))
    return None, 0


def _index_says_something(index):
    """Row numbers, and what filtering and sorting leave of them, say nothing."""
    import pandas

    if index.nlevels > 1 or index.name is not None:
        return True
    return not pandas.api.types.is_integer_dtype(index.dtype) and len(index) > 0


def _label(name):
    if isinstance(name, tuple):
        name = "_".join(str(part) for part in name if str(part) != "")
    return _short(str(name), _MOST_NAME)


def _cells(values):
    import pandas

    kind = values.dtype
    if pandas.api.types.is_datetime64_any_dtype(kind):
        return _times(values)
    if kind in ("float16", "float32"):
        values = values.to_numpy()  # iterating the column itself gives 64-bit floats
    return [cell(value) for value in values]


def _times(values):
    """A column of midnights is a column of dates."""
    known = [v for v in values if v == v and v is not None]
    dates = all(v.tzinfo is None and v.hour == v.minute == v.second == v.microsecond == v.nanosecond == 0 for v in known)
    return [None if v != v else v.strftime("%Y-%m-%d") if dates else v.isoformat() for v in values]


def cell(value):
    """Returns value as a JSON scalar."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _short(str(value), _MOST_CELL)
    if hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        # A 32-bit float keeps its own digits: 0.1, not 0.10000000149011612.
        value = float(str(value)) if value.dtype.kind == "f" else value.item()
        if isinstance(value, bool):
            return value
    if isinstance(value, int):
        return int(value) if -_EXACT <= value <= _EXACT else _digits(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            return None
        number = float(value)
        return number if decimal.Decimal(repr(number)) == value else _short(str(value), _MOST_CELL)
    if isinstance(value, (list, dict, tuple)):
        try:
            return _short(json.dumps(value, ensure_ascii=False, default=str), _MOST_CELL)
        except (TypeError, ValueError):
            return _short(repr(value), _MOST_CELL)
    if _is_missing(value):
        return None
    isoformat = getattr(value, "isoformat", None)
    return _short(str(isoformat() if callable(isoformat) else value), _MOST_CELL)


def _digits(value):
    """A number that is too long for JSON. Python writes no more than some thousand
    digits of one; nobody reads as many."""
    try:
        return _short(str(int(value)), _MOST_CELL)
    except ValueError:
        return f"{'a negative' if value < 0 else 'an'} integer of {int(value).bit_length():,} bits"


def _is_missing(value):
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def _short(text, most):
    return text if len(text) <= most else text[: most - 1] + "…"
