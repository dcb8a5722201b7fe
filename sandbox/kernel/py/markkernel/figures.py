"""Plotly and matplotlib figures, and images, as what travels to the host."""

import base64
import io
import json
import re
import sys

_MOST_JSON = 4 << 20  # bytes
_MOST_PIXELS = 24_000_000
_LEAST_DPI = 20  # letters are legible
_DEEPEST = 100  # lists in lists
_PNG = b"\x89PNG\r\n\x1a\n"


def plotly_figure(value):
    """Returns (JSON text, title), or None when value is no plotly figure."""
    if "plotly.basedatatypes" not in sys.modules:
        return None
    from plotly.basedatatypes import BaseFigure

    return plotly_json(value.to_dict()) if isinstance(value, BaseFigure) else None


def plotly_json(figure):
    """Returns (JSON text, title) of a figure as a dict."""
    from plotly.io.json import to_json_plotly

    parts = {key: _unpacked(figure[key]) for key in ("data", "layout", "frames") if figure.get(key)}
    parts.setdefault("data", [])
    parts.setdefault("layout", {})
    text = to_json_plotly(parts, engine="json")
    size = len(text.encode("utf-8", "replace"))
    if size > _MOST_JSON:
        raise ValueError(
            f"The chart holds {size / 1e6:.1f} MB of data; {_MOST_JSON / 1e6:.0f} MB is the limit. "
            "Aggregate before plotting (group, bin or sample) instead of plotting every row."
        )
    title = parts["layout"].get("title")
    title = title.get("text") if isinstance(title, dict) else title
    return text, re.sub(r"<[^>]*>", " ", title).strip() if isinstance(title, str) else ""


def _unpacked(value):
    """Replaces arrays that plotly packed as base64 by plain lists."""
    if isinstance(value, dict):
        if "bdata" in value and "dtype" in value:
            return _array(value)
        return {key: _unpacked(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unpacked(inner) for inner in value]
    return value


def _array(packed):
    import numpy

    flat = numpy.frombuffer(base64.b64decode(packed["bdata"]), dtype=packed["dtype"])
    shape = packed.get("shape")
    if isinstance(shape, str):
        shape = [int(part) for part in shape.split(",")]
    return (flat.reshape(shape) if shape else flat).tolist()


def is_matplotlib_figure(value):
    figure = sys.modules.get("matplotlib.figure")
    return figure is not None and isinstance(value, figure.Figure)


def belongs_to_figure(value):
    """Tells what plotting calls return: their figure is what was meant."""
    artist = sys.modules.get("matplotlib.artist")
    if artist is None:
        return False
    if isinstance(value, (list, tuple)) or type(value).__name__ == "ndarray" and value.dtype == object:
        few = list(value.flat if hasattr(value, "flat") else value)[:8]
        return any(belongs_to_figure(v) for v in few)
    return isinstance(value, artist.Artist) or is_matplotlib_figure(getattr(value, "figure", None))


def matplotlib_png(figure):
    """Returns (PNG bytes, title); draws coarser what would be too large."""
    width, height = figure.get_size_inches()
    dpi = min(figure.dpi, (_MOST_PIXELS / max(width * height, 0.01)) ** 0.5)
    if dpi < _LEAST_DPI:
        raise ValueError(f"The figure is {width:g}×{height:g} inches, too large to draw; choose a smaller figsize.")
    figure.set_dpi(dpi)  # measuring draws too
    # A label far outside would stretch the tight box without bound.
    box = figure.get_tightbbox()
    tight = box.width * box.height * dpi * dpi <= _MOST_PIXELS
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi, bbox_inches="tight" if tight else None)
    suptitle = getattr(figure, "_suptitle", None)
    title = suptitle.get_text() if suptitle else ""
    if not title and figure.axes:
        title = figure.axes[0].get_title()
    return out.getvalue(), title


def open_matplotlib_figures():
    """Returns the figures that pyplot holds and that have anything in them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    return [f for f in figures if f.axes or f.texts or f.images or f.lines or f.patches]


def close(figure=None):
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all" if figure is None else figure)


def png_of(value):
    """Returns PNG bytes, or None when value is neither an image of Pillow nor of a
    class that draws itself as one (seaborn.objects)."""
    pillow = sys.modules.get("PIL.Image")
    if pillow is not None and isinstance(value, pillow.Image):
        return _pil_png(value)
    if isinstance(value, type) or not callable(getattr(type(value), "_repr_png_", None)):
        return None
    image = value._repr_png_()
    if isinstance(image, tuple) and image:
        image = image[0]  # data and how wide it is meant
    return bytes(image) if isinstance(image, bytes) and image.startswith(_PNG) else None


def _pil_png(value):
    if value.width * value.height > _MOST_PIXELS:
        raise ValueError(f"The image has {value.width}×{value.height} pixels; resize it to {_MOST_PIXELS:,} at most.")
    out = io.BytesIO()
    (value if value.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else value.convert("RGBA")).save(out, format="PNG")
    return out.getvalue()


def json_text(value):
    """Returns any value as JSON text: what JSON has no word for becomes a list, a
    null or a string."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if len(text.encode("utf-8", "replace")) > _MOST_JSON:
        raise ValueError(f"The JSON has more than {_MOST_JSON / 1e6:.0f} MB; show less of it.")
    return text


def _plain(value, depth=0):
    from .tables import cell

    if depth > _DEEPEST:
        raise ValueError(f"The JSON is nested more than {_DEEPEST} deep; show a part of it.")
    if isinstance(value, dict):
        return {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return value
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return _plain(value.to_dict(orient="records"), depth + 1)
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0:
        return _plain(value.tolist(), depth + 1)
    return cell(value)
