"""Dates and times that stand as text."""

import re

import pandas as pd

_FORMATS = (
    (re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?"), ("ISO8601",)),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}"), ("%Y/%m/%d",)),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}"), ("%Y/%m/%d %H:%M",)),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}:\d{2}"), ("%Y/%m/%d %H:%M:%S",)),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), ("%d.%m.%Y",)),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}"), ("%d.%m.%Y %H:%M",)),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}:\d{2}"), ("%d.%m.%Y %H:%M:%S",)),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), ("%m/%d/%Y", "%d/%m/%Y")),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}"), ("%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M")),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}"), ("%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S")),
    (re.compile(r"\d{1,2}-\d{1,2}-\d{4}"), ("%m-%d-%Y", "%d-%m-%Y")),
    (re.compile(r"\d{1,2}-[A-Za-z]{3}-\d{4}"), ("%d-%b-%Y",)),
    (re.compile(r"\d{1,2} [A-Za-z]{3} \d{4}"), ("%d %b %Y",)),
    (re.compile(r"[A-Za-z]{3} \d{1,2}, \d{4}"), ("%b %d, %Y",)),
)


def formats(frame, but=()):
    """Returns {position: format} of text columns whose every value is a date."""
    found = {}
    for position in range(frame.shape[1]):
        if position not in but:
            fitting = _fitting(frame.iloc[:, position])
            if len(fitting) == 1:
                found[position] = fitting[0]
    return found


def notes(frame, final):
    """Names the columns that could be read in two ways."""
    unsure = [final[i] for i in range(frame.shape[1]) if len(_fitting(frame.iloc[:, i])) > 1]
    if not unsure:
        return []
    more = f" and {len(unsure) - 3} more" if len(unsure) > 3 else ""
    return [f"Day and month cannot be told apart, so these dates were kept as text: {', '.join(unsure[:3])}{more}."]


def _fitting(column):
    if not pd.api.types.is_string_dtype(column.dtype):
        return ()
    head = column.dropna().head(20)
    if head.empty or not all(isinstance(value, str) for value in head):
        return ()
    for pattern, candidates in _FORMATS:
        if all(pattern.fullmatch(value) for value in head):
            known = column.dropna()
            return tuple(form for form in candidates if _parses(known, form))
    return ()


def _parses(known, form):
    try:
        return pd.to_datetime(known, format=form, errors="coerce").notna().all()
    except (ValueError, TypeError, OverflowError):
        return False
