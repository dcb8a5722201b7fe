"""The parameters of a query, typed as BigQuery types them."""

import base64
import datetime
import decimal


def encode(params):
    """Returns a list of {"name", "type", "value"}; raises TypeError."""
    return [{"name": name, **_typed(name, value)} for name, value in params.items()]


def _typed(name, value):
    if isinstance(value, (list, tuple)):
        items = [_typed(name, item) for item in value]
        kinds = {item["type"] for item in items}
        if len(kinds) > 1:
            raise TypeError(f"the items of {name} are of different types: {', '.join(sorted(kinds))}")
        return {"type": "ARRAY", "items": kinds.pop() if kinds else "STRING", "value": [item["value"] for item in items]}
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):  # a NumPy scalar
        value = value.item()
    if isinstance(value, datetime.datetime):  # which is a date, too
        return _moment(value)
    for kind, types, text in _KINDS:
        if isinstance(value, types):
            return {"type": kind, "value": text(value)}
    if value is None:
        return {"type": "STRING", "value": None}
    raise TypeError(f"{name} is a {type(value).__name__}, which no query takes")


def _moment(value):
    kind = "TIMESTAMP" if value.tzinfo else "DATETIME"
    return {"type": kind, "value": value.isoformat(" ")}


# The first that fits counts: a bool is an int.
_KINDS = [
    ("BOOL", bool, lambda v: "true" if v else "false"),
    ("INT64", int, str),
    ("FLOAT64", float, repr),
    ("BIGNUMERIC", decimal.Decimal, lambda v: format(v, "f")),
    ("STRING", str, str),
    ("BYTES", (bytes, bytearray), lambda v: base64.b64encode(v).decode()),
    ("DATE", datetime.date, lambda v: v.isoformat()),
    ("TIME", datetime.time, lambda v: v.isoformat()),
]
