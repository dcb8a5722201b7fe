"""JSON and JSON Lines: records, nested ones flattened by one level."""

import json

import pandas as pd

from . import encodings, names, temporal
from .failure import BROKEN_FILE, EMPTY_FILE, NO_ROWS, NOT_TABULAR, Failed, check_columns
from .table import Table

_SHAPES = "a list of objects, an object of lists, or one object per line"


def looks_like_lines(head):
    """Tells JSON Lines from JSON by the first line, which must be whole."""
    lines = [line for line in head.splitlines() if line.strip()]
    if len(lines) < 2:
        return False
    try:
        return isinstance(json.loads(lines[0]), dict)
    except (ValueError, RecursionError):
        return False


def read(name, lines):
    encoding, guessed = encodings.detect(name)
    value = _lines(name, encoding) if lines else _whole(name, encoding)
    opened = f"open({name!r}, encoding={encoding!r})"
    if lines:
        code = f'[__import__("json").loads(line) for line in {opened} if line.strip()]'
    else:
        code = f'__import__("json").load({opened})'
    if isinstance(value, dict):
        key = _table_within(value)
        if key is not None:
            value, code = value[key], f"{code}[{key!r}]"
    if isinstance(value, list):
        if not value:
            raise Failed(NO_ROWS, "The file holds an empty list.")
        if not all(isinstance(record, dict) for record in value):
            raise Failed(NOT_TABULAR, f"The file holds a list, but not of objects. A table is {_SHAPES}.")
        code = f"pd.json_normalize({code}, max_level=1)"
    elif _is_columns(value):
        code = f"pd.DataFrame({code})"
    else:
        raise Failed(NOT_TABULAR, f"The file holds JSON, but no table. A table is {_SHAPES}.")
    del value
    try:
        frame = eval(code, {"pd": pd})
    except (ValueError, TypeError, AttributeError) as error:
        raise Failed(NOT_TABULAR, f"The JSON could not be laid out as a table. A table is {_SHAPES}.") from error
    if not frame.shape[1] or not len(frame):
        raise Failed(NO_ROWS, "The file's records have no fields.")
    check_columns(frame.shape[1])
    original = list(frame.columns)
    final = names.repaired(original)
    if final != original:
        code += f".set_axis({final!r}, axis=1)"
    dates = {final[i]: "datetime64[us]" for i, form in temporal.formats(frame).items() if form == "ISO8601"}
    if dates:
        code += f".astype({dates!r})"
    notes = names.notes(original, final)
    if guessed:
        notes.append(f"The file does not say its text encoding; it was taken to be {encoding}.")
    return Table("JSONL" if lines else "JSON", code, [str(n) for n in original], notes, encoding=encoding)


def _whole(name, encoding):
    try:
        with open(name, encoding=encoding) as f:
            return json.load(f)
    except RecursionError as error:
        raise Failed(NOT_TABULAR, "The JSON is nested too deeply to be a table.") from error
    except ValueError as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Failed(BROKEN_FILE, f"The file begins like JSON but is no valid JSON{where}; it may be cut off.") from error


def _lines(name, encoding):
    records = []
    with open(name, encoding=encoding) as f:
        for number, line in enumerate(f, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise Failed(BROKEN_FILE, f"Line {number:,} is no valid JSON; the file may be cut off.") from error
            if not isinstance(record, dict):
                raise Failed(NOT_TABULAR, f"Line {number:,} holds no object. A table is {_SHAPES}.")
            records.append(record)
    if not records:
        raise Failed(EMPTY_FILE, "The file has no content, only blank lines.")
    return records


def _table_within(value):
    """The key of the one list of objects in an object: {"data": […], "page": 1}."""
    lists = [k for k, v in value.items() if isinstance(v, list) and v and all(isinstance(r, dict) for r in v)]
    return lists[0] if len(lists) == 1 else None


def _is_columns(value):
    if not isinstance(value, dict) or not value:
        return False
    if not all(isinstance(column, list) for column in value.values()):
        return False
    return len({len(column) for column in value.values()}) == 1 and len(next(iter(value.values()))) > 0
