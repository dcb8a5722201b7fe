"""Profiles one file of the working folder and shows the profile as JSON."""

import sys
import traceback
import warnings

from . import describe, formats
from .failure import NO_ROWS, NOT_TABULAR, TOO_LARGE, Failed

TITLE = "mark.profile"


def main(name):
    warnings.simplefilter("ignore")
    try:
        profile = _profile(name)
    except Exception:
        traceback.print_exc()  # for the host's log: the session's own report has no lines of this code
        raise
    sys.modules["__main__"].display_json(profile, title=TITLE)


def _profile(name):
    try:
        table = formats.read(name)
        frame = table.load()
        if not len(frame):
            raise Failed(NO_ROWS, "The file has column names but no rows below them.")
        notes = list(table.notes)
        columns = describe.columns(frame, table.original, notes)
        return {
            "profile": {
                "format": table.form,
                "encoding": table.encoding,
                "delimiter": table.delimiter,
                "hasHeader": table.has_header,
                "rowCount": len(frame),
                "columns": columns,
                "sample": describe.sample(frame, columns),
                "loadCode": table.code,
                "notes": notes,
            }
        }
    except Failed as failed:
        return {"failure": {"code": failed.code, "message": failed.message}}
    except RecursionError:
        return {"failure": {"code": NOT_TABULAR, "message": "The file is nested too deeply to be a table."}}
    except MemoryError:
        return {"failure": {"code": TOO_LARGE, "message": "The table needs more memory than a session has. Upload a part of it, or fewer columns."}}
