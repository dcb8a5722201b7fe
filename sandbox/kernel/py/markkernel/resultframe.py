"""A DataFrame of a query's result, which the host gives page by page.

The schema is BigQuery's: a list of {"name", "type", "mode", "fields", "element"}.
A page is CSV in base 64: nothing between two commas is NULL, "" an empty text. Bytes
are base 64; lists, records and ranges are JSON, in which floats beyond JSON are "NaN",
"Infinity", "-Infinity", and a record is a list where two of its fields share a name;
all else is as BigQuery writes it.
"""

import base64
import datetime
import decimal
import io
import json

_INTEGERS = ("INTEGER", "INT64")
_FLOATS = ("FLOAT", "FLOAT64")
_BOOLEANS = ("BOOLEAN", "BOOL")
_DECIMALS = ("NUMERIC", "BIGNUMERIC")
_STRUCTS = ("RECORD", "STRUCT")
_TEXTS = ("STRING", "GEOGRAPHY", "INTERVAL")


def fetch(ask, opened):
    """Asks for all pages of a result and returns its DataFrame.

    What is not all of the result says so in frame.attrs["truncated"].
    """
    import pandas
    import pyarrow

    fields = opened["schema"]
    # The same name twice is the query's choice, so columns go by their numbers.
    schema = pyarrow.schema([(str(n), _arrow(pyarrow, field)) for n, field in enumerate(fields)])
    pages = [schema.empty_table()]
    done = False
    while not done:
        got = ask("rows", result=opened["result"], page=len(pages) - 1)
        pages.append(_page(schema, base64.b64decode(got["csv"])))
        done = got["done"]
    table = pyarrow.concat_tables(pages)
    del pages
    nullable = {pyarrow.int64(): pandas.Int64Dtype(), pyarrow.bool_(): pandas.BooleanDtype()}
    frame = table.to_pandas(types_mapper=nullable.get, split_blocks=True, self_destruct=True)
    del table
    for n, field in enumerate(fields):
        if not _is_ready(field):
            texts = frame[str(n)].astype("object").to_numpy()
            values = [_value(field, None if v != v or v is None else _parsed(field, v)) for v in texts]
            frame[str(n)] = pandas.Series(values, dtype="object", index=frame.index)
    frame.columns = [field["name"] for field in fields]
    frame.attrs.update(truncated=opened["truncated"], total_rows=opened["rows"])
    return frame


def _page(schema, text):
    """The rows of a page as a table."""
    if not text:
        return schema.empty_table()
    import pyarrow.csv as csv

    return csv.read_csv(
        io.BytesIO(text),
        read_options=csv.ReadOptions(column_names=schema.names, block_size=len(text) + 1, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true"],
            false_values=["false"],
        ),
    )


def _arrow(pyarrow, field):
    """The type that a column is read as. Years that nanoseconds do not reach are
    BigQuery's to have, so: microseconds."""
    kind = "" if field.get("mode") == "REPEATED" else field["type"]
    if kind in _INTEGERS:
        return pyarrow.int64()
    if kind in _FLOATS:
        return pyarrow.float64()
    if kind in _BOOLEANS:
        return pyarrow.bool_()
    return {
        "DATE": pyarrow.date32(),
        "TIME": pyarrow.time64("us"),
        "DATETIME": pyarrow.timestamp("us"),
        "TIMESTAMP": pyarrow.timestamp("us", "UTC"),
    }.get(kind, pyarrow.string())


def _is_ready(field):
    """Tells whether a column's values are what they are to be once they are read."""
    kinds = _INTEGERS + _FLOATS + _BOOLEANS + _TEXTS + ("DATE", "TIME", "DATETIME", "TIMESTAMP")
    return field.get("mode") != "REPEATED" and field["type"] in kinds


def _parsed(field, text):
    """A cell as JSON would have it: what is nested is JSON, all else a text."""
    nested = field.get("mode") == "REPEATED" or field["type"] in _STRUCTS or field["type"] == "RANGE"
    return json.loads(text) if nested else text


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
