"""What a file is, by its first bytes; its name is not asked."""

import json
import os

from . import columnar, delimited, encodings, records, workbook
from .failure import EMPTY_FILE, UNSUPPORTED_FORMAT, Failed

_HEAD = 64 << 10

_KNOWN = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel (XLS) file or a workbook with a password"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"{\\rtf", "a rich-text document"),
)
_MARKUP = (("<!doctype html", "a web page"), ("<html", "a web page"), ("<?xml", "an XML file"), ("<svg", "a picture"))


def read(name):
    """Returns the Table of a file; raises Failed."""
    if os.path.getsize(name) == 0:
        raise Failed(EMPTY_FILE, "The file is empty (0 bytes).")
    with open(name, "rb") as f:
        head = f.read(_HEAD)
    if head.startswith(b"PAR1"):
        return columnar.read(name)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return workbook.read(name)
    for magic, what in _KNOWN:
        # "ORC" and the like could begin a text; what follows would be text too.
        if head.startswith(magic) and (len(magic) > 3 or not _is_text(head)):
            _refuse(what)
    if not head.strip(b"\x00"):
        _refuse("nothing but zero bytes")
    return _read_text(name)


def _read_text(name):
    encoding, _ = encodings.detect(name)
    with open(name, encoding=encoding) as f:
        head = f.read(_HEAD).lstrip("\ufeff \t\r\n")
    for start, what in _MARKUP:
        if head[:20].lower().startswith(start):
            _refuse(what)
    if head[:1] == "{" or head[:1] == "[" and head[1:].lstrip()[:1] in ("{", "[", "]", '"', "") or _is_list(head):
        return records.read(name, head[0] == "{" and records.looks_like_lines(head))
    return delimited.read(name)


def _is_list(head):
    """Tells "[1, 2]" from the beginning of a table whose first name is "[1"."""
    try:
        return head.startswith("[") and isinstance(json.loads(head), list)
    except ValueError:
        return False


def _is_text(head):
    return not any(byte < 9 or 13 < byte < 32 for byte in head[:1024])


def _refuse(what):
    raise Failed(UNSUPPORTED_FORMAT, f"The file is {what}, not a table. Upload CSV, TSV, JSON, XLSX or Parquet.")
