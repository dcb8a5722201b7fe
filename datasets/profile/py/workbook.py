"""XLSX: a ZIP file that is looked at before it is unpacked."""

import warnings
import zipfile

import openpyxl
import pandas as pd

from . import names, temporal
from .failure import BROKEN_FILE, EMPTY_FILE, NO_ROWS, TOO_LARGE, UNSUPPORTED_FORMAT, Failed, check_columns
from .table import Table

_MOST_UNPACKED = 400 << 20  # bytes
_MOST_RATIO = 300  # XML of real workbooks packs 5 to 50 times
_RATIO_FROM = 20 << 20  # bytes
_MOST_MEMBERS = 10_000
_LOOKED_AT = 50  # rows

_OTHERS = (
    ("word/", "a Word document"),
    ("ppt/", "a PowerPoint presentation"),
    ("xl/workbook.bin", "a binary Excel workbook (XLSB)"),
    ("content.xml", "an OpenDocument file"),
    ("META-INF/", "a Java or Android package"),
)


def read(name):
    _inspect(name)
    try:
        sheets, rows = _look(name)
    except Failed:
        raise
    except Exception as error:
        raise Failed(BROKEN_FILE, "The workbook is damaged and could not be opened. Open it in a spreadsheet program, save it again and upload that.") from error
    notes = []
    if len(sheets) > 1:
        others = ", ".join(names.clean(s) for s in sheets[1:9]) + (" and more" if len(sheets) > 9 else "")
        notes.append(f"Only the first sheet, {names.clean(sheets[0])}, was read; the others are: {others}.")
    start = _first_row(rows)
    options = f", skiprows={start}" if start else ""
    if start:
        notes.append(f"{start} {'row' if start == 1 else 'rows'} above the table {'was' if start == 1 else 'were'} left out.")
    original = ["" if cell is None else str(cell) for cell in rows[start]]
    while original and not original[-1].strip():
        original.pop()
    check_columns(len(original))
    code = f"pd.read_excel({name!r}{options})"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = eval(code, {"pd": pd})
    if not len(frame):
        raise Failed(NO_ROWS, "The first sheet has column names but no rows below them.")
    final = names.repaired(frame.columns)
    if final != list(frame.columns):
        code += f".set_axis({final!r}, axis=1)"
    original += [""] * (len(final) - len(original))
    notes.extend(names.notes(original[: len(final)], final))
    notes.extend(_gaps(name, start, frame, final))
    dates = {final[i]: "datetime64[us]" for i, form in temporal.formats(frame).items() if form == "ISO8601"}
    if dates:
        code += f".astype({dates!r})"
    return Table("XLSX", code, original[: len(final)], notes)


def _gaps(name, start, frame, final):
    """Says what is empty though it does not look so in a spreadsheet program."""
    said = []
    blank = int(frame.isna().all(axis=1).sum())
    if blank:
        said.append(f"{blank:,} {'row is' if blank == 1 else 'rows are'} empty and counted as {'a row' if blank == 1 else 'rows'}.")
    unknown = _without_result(name, start, frame)
    if unknown:
        shown = ", ".join(final[i] for i in unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        said.append(
            f"Formulas whose results are not in the file read as empty: {shown}{more}. Open the workbook in a spreadsheet program, save it and upload that."
        )
    return said


def _without_result(name, start, frame):
    """Positions of columns with formulas that no program has worked out yet, as
    libraries write them. A result that is an empty text has the type of texts."""
    empty = frame.head(_LOOKED_AT).isna()
    if not empty.any(axis=None):
        return []
    found = set()
    pairs = zip(_cells(name, start, len(empty), False), _cells(name, start, len(empty), True))
    for at, (formulas, results) in enumerate(pairs):
        for i in range(min(len(formulas), empty.shape[1])):
            if empty.iat[at, i] and formulas[i].data_type == "f" and results[i].data_type == "n":
                found.add(i)
    return sorted(found)


def _cells(name, start, count, results):
    """The cells of so many rows below the names, with formulas or their results."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(name, read_only=True, data_only=results)
    try:
        yield from book.worksheets[0].iter_rows(min_row=start + 2, max_row=start + 1 + count)
    finally:
        book.close()


def _inspect(name):
    """Refuses what is no workbook, and what would unpack without bound."""
    try:
        with zipfile.ZipFile(name) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Failed(BROKEN_FILE, "The file is cut off or damaged: it begins like an XLSX workbook but does not end like one. Upload it again.") from error
    paths = {member.filename for member in members}
    if "xl/workbook.xml" not in paths:
        what = next((said for start, said in _OTHERS if any(p.startswith(start) for p in paths)), "a ZIP archive")
        raise Failed(UNSUPPORTED_FORMAT, f"The file is {what}, not an XLSX workbook. Upload CSV, TSV, JSON, XLSX or Parquet.")
    if any(member.flag_bits & 1 for member in members):
        raise Failed(UNSUPPORTED_FORMAT, "The workbook is protected by a password. Remove it and upload the file again.")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members) or 1
    if len(members) > _MOST_MEMBERS or unpacked > _MOST_UNPACKED or unpacked > _RATIO_FROM and unpacked / packed > _MOST_RATIO:
        raise Failed(TOO_LARGE, f"The workbook unpacks to {unpacked / 1e6:,.0f} MB, more than is safe to open. Save the sheet as CSV and upload that.")


def _look(name):
    """Returns (names of the sheets, first rows of the first one)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(name, read_only=True, data_only=True)
    try:
        if not book.worksheets:
            raise Failed(EMPTY_FILE, "The workbook has no sheet with cells.")
        sheet = book.worksheets[0]
        rows = [list(row) for row in sheet.iter_rows(max_row=_LOOKED_AT, values_only=True)]
        if not any(cell is not None for row in rows for cell in row):
            more = " Move the table to the first sheet." if len(book.sheetnames) > 1 else ""
            raise Failed(EMPTY_FILE, f"The first sheet, {names.clean(sheet.title)}, is empty.{more}")
        return book.sheetnames, rows
    finally:
        book.close()


def _first_row(rows):
    """The row of the names: the first that is about as wide as the widest."""
    widths = [sum(cell is not None for cell in row) for row in rows]
    return next(i for i, width in enumerate(widths) if width >= max(1, 0.6 * max(widths)))
