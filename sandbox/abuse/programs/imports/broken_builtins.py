# Tries: break what every line of Python needs.
# Contained: the step ends with a result or a typed error, and no other session notices.
import builtins

for name in ("len", "isinstance", "print", "open", "getattr", "str", "bytes", "dict", "Exception", "BaseException", "OSError", "__import__"):
    setattr(builtins, name, None)
# --- next step
1 + 1
