"""What a step shows: by display(), by fig.show(), as its last expression."""

import hashlib
import json
import pprint

from . import figures, html, leftout, wire
from .tables import table_of

_MOST_TEXT = 20_000  # characters
_MOST_TITLE = 200


class Display:
    """Sends rich outputs of the running step, as many as it may have."""

    def __init__(self, channel, streams):
        self._channel = channel
        self._streams = streams

    def begin(self, outputs, budget, left_out):
        """Starts a step that may show so many outputs, images within budget."""
        self._left = outputs
        self._budget = budget
        self._left_out = left_out
        self._shown = set()
        self._images = 0

    def display(self, *values, title=None):
        """Shows each value now: a table, a figure, an image, or its repr."""
        for value in values:
            self.show(value, title)

    def display_json(self, value, title=None):
        """Shows value as JSON."""
        self._send_json("application/json", figures.json_text(value), title)

    def show(self, value, title=None):
        if not self._channel.is_open:  # a forked child, or a thread that outlived its step
            print(repr(value))
            return
        if figure := figures.plotly_figure(value):
            self.show_plotly(*figure, title=title)
        elif figures.is_matplotlib_figure(value):
            self.show_matplotlib(value, title)
        elif (image := figures.png_of(value)) is not None:
            self._send_image(image, title)
        elif (table := table_of(value)) is not None:
            self._send({"mimeType": "application/vnd.mark.table+json", "table": table}, title)
        else:
            page = html.page_of(value, title)
            if page is None or html.has_own_repr(value):
                self._send({"mimeType": "text/plain", "text": _text(value)}, title)
            if page is not None:
                self._send_page(page, html.name_of(value), title)

    def show_last(self, value):
        """Shows the value of a step's last expression."""
        if value is not None and not figures.belongs_to_figure(value):
            self.show(value)

    def show_plotly(self, text, own_title, title=None):
        if self._is_new(text.encode("utf-8", "replace")):
            self._send_json("application/vnd.plotly.v1+json", text, title or own_title)

    def show_matplotlib(self, figure, title=None):
        """Shows a figure and closes it, so that the step's end does not show it again."""
        try:
            image, own_title = figures.matplotlib_png(figure)
        finally:
            figures.close(figure)
        if self._is_new(image):
            self._send_image(image, title or own_title)

    def show_open_figures(self):
        try:
            for figure in figures.open_matplotlib_figures():
                self.show_matplotlib(figure)
        finally:
            figures.close()  # what cannot be drawn must not fail the next step too

    def drop_open_figures(self):
        """After a step that was stopped: its half-drawn figures are none of the next."""
        try:
            figures.close()
        except Exception:  # a figure's own code
            pass

    def _is_new(self, data):
        """`fig.show()` and `fig` as the last line are one figure."""
        digest = hashlib.sha256(data).digest()
        known = digest in self._shown
        self._shown.add(digest)
        return not known

    def _room(self):
        self._left -= 1
        if self._left < 0:
            self._left_out.add(leftout.OUTPUTS)
        return self._left >= 0

    def _send_json(self, mime, text, title):
        if not self._room():
            return
        head = {"mimeType": mime, "json": None}
        if title:
            head["title"] = str(title)[:_MOST_TITLE]
        # The figure is JSON text already; parsing it to write it again is slow.
        before, after = json.dumps(head, ensure_ascii=False).split('"json": null')
        self._send_output(f'{before}"json":{text}{after}')

    def _send(self, output, title):
        if not self._room():
            return
        if title:
            output["title"] = str(title)[:_MOST_TITLE]
        self._send_output(json.dumps(output, ensure_ascii=False, allow_nan=False, separators=(",", ":")))

    def _send_output(self, text):
        data = text.encode("utf-8", "replace")
        if len(data) > wire.MOST_OUTPUT:
            raise ValueError(f"{len(data) / 1e6:.1f} MB are too much to show; show less of it, or write a file.")
        self._streams.sync()
        self._channel.send(wire.OUTPUT, data)

    def _send_page(self, page, name, title):
        """HTML leaves as a file, to be downloaded and never drawn."""
        budget = self._budget
        if why := budget.take(len(page)):
            self._left_out.add(why, name)
            return
        header = {"name": name, "kind": "file"}
        if title:
            header["title"] = str(title)[:_MOST_TITLE]
        self._send_artifact(budget, header, page)

    def _send_image(self, data, title):
        if not self._room():
            return
        budget = self._budget
        if why := budget.take(len(data)):
            self._left_out.add(why, title or "a picture")
            return
        self._images += 1
        header = {"name": f"figure-{self._images}.png", "kind": "image"}
        if title:
            header["title"] = str(title)[:_MOST_TITLE]
        self._send_artifact(budget, header, data)

    def _send_artifact(self, budget, header, data):
        self._streams.sync()  # a thread may be in another step after it
        pieces = (data[n : n + wire.PIECE] for n in range(0, len(data), wire.PIECE))
        self._channel.send_artifact(budget.sentinel, header, pieces)


def _text(value):
    text = repr(value)
    if type(value) in (list, dict, set, tuple) and 100 < len(text) <= _MOST_TEXT:
        text = pprint.pformat(value, width=100, compact=True, sort_dicts=False)
    if len(text) > _MOST_TEXT:
        text = text[:_MOST_TEXT] + f"… ({len(text):,} characters)"
    return text
