# Tries: get a module that is not to be imported in six ways that no list of names sees.
# Contained: the host's file does not come out.
# Alone: escapes
import importlib

ways = (
    lambda: __import__("o" + "s"),
    lambda: importlib.import_module("".join(map(chr, (111, 115)))),
    lambda: eval("__imp" + "ort__('o' + 's')"),
    lambda: importlib.util._os if hasattr(importlib.util, "_os") else __import__("pathlib").os,
    lambda: pd.io.common.os,
    lambda: np.lib.npyio.os if hasattr(np.lib.npyio, "os") else np.f2py.os,
)
for way in ways:
    try:
        os = way()
        print("ESCAPED:", os.read(os.open(canary_path, os.O_RDONLY), 1000))
    except Exception as e:
        print(type(e).__name__, e)
