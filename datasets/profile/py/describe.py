"""Columns of a loaded frame: type, nulls, distinct values, bounds, samples."""

import datetime
import decimal
import json
import math

import pandas as pd

_TEXT = 100  # characters of a value
_SAMPLES = 5
_SAMPLE_ROWS, _SAMPLE_CELLS = 20, 20_000
_EXACT_CELLS = 30_000_000  # up to here distinct values are counted one by one
_EXACT = 2**53


def columns(frame, original, notes):
    estimate = frame.shape[0] * frame.shape[1] > _EXACT_CELLS
    if estimate:
        notes.append("Numbers of distinct values are estimates, a few percent off.")
    return [_column(frame.iloc[:, i], str(original[i]), estimate) for i in range(frame.shape[1])]


def _column(column, original, estimate):
    known = column.dropna()
    kind = type_of(column, known)
    if kind == "JSON":
        known = known.map(text)
    low = high = ""
    if len(known) and kind not in ("BOOLEAN", "JSON", "BYTES"):
        try:
            low, high = text(known.min()), text(known.max())
        except TypeError:  # values of several kinds in one column
            as_text = known.astype("str")
            low, high = text(as_text.min()), text(as_text.max())
    samples = _samples(known, kind)
    if kind == "INTEGER" and column.dtype.kind == "f":
        low, high = (text(_as(kind, float(bound))) if bound else "" for bound in (low, high))
    if kind == "DATE":
        low, high = low[:10], high[:10]
    return {
        "name": str(column.name),
        "originalName": original[:1000],
        "type": kind,
        "nullCount": int(len(column) - len(known)),
        "distinctCount": _distinct(known, estimate),
        "min": low,
        "max": high,
        "samples": samples,
    }


def _samples(known, kind):
    """The first few different values."""
    samples = {}
    for value in known.head(1000):
        samples[text(_as(kind, value))] = None
        if len(samples) == _SAMPLES:
            break
    return list(samples)


def _as(kind, value):
    if kind == "INTEGER" and isinstance(value, float) and value == value:
        return int(value)
    if kind == "DATE" and isinstance(value, datetime.datetime) and value == value:
        return value.date()
    return value


def type_of(column, known):
    """Returns one of STRING, INTEGER, FLOAT, NUMERIC, BOOLEAN, DATE, TIMESTAMP,
    TIME, BYTES, JSON: BigQuery's names."""
    kinds = pd.api.types
    dtype = column.dtype
    if kinds.is_bool_dtype(dtype):
        return "BOOLEAN"
    if kinds.is_integer_dtype(dtype):
        return "INTEGER"
    if kinds.is_float_dtype(dtype):
        # A gap turns whole numbers into floats; they are whole numbers still.
        whole = len(known) and len(known) < len(column) and bool((known % 1 == 0).all()) and float(known.abs().max()) < _EXACT
        return "INTEGER" if whole else "FLOAT"
    if kinds.is_datetime64_any_dtype(dtype):
        midnight = dtype.kind == "M" and getattr(dtype, "tz", None) is None and bool((known == known.dt.normalize()).all())
        return "DATE" if midnight and len(known) else "TIMESTAMP"
    if isinstance(dtype, pd.CategoricalDtype):
        return type_of(column.astype(dtype.categories.dtype), known.astype(dtype.categories.dtype))
    return _type_of_objects(known)


def _type_of_objects(known):
    found = set(map(type, known.head(10_000)))
    for kind, classes in (
        ("STRING", (str,)),
        ("BOOLEAN", (bool,)),
        ("INTEGER", (int,)),
        ("FLOAT", (int, float)),
        ("NUMERIC", (int, decimal.Decimal)),
        ("TIMESTAMP", (datetime.datetime, pd.Timestamp)),
        ("DATE", (datetime.date,)),
        ("TIME", (datetime.time,)),
        ("BYTES", (bytes,)),
    ):
        if found and found <= set(classes):
            return kind
    if found and all(issubclass(c, (list, dict)) or c.__name__ == "ndarray" for c in found):
        return "JSON"
    return "STRING"


def _distinct(known, estimate):
    try:
        if not estimate:
            return int(known.nunique())
        import duckdb

        with duckdb.connect() as connection:
            frame = known.to_frame("v")  # noqa: F841, named in the query
            return min(len(known), connection.execute("SELECT approx_count_distinct(v) FROM frame").fetchall()[0][0])
    except TypeError:  # values that cannot be compared
        return int(known.map(text).nunique())


def sample(frame, described):
    """The first rows; fewer where there are thousands of columns."""
    count = max(3, min(_SAMPLE_ROWS, _SAMPLE_CELLS // frame.shape[1]))
    head = frame.head(count)
    cells = []
    for position in range(frame.shape[1]):
        kind = described[position]["type"]
        cells.append([cell(_as(kind, value)) for value in head.iloc[:, position]])
    return {
        "columns": [str(name) for name in frame.columns],
        "rows": [list(row) for row in zip(*cells)],
        "rowCount": len(frame),
        "truncated": len(frame) > len(head),
    }


def cell(value):
    """A JSON scalar: numbers as numbers where JSON can hold them."""
    if isinstance(value, (list, dict)) or getattr(value, "ndim", 0) > 0:
        return text(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_EXACT <= value <= _EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return text(value)


def text(value):
    """A value as a person reads it, not too long."""
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0:
        value = value.tolist()
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes):
        value = value[:_TEXT].hex()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        value = value.isoformat()
    value = str(value)
    return value if len(value) <= _TEXT else value[: _TEXT - 1] + "…"
