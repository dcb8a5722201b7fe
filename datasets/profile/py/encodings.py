"""Which encoding a text file is in: by its mark, by strict decoding, by likeness."""

import codecs

from .failure import ENCODING, Failed

_BLOCK = 4 << 20
_SAMPLE = 256 << 10

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect(path):
    """Returns (Python's name of the encoding, whether it is a guess)."""
    with open(path, "rb") as f:
        head = f.read(_SAMPLE)
    for mark, name in _MARKS:
        if head.startswith(mark):
            _must_decode(path, name)
            return name, False
    if name := _unmarked_utf16(head):
        _must_decode(path, name)
        return name, True
    if _decodes(path, "utf-8"):
        return "utf-8", False
    high = _high_bytes(path)
    for name in _ranked(high):
        if _decodes(path, name):
            return name, True
    raise Failed(ENCODING, "The file's text encoding could not be recognised. Save it as UTF-8 and upload it again.")


def _decodes(path, name):
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with open(path, "rb") as f:
            while block := f.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _must_decode(path, name):
    if not _decodes(path, name):
        raise Failed(
            ENCODING,
            f"The file says that it is {name.upper()} text, but parts of it are not. Save it as UTF-8 and upload it again.",
        )


def _unmarked_utf16(head):
    """Plain letters in UTF-16 have a zero in every other byte."""
    if len(head) < 8 or 0 not in head:
        return None
    half = len(head) // 2
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _high_bytes(path):
    """Returns the lines that hold more than ASCII, up to a bound."""
    lines, size = [], 0
    with open(path, "rb") as f:
        while size < _SAMPLE and (line := f.readline(_BLOCK)):
            if not line.isascii():
                lines.append(line[:4096])
                size += len(lines[-1])
    return b"".join(lines)


def _ranked(sample):
    """The encodings to try, the likeliest first."""
    scores = {
        "cp932": _share(sample, "cp932", _is_japanese),
        "gb18030": _share(sample, "gb18030", _is_chinese),
        "cp1251": _cyrillic(sample),
    }
    likely = [name for name in sorted(scores, key=scores.get, reverse=True) if scores[name] >= 0.6]
    # Windows-1252 decodes what Latin-1 does and more, but not any byte.
    return [*likely, "cp1252"]


def _share(sample, name, is_common):
    """The share of characters beyond ASCII that are common in a language."""
    text = sample.decode(name, "replace")
    beyond = [c for c in text if c > "\x7f"]
    if not beyond or text.count("\ufffd") > 2 + len(beyond) // 50:
        return 0.0
    return sum(map(is_common, beyond)) / len(beyond)


def _is_japanese(c):
    if "\u3000" <= c <= "\u30ff" or "\uff01" <= c <= "\uff5e":
        return True
    if not "\u4e00" <= c <= "\u9fff":
        return False  # half-width katakana too: Latin letters look like them
    return 0x88 <= c.encode("cp932", "replace")[0] <= 0x98  # JIS level 1, the everyday kanji


def _is_chinese(c):
    if "\u3000" <= c <= "\u303f" or "\uff01" <= c <= "\uff5e" or c in "“”‘’—…":
        return True
    if not "\u4e00" <= c <= "\u9fff":
        return False
    code = c.encode("gb18030")
    return 0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1  # GB 2312 level 1


def _cyrillic(sample):
    """In Cyrillic whole words lie beyond ASCII, in Latin scripts single letters."""
    words = [w for w in sample.translate(_NO_LETTERS).split() if any(b > 0x7F for b in w)]
    if not words:
        return 0.0
    whole = [w for w in words if len(w) > 1 and all(b >= 0xC0 or b in (0xA8, 0xB8) for b in w)]
    return len(whole) / len(words)


_NO_LETTERS = bytes(b if b > 0x7F or chr(b).isalpha() else 0x20 for b in range(256))
