# Tries: run code by a query and an expression of pandas, which reach Python's own names by an at sign.
# Contained: the host's file does not come out.
# Alone: escapes
import builtins

table, names = pd.DataFrame({"a": ["x"]}), {"pd": pd, "show": print, "read": builtins.open, "path": canary_path}
for run in (
    lambda: table.query("a == @show('ESCAPED:', @pd.read_csv(@path, header=None))", local_dict=names, engine="python"),
    lambda: table.query("a != @show('ESCAPED:', @pd.io.common.os.listdir(@path.rpartition('/')[0]), @read(@path).read())", local_dict=names, engine="python"),
    lambda: table.eval("b = @show('ESCAPED:', @read(@path).read())", local_dict=names, engine="python"),
    lambda: print("ESCAPED:", table.apply(lambda _: open(canary_path).read(), axis=1).tolist()),
):
    try:
        run()
    except Exception as e:
        print(type(e).__name__, e)
