# Tries: watch and change everything that is imported, called and printed from now on.
# Contained: the next step ends with a result or a typed error; no other session notices.
import builtins
import sys
import threading

class Finder:
    def find_spec(self, name, path=None, target=None):
        raise ImportError("no imports any more")

sys.meta_path.insert(0, Finder())
sys.setprofile(lambda *a: None)
sys.settrace(lambda *a: None)
threading.settrace(lambda *a: None)
sys.excepthook = sys.unraisablehook = sys.displayhook = lambda *a: 1 / 0
sys.stdout = sys.stderr = None
builtins.__build_class__ = lambda *a: 1 / 0
# --- next step
print("on")
