"""Parquet: its metadata is read before its data."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from . import names
from .failure import BROKEN_FILE, NO_ROWS, TOO_LARGE, Failed, check_columns
from .table import Table

_MOST_UNPACKED = 2 << 30  # bytes, as the metadata has it
_MOST_CELLS = 500_000_000


def read(name):
    try:
        with pq.ParquetFile(name) as file:
            metadata = file.metadata
            columns = file.schema_arrow.names
            unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Failed(BROKEN_FILE, "The file is cut off or damaged: it begins like Parquet but could not be opened. Upload it again.") from error
    check_columns(len(columns))
    if not columns or not metadata.num_rows:
        raise Failed(NO_ROWS, "The file has no rows.")
    if unpacked > _MOST_UNPACKED or metadata.num_rows * len(columns) > _MOST_CELLS:
        raise Failed(TOO_LARGE, f"The file unpacks to {metadata.num_rows:,} rows of {len(columns):,} columns, more than can be analysed. Upload a part of it.")
    code = f"pd.read_parquet({name!r})"
    try:
        frame = pd.read_parquet(name)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Failed(BROKEN_FILE, "The file's data is damaged and could not be read. Upload it again.") from error
    if frame.index.nlevels > 1 or frame.index.name is not None:
        code += ".reset_index()"
        frame = frame.reset_index()
    original = [str(column) for column in frame.columns]
    final = names.repaired(original)
    if final != list(frame.columns):
        code += f".set_axis({final!r}, axis=1)"
    return Table("PARQUET", code, original, names.notes(original, final))
