# Asks DuckDB over the tables of a session. It is run in the session with `request`,
# a dict, and leaves a file there: a line of JSON that says what came of it, then the
# rows of the result, a JSON array a line, as warehouse.Type has values, but records
# as arrays of their fields' values.
import base64
import datetime
import decimal
import json
import math
import os
import sys
import threading
import types

import duckdb
import pandas

# Tables that take less than this together stay loaded from one question to the next.
KEPT = 100 << 20
ROWS = 10_000  # of a batch

TEXTS = {"varchar", "char", "uuid", "enum", "bit", "time with time zone", "timetz", "bignum", "varint", "time_ns"}
INTEGERS = {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"}
WIDE = {"hugeint", "uhugeint", "ubigint"}
MOMENTS = {"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"}
NUMERIC = (29, 9)  # digits before and behind the point that a NUMERIC has


class Unreadable(Exception):
    """A table's file cannot be loaded."""


def session():
    """What is loaded, made at the first question. It outlives the program that made
    it, so it holds none of that program's classes."""
    module = sys.modules.setdefault("_mark_sql", types.ModuleType("_mark_sql"))
    if not hasattr(module, "session"):
        connection = duckdb.connect(config={"enable_external_access": "false"})
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        # The versions of tables by name, what they take, the file of the last answer.
        module.session = types.SimpleNamespace(connection=connection, loaded={}, bytes=0, left="")
    return module.session


def forget():
    module = sys.modules["_mark_sql"]
    module.session.connection.close()
    del module.session


def main():
    here = session()
    if here.left and os.path.exists(here.left):
        os.unlink(here.left)
    there = {t["name"]: t["version"] for t in request["tables"]}
    # What has left the chat is not to be read any more, as what is another now.
    if any(there.get(name) != version for name, version in here.loaded.items()):
        forget()
        here = session()
    here.left = request["file"]
    try:
        answer, rows = {"plan": plan, "run": run, "table": table}[request["do"]](here)
        write(answer, rows)
    except (duckdb.Error, Unreadable) as error:
        write({"error": {"kind": type(error).__name__, "message": str(error)}}, None)
    if here.bytes > KEPT and request["do"] != "plan":  # what was planned is about to run
        forget()
        session().left = request["file"]


def write(answer, rows):
    """Writes the answer. Its line has room for what is known only behind the rows."""
    with open(request["file"], "w", encoding="utf-8") as file:
        if rows is None:
            file.write(json.dumps(answer) + "\n")
            return
        try:
            file.write(" " * (len(json.dumps(answer)) + 100) + "\n")
            answer["rows"], answer["truncated"] = stoppable(rows, file)
            file.seek(0)
            file.write(json.dumps(answer))
        except BaseException:
            # Half an answer would be shown as a file of the next program's.
            os.unlink(request["file"])
            raise


def stoppable(work, *arguments):
    """Does work that an interrupt stops also where it comes while DuckDB computes."""
    done = []

    def run():
        try:
            done.append((work(*arguments), None))
        except BaseException as error:
            done.append((None, error))

    worker = threading.Thread(target=run, name="mark-sql", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(0.1)
    except BaseException:
        session().connection.interrupt()
        worker.join()
        raise
    result, error = done[0]
    if error is not None:
        raise error
    return result


# The nodes of DuckDB's parser that are queries. Others are in one where a WITH writes
# (DELETE_QUERY_NODE), or where something is told of tables (SHOW_REF).
QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}


def statement_of(here):
    """The one statement, its kind, and the tables that a query reads; more than one
    are a script."""
    statements = here.connection.extract_statements(request["sql"])
    if len(statements) != 1:
        return "", "SCRIPT", []
    text, kind = statements[0].query.strip().rstrip(";"), statements[0].type.name.rpartition(".")[2]
    if kind != "SELECT":
        return text, kind, []
    return text, *parsed(here, text)


def parsed(here, text):
    """The kind of a statement and the tables that it reads, as lists of the parts of
    their names, by DuckDB's parser: what it makes of them is not asked. To it a query
    that writes first is a SELECT; here it is what it writes with."""
    tree = json.loads(here.connection.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()[0][0])
    if tree.get("error"):
        raise duckdb.ParserException(tree.get("error_message", "not a SELECT"))
    kind, found, own, left = "SELECT", [], set(), [tree]
    while left:
        node = left.pop()
        if isinstance(node, list):
            left.extend(node)
        elif isinstance(node, dict):
            left.extend(node.values())
            own.update(entry["key"].casefold() for entry in (node.get("cte_map") or {}).get("map", []))
            what = str(node.get("type"))
            if what == "BASE_TABLE":
                found.append([node[part] for part in ("catalog_name", "schema_name", "table_name") if node.get(part)])
            elif what.endswith("_NODE") and what not in QUERIES or what == "SHOW_REF":
                kind = what.removesuffix("_NODE").removesuffix("_QUERY").removesuffix("_REF")
    return kind, sorted(parts for parts in found if len(parts) > 1 or parts[0].casefold() not in own)


def load(here, names):
    wanted = {parts[-1].casefold() for parts in names}
    for table in request["tables"]:
        called = [table["name"], *(table["aliases"] or [])]
        if wanted.isdisjoint(n.casefold() for n in called) or table["name"] in here.loaded:
            continue
        try:
            frame = eval(table["load"], {"pd": pandas})
        except MemoryError:
            raise
        except Exception as error:
            raise Unreadable(f"{table['name']} cannot be read: {type(error).__name__}: {error}") from None
        for name in called:
            here.connection.register(name, frame)
        here.loaded[table["name"]] = table["version"]
        here.bytes += int(frame.memory_usage(deep=True).sum())


def parameters():
    """The parameters, as DuckDB takes them: by name."""
    out = {}
    for p in request["params"] or []:
        values = [None if text is None else VALUES.get(p["type"], str)(text) for text in p["texts"]]
        out[p["name"]] = values if p["array"] else values[0]
    return out


VALUES = {
    "INTEGER": int,
    "FLOAT": float,
    "BOOLEAN": lambda text: text == "true",
    "NUMERIC": decimal.Decimal,
    "BIGNUMERIC": decimal.Decimal,
    "BYTES": base64.b64decode,
    "DATE": datetime.date.fromisoformat,
    "TIME": datetime.time.fromisoformat,
    "DATETIME": datetime.datetime.fromisoformat,
    "TIMESTAMP": datetime.datetime.fromisoformat,
}


def described(here, text, params):
    """The names and types of a query's columns. Nothing is read for it: DuckDB has
    an empty result in place of all that has the limit 0."""
    relation = here.connection.sql(f"SELECT * FROM (\n{text}\n) LIMIT 0", params=params or None)
    return [Column(name, kind) for name, kind in zip(relation.columns, relation.types)]


class Column:
    """A column, or what is within one: its type in the schema, the SQL that brings it
    there, and what Python still has to do with its values."""

    def __init__(self, name, kind, inside=False):
        self.name, self.mode, self.fields = name, "NULLABLE", []
        self.sql, self.value = "{}", None
        kind_id = kind.id.lower()
        if kind_id in ("list", "array"):
            element = dict(kind.children)["child"]
            if element.id.lower() in ("list", "array"):
                self._json()
                return
            self.mode, one = "REPEATED", Column(name, element, inside=True)
            self.type, self.fields = one.type, one.fields
            self.value = lambda value: one.all(value or [])
        elif kind_id == "struct":
            self.type = "RECORD"
            self.fields = [Column(field, of, inside=True) for field, of in kind.children]
            self.value = lambda value: value and [f.one(value[f.name]) for f in self.fields]
        elif kind_id in ("map", "union", "variant"):
            self._json()
        else:
            self._plain(kind, kind_id, str(kind).upper() == "JSON", inside)

    def _json(self):
        self.type, self.sql, self.value = "JSON", "CAST(to_json({}) AS VARCHAR)", as_json

    def _plain(self, kind, kind_id, is_json, inside):
        text = "CAST({} AS VARCHAR)"
        if is_json:
            self.type, self.sql = "JSON", text
        elif kind_id == "boolean":
            self.type = "BOOLEAN"
        elif kind_id in INTEGERS:
            self.type = "INTEGER"
        elif kind_id in WIDE:
            self.type, self.sql, self.value = "INTEGER", "CAST({} AS BIGINT)", int
        elif kind_id in ("float", "double"):
            self.type, self.value = "FLOAT", number
        elif kind_id == "decimal":
            digits = dict(kind.children)
            fits = digits["precision"] - digits["scale"] <= NUMERIC[0] and digits["scale"] <= NUMERIC[1]
            self.type, self.sql, self.value = "NUMERIC" if fits else "BIGNUMERIC", text, exact
        elif kind_id == "blob":
            self.type, self.value = "BYTES", lambda value: base64.b64encode(value).decode()
        elif kind_id == "date":
            self.type, self.sql, self.value = "DATE", text, str
        elif kind_id == "time":
            self.type, self.sql, self.value = "TIME", text, clock
        elif kind_id in MOMENTS:
            self.type, self.sql, self.value = "DATETIME", "CAST(CAST({} AS TIMESTAMP) AS VARCHAR)", moment
        elif kind_id in ("timestamp with time zone", "timestamptz"):
            self.type, self.sql, self.value = "TIMESTAMP", text, lambda value: moment(value) + "Z"
        elif kind_id == "interval":
            self.type, self.value = "INTERVAL", interval
        else:
            self.type, self.sql, self.value = "STRING", text, str
            if kind_id == "varchar" and not inside:
                self.sql, self.value = "{}", None

    def one(self, value):
        if self.value is None or value is None and self.mode != "REPEATED":
            return value
        return self.value(value)

    def all(self, values):
        return values if self.value is None else [self.one(v) for v in values]

    def schema(self):
        return {"name": self.name, "type": self.type, "mode": self.mode, "fields": [f.schema() for f in self.fields]}


def as_json(value):
    return value if isinstance(value, str) else json.dumps(value, default=str)


def number(value):
    if math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def exact(value):
    text = format(value, "f") if isinstance(value, decimal.Decimal) else str(value)
    if "." not in text:
        return text
    text = text.rstrip("0").rstrip(".")
    return text.replace(".", "0.", 1) if text.startswith((".", "-.")) else text or "0"


def clock(value):
    return exact(value.isoformat() if isinstance(value, datetime.time) else value)


def moment(value):
    """A time as DuckDB writes it, or Python has it, without its zone, which is UTC."""
    text = value.isoformat() if isinstance(value, datetime.datetime) else value
    text = text.replace(" ", "T", 1).removesuffix("+00:00").removesuffix("+00")
    return exact(text)


def interval(value):
    months, days, nanoseconds = value
    sign = lambda n: "-" if n < 0 else ""
    micros = abs(nanoseconds) // 1000
    seconds = exact(f"{micros // 1_000_000 % 60}.{micros % 1_000_000:06d}")
    years, rest = divmod(abs(months), 12)
    minutes = micros // 60_000_000
    return f"{sign(months)}{years}-{rest} {days} {sign(nanoseconds)}{minutes // 60}:{minutes % 60}:{seconds}"


def plan(here):
    text, kind, names = statement_of(here)
    if kind != "SELECT":
        return {"statement": kind}, None
    load(here, names)
    columns = described(here, text, parameters())
    return {"statement": kind, "tables": names, "columns": [c.schema() for c in columns]}, None


def run(here):
    text, kind, names = statement_of(here)
    if kind != "SELECT":
        return {"statement": kind}, None
    load(here, names)
    params = parameters()
    columns = described(here, text, params)
    return {"statement": kind, "columns": [c.schema() for c in columns]}, reading(here, text, params, columns)


def table(here):
    """What a table is, with some of its rows."""
    load(here, [[request["table"]]])
    name = '"' + request["table"].replace('"', '""') + '"'
    columns = described(here, f"SELECT * FROM {name}", None)
    count = here.connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
    answer = {"columns": [c.schema() for c in columns], "count": count}
    return answer, reading(here, f"SELECT * FROM {name} LIMIT {int(request['maxRows'])}", None, columns)


def reading(here, text, params, columns):
    """Returns what writes the rows and says how many there are in all, and whether
    some were left out."""
    if any(c.sql != "{}" for c in columns):
        names = [f"c{n}" for n in range(len(columns))]
        wanted = ", ".join(f"{c.sql.format(name)} AS {name}" for c, name in zip(columns, names))
        text = f"SELECT {wanted} FROM (\n{text}\n) AS t({', '.join(names)})"

    def rows(file):
        reader = here.connection.sql(text, params=params or None).to_arrow_reader(ROWS)
        total = written = size = 0
        for batch in reader:
            total += batch.num_rows
            left = request["maxRows"] - written
            if left <= 0 or size >= request["maxBytes"]:
                continue
            values = [c.all(batch.column(n).slice(0, left).to_pylist()) for n, c in enumerate(columns)]
            for row in zip(*values):
                line = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
                file.write(line)
                written += 1
                size += len(line)
                if size >= request["maxBytes"]:
                    break
        return total, written < total

    return rows


main()
