"""Why a file cannot be profiled. The codes are stable; Go knows them too."""


class Failed(Exception):
    """code is one of the names below; message is a sentence for a person."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


EMPTY_FILE = "EMPTY_FILE"
NO_ROWS = "NO_ROWS"
NOT_TABULAR = "NOT_TABULAR"
UNSUPPORTED_FORMAT = "UNSUPPORTED_FORMAT"
BROKEN_FILE = "BROKEN_FILE"
ENCODING = "ENCODING"
TOO_MANY_COLUMNS = "TOO_MANY_COLUMNS"
TOO_LARGE = "TOO_LARGE"

MOST_COLUMNS = 5000


def check_columns(count, whole=True):
    """whole is False where there may be more columns than were counted."""
    if count > MOST_COLUMNS:
        raise Failed(
            TOO_MANY_COLUMNS,
            f"The table has {'' if whole else 'more than '}{count:,} columns; {MOST_COLUMNS:,} is the most. Remove columns that are not needed, or turn columns into rows.",
        )
