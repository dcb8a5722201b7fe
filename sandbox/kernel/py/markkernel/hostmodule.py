"""The module `mark`: what user code finds of the host."""

import sys
import types

_ABOUT = """The host of this session.

    mark.files()                 the files of the chat, a list of dicts
    mark.dataset(name)           a dataset as a DataFrame
    mark.sql(sql, **params)      SQL (DuckDB's) over the chat's datasets, a DataFrame
    mark.query(sql, **params)    the result of a query of the warehouse, a DataFrame
    mark.result(name)            what run_sql has brought, by the output's name
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

    def sql(sql, **params):
        """Runs SQL of DuckDB's over the chat's datasets and returns a DataFrame.

        A dataset is a table under its name and under its file's name, with or without
        the ending; params are the statement's $name parameters.
        """
        from . import sqltables

        return sqltables.run(str(sql), params, files(), dataset, Error)

    def query(sql, connection="", **params):
        """Runs a query in the warehouse and returns its result as a DataFrame.

        connection names one of several warehouses; left out, it is the one that the
        chat's tables are of. params are the query's @name parameters: None, bool,
        int, float, str, bytes, decimal.Decimal, dates and times of datetime, and
        lists of one of these.
        """
        from . import resultframe, sqlparams

        which = {"connection": str(connection)} if connection else {}
        opened = ask("query", sql=str(sql), params=sqlparams.encode(params), **which)
        return resultframe.fetch(ask, opened)

    def result(name):
        """Returns what run_sql has brought, by its output's name such as "s2.o1"."""
        from . import resultframe

        return resultframe.fetch(ask, ask("result", name=str(name)))

    def progress(done, total=0):
        """Tells those who wait how far a step is: done of total, in any unit."""
        calls.progress(done, total)

    module = types.ModuleType("mark", _ABOUT)
    for function in (files, dataset, sql, query, result, progress):
        function.__module__ = "mark"
        function.__qualname__ = function.__name__
        setattr(module, function.__name__, function)
    module.Error = Error
    module.__all__ = ["Error", "dataset", "files", "progress", "query", "result", "sql"]
    sys.modules["mark"] = module
