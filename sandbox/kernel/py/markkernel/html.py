"""What shows itself as HTML and in no better way."""

import html
import re

_WHOLE = re.compile(r"\s*(<!doctype\s|<html[\s>])", re.IGNORECASE)


def page_of(value, title):
    """Returns a whole page as bytes, or None when value has no HTML. A diagram of
    an estimator of scikit-learn says no more than its text does."""
    kind = type(value)
    if isinstance(value, type) or kind.__module__.startswith("sklearn."):
        return None
    if not callable(getattr(kind, "_repr_html_", None)):
        return None
    text = value._repr_html_()
    if not isinstance(text, str) or not text.strip():
        return None
    if not _WHOLE.match(text):
        name = html.escape(str(title or kind.__name__))
        text = f'<!doctype html>\n<meta charset="utf-8">\n<title>{name}</title>\n{text}\n'
    return text.encode("utf-8", "replace")


def has_own_repr(value):
    return type(value).__repr__ is not object.__repr__


def name_of(value):
    return f"{type(value).__name__[:80]}.html"
