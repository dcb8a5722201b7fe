"""SQL over a chat's datasets, as mark.sql has it."""

import os.path
import re


def meant(files, text):
    """The tables that stand in a statement: by name, a dict of files and spellings.

    A dataset goes by its name, by its file's and, where these mean none, by its
    file's without the ending. To DuckDB names that differ in capitals alone are one,
    so a name may mean several files.
    """
    tables = {}
    for whole in (True, False):
        named = {}
        for file in files:
            stem = os.path.splitext(file["name"])[0]
            for name in (file.get("dataset", stem), file["name"]) if whole else (stem,):
                named.setdefault(name.lower(), {})[file["name"]] = name
        tables = {**named, **tables}
    return {
        name: spelled for name, spelled in tables.items()
        if re.search(r"(?<!\w)" + re.escape(name) + r"(?!\w)", text, re.IGNORECASE)
    }


def run(text, params, files, dataset, refused):
    """Runs a statement over the datasets that it names and returns a DataFrame.

    dataset loads one by its file's name; refused makes an exception of a sentence.
    """
    import duckdb

    tables = meant(files, text)
    loaded = {}
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        for spelled in tables.values():
            if len(spelled) > 1:  # which one is not known: told where it is asked for
                continue
            [(file, name)] = spelled.items()
            if file not in loaded:
                loaded[file] = dataset(file)
            connection.register(name, loaded[file])
        try:
            found = connection.execute(text, params or None)
        except (duckdb.CatalogException, duckdb.PermissionException) as error:
            # What is no table and looks like a file's name is to DuckDB a file.
            missing = re.search(r'Table with name (.+?) does not exist|Cannot access file "([^"/]+)"', str(error))
            if missing is None:
                raise
            raise refused(_missing(missing.group(1) or missing.group(2), tables, files)) from None
        if found is None or found.description is None:
            raise refused("The statement is empty.")
        return found.df()


def _missing(name, tables, files):
    """Why there is no table of a name. What DuckDB would suggest are its own."""
    quoted = lambda names: ", ".join('"%s"' % n for n in list(names)[:20])
    several = tables.get(name.lower(), {})
    if len(several) > 1:
        return '"%s" may be any of %s. Write which, whole and in quotes, or load it with mark.dataset.' % (name, quoted(several))
    if not files:
        return 'There is no table "%s": this chat has no files.' % name
    return 'There is no table "%s". This chat has %s.' % (name, quoted(f.get("dataset", f["name"]) for f in files))
