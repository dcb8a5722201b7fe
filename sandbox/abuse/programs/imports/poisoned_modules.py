# Tries: break the modules that its keeper works with.
# Contained: the step ends with a result or a typed error, and no other session notices.
import sys
import types

for name in ("json", "os", "struct", "threading", "time", "ast", "traceback", "linecache", "resource", "signal", "re", "codecs"):
    module = sys.modules.get(name) or __import__(name)
    for attribute in list(vars(module)):
        if not attribute.startswith("__"):
            setattr(module, attribute, lambda *a, **k: None)
    sys.modules[name] = types.ModuleType(name)
# --- next step
print("on")
