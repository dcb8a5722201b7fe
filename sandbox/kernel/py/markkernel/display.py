"""What a step shows: by display(), by fig.show(), as its last expression."""

import hashlib
import json
import pprint

from . import figures, wire
from .tables import table_of

_MOST_TEXT = 20_000  # characters
_MOST_TITLE = 200


class Display:
    """Sends rich outputs of the running step, as many as it may have."""

    def __init__(self, channel, guard, streams, note):
        self._channel = channel
        self._guard = guard
        self._streams = streams
        self._note = note

    def begin(self, outputs, budget):
        """Starts a step that may show so many outputs, images within budget."""
        self._left = outputs
        self._budget = budget
        self._shown = set()
        self._images = 0
        self.truncated = False

    def display(self, *values, title=None):
        """Shows each value now: a table, a figure, an image, or its repr."""
        for value in values:
            self.show(value, title)

    def display_json(self, value, title=None):
        """Shows value as JSON."""
        self._send_json("application/json", figures.json_text(value), title)

    def show(self, value, title=None):
        if not self._channel.is_open:  # a forked child
            print(repr(value))
            return
        if figure := figures.plotly_figure(value):
            self.show_plotly(*figure, title=title)
        elif figures.is_matplotlib_figure(value):
            self.show_matplotlib(value, title)
        elif (image := figures.pil_png(value)) is not None:
            self._send_image(image, title)
        elif (table := table_of(value)) is not None:
            self._send({"mimeType": "application/vnd.mark.table+json", "table": table}, title)
        else:
            self._send({"mimeType": "text/plain", "text": _text(value)}, title)

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

    def _is_new(self, data):
        """`fig.show()` and `fig` as the last line are one figure."""
        digest = hashlib.sha256(data).digest()
        known = digest in self._shown
        self._shown.add(digest)
        return not known

    def _room(self):
        self._left -= 1
        if self._left == -1:
            self._note("more was shown than one step may show; the rest was left out")
        self.truncated = self.truncated or self._left < 0
        return self._left >= 0

    def _send_json(self, mime, text, title):
        if not self._room():
            return
        head = {"mimeType": mime, "json": None}
        if title:
            head["title"] = str(title)[:_MOST_TITLE]
        # The figure is JSON text already; parsing it to write it again is slow.
        before, after = json.dumps(head, ensure_ascii=False).split('"json": null')
        self._streams.sync()
        self._channel.send(wire.OUTPUT, f'{before}"json":{text}{after}'.encode("utf-8", "replace"))

    def _send(self, output, title):
        if not self._room():
            return
        if title:
            output["title"] = str(title)[:_MOST_TITLE]
        self._streams.sync()
        self._channel.send_json(wire.OUTPUT, output)

    def _send_image(self, data, title):
        if not self._room():
            return
        if why := self._budget.take(len(data)):
            self._note(f"an image was left out: {why}")
            self.truncated = True
            return
        self._images += 1
        header = {"name": f"figure-{self._images}.png", "kind": "image"}
        if title:
            header["title"] = str(title)[:_MOST_TITLE]
        self._streams.sync()
        with self._guard:
            self._channel.send_json(wire.ARTIFACT, header)
            for start in range(0, len(data), wire.PIECE):
                self._channel.send(wire.BYTES, data[start : start + wire.PIECE])
            self._channel.send(wire.FILE_END)


def _text(value):
    text = repr(value)
    if type(value) in (list, dict, set, tuple) and 100 < len(text) <= _MOST_TEXT:
        text = pprint.pformat(value, width=100, compact=True, sort_dicts=False)
    if len(text) > _MOST_TEXT:
        text = text[:_MOST_TEXT] + f"… ({len(text):,} characters)"
    return text
