"""The module `mark`: what user code finds of the host."""

import sys
import types

_ABOUT = """The host of this session.

    mark.files()                 the files of the chat, a list of dicts
    mark.dataset(name)           a dataset as a DataFrame
    mark.query(sql)              the result of a query of the warehouse, a DataFrame
    mark.progress(done, total)   how far a long step is

A refusal is raised as mark.Error.
"""


class Error(Exception):
    """The host refused; its message says why."""


Error.__module__ = "mark"


def install(calls):
    """Makes `import mark` work; calls reaches the host."""
    from .calls import Refused

    def ask(method, **arguments):
        try:
            return calls.ask(method, **arguments)
        except Refused as refusal:
            raise Error(str(refusal)) from None

    def files():
        """Returns the chat's files: a list of dicts with name, path and bytes."""
        return ask("files")

    def dataset(name):
        """Returns the dataset of this name, or of this file, as a DataFrame."""
        import pandas

        found = ask("dataset", name=str(name))
        return eval(found["load"], {"pd": pandas, "__builtins__": __builtins__})

    def query(sql):
        """Runs a query in the warehouse and returns its result as a DataFrame."""
        import pandas

        return pandas.read_parquet(ask("query", sql=str(sql))["path"])

    def progress(done, total=0):
        """Tells those who wait how far a step is: done of total, in any unit."""
        calls.progress(done, total)

    module = types.ModuleType("mark", _ABOUT)
    for function in (files, dataset, query, progress):
        function.__module__ = "mark"
        function.__qualname__ = function.__name__
        setattr(module, function.__name__, function)
    module.Error = Error
    module.__all__ = ["Error", "dataset", "files", "progress", "query"]
    sys.modules["mark"] = module
