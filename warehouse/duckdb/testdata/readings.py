# Says what DuckDB's own parser makes of each of `statements`: how many statements it
# is, and of a SELECT the tables and the functions that rows are read of, and what in it
# is no query; or null, where it is no statement.
import json

import duckdb

connection = duckdb.connect(config={"enable_external_access": "false"})


def reading(sql):
    try:
        parsed = connection.extract_statements(sql)
    except duckdb.Error:
        return None
    found = {"count": len(parsed), "kind": "", "tables": [], "functions": [], "others": []}
    if parsed:
        found["kind"] = parsed[0].type.name
    if len(parsed) != 1 or found["kind"] != "SELECT":
        return found
    tree = json.loads(connection.execute("SELECT json_serialize_sql($sql)", {"sql": parsed[0].query}).fetchone()[0])
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, list):
            left.extend(node)
        elif isinstance(node, dict):
            left.extend(node.values())
            if node.get("type") == "BASE_TABLE":
                found["tables"].append(node["table_name"])
            elif node.get("type") == "TABLE_FUNCTION":
                found["functions"].append(node["function"]["function_name"])
            elif str(node.get("type")).endswith(("_QUERY_NODE", "SHOW_REF")):
                found["others"].append(node["type"])
    return found


print(json.dumps([reading(sql) for sql in statements], separators=(",", ":")))
