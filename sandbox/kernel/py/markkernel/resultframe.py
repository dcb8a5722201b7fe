"""A DataFrame of a query's result, which the host gives page by page.

The schema is BigQuery's: a list of {"name", "type", "mode", "fields", "element"}.
In a page integers and floats are JSON numbers (floats beyond JSON are "NaN",
"Infinity", "-Infinity"), booleans JSON's own, bytes base 64, records objects, or
lists where two fields share a name, ranges objects of start and end, arrays lists;
everything else is a string as BigQuery writes it.
"""

import base64
import datetime
import decimal
import json

_INTEGERS = ("INTEGER", "INT64")
_FLOATS = ("FLOAT", "FLOAT64")
_BOOLEANS = ("BOOLEAN", "BOOL")
_DECIMALS = ("NUMERIC", "BIGNUMERIC")
_STRUCTS = ("RECORD", "STRUCT")


def fetch(ask, opened):
    """Asks for all pages of a result and returns its DataFrame.

    What is not all of the result says so in frame.attrs["truncated"].
    """
    import pandas

    fields = opened["schema"]
    columns = [[] for _ in fields]
    page = 0
    while True:
        got = ask("rows", result=opened["result"], page=page)
        for row in got["rows"]:
            for values, value in zip(columns, row):
                values.append(value)
        if got["done"]:
            break
        page += 1
    series = [_series(pandas, field, values) for field, values in zip(fields, columns)]
    frame = pandas.concat(series, axis=1) if series else pandas.DataFrame()
    frame.columns = [field["name"] for field in fields]  # the same name twice is the query's choice
    frame.attrs.update(truncated=opened["truncated"], total_rows=opened["rows"])
    return frame


def _series(pandas, field, values):
    repeated = field.get("mode") == "REPEATED"
    kind = field["type"]
    if not repeated:
        if kind in _INTEGERS:
            return pandas.Series(values, dtype="Int64")
        if kind in _FLOATS:
            return pandas.Series([None if v is None else float(v) for v in values], dtype="float64")
        if kind in _BOOLEANS:
            return pandas.Series(values, dtype="boolean")
        if kind == "TIMESTAMP":
            return _times(pandas, values, utc=True)
        if kind == "DATETIME":
            return _times(pandas, values, utc=False)
    return pandas.Series([_value(field, value) for value in values], dtype="object")


def _times(pandas, values, utc):
    # Years that nanoseconds do not reach are BigQuery's to have, so: microseconds.
    unit = pandas.DatetimeTZDtype("us", "UTC") if utc else "datetime64[us]"
    parsed = [None if v is None else _moment(v, utc) for v in values]
    return pandas.Series(parsed, dtype="object").astype(unit)


def _moment(text, utc):
    moment = datetime.datetime.fromisoformat(text)
    if utc and moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment


def _value(field, value):
    """One value of a column, or of a struct's field, as Python has it."""
    if field.get("mode") == "REPEATED":
        single = dict(field, mode="NULLABLE")
        return [_value(single, v) for v in value or []]
    kind = field["type"]
    if value is None:
        return None
    if kind in _STRUCTS:
        if isinstance(value, list):
            return [_value(inner, v) for inner, v in zip(field["fields"], value)]
        return {inner["name"]: _value(inner, value.get(inner["name"])) for inner in field["fields"]}
    if kind == "RANGE":
        element = {"type": field.get("element", "STRING")}
        return {end: _value(element, value.get(end)) for end in ("start", "end")}
    if kind in _DECIMALS:
        return decimal.Decimal(value)
    if kind in _FLOATS:
        return float(value)
    if kind == "BYTES":
        return base64.b64decode(value)
    if kind == "DATE":
        return datetime.date.fromisoformat(value)
    if kind == "TIME":
        return datetime.time.fromisoformat(value)
    if kind == "TIMESTAMP":
        return _moment(value, True)
    if kind == "DATETIME":
        return _moment(value, False)
    if kind == "JSON":
        return json.loads(value)
    return value
