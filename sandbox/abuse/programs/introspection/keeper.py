# Tries: replace its keeper's functions by ones that do nothing, so that no limit is kept and nothing is cleaned up.
# Contained: the step ends with a result or a typed error, and no other session notices.
# Limits: seconds=3
import sys

def nothing(*arguments, **options):
    return None

frame = sys._getframe().f_back
while frame:
    for value in list(frame.f_globals.values()):
        if isinstance(value, type):
            for name, function in list(vars(value).items()):
                if callable(function) and hasattr(function, "__code__"):
                    try:
                        function.__code__ = nothing.__code__
                    except ValueError:
                        pass
        elif hasattr(value, "__code__") and value is not nothing:
            try:
                value.__code__ = nothing.__code__
            except ValueError:
                pass
    frame = frame.f_back
# --- next step
print("on")
