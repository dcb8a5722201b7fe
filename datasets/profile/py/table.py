"""What a reader found: how to load the table, and what it was called before."""


class Table:
    """code is a Python expression over pd that loads the table by its file's name
    in the working folder; original, the names as they stand in the file."""

    def __init__(self, form, code, original, notes, encoding="", delimiter="", has_header=True):
        self.form = form
        self.code = code
        self.original = original
        self.notes = notes
        self.encoding = encoding
        self.delimiter = delimiter
        self.has_header = has_header

    def load(self):
        import pandas as pd

        return eval(self.code, {"pd": pd, "__builtins__": __builtins__})


