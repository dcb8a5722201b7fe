# Tries: find the service's secrets in the variables of whoever called it, in every thread.
# Contained: none is there.
import re
import sys

pattern = re.compile("canary-" + "[0-9a-f]{32}")
for frame in sys._current_frames().values():
    while frame:
        for scope in (frame.f_locals, frame.f_globals):
            for name, value in list(scope.items()):
                try:
                    for found in pattern.findall(repr(value)[:100_000]):
                        print("ESCAPED:", found, "in", name)
                except Exception:
                    pass
        frame = frame.f_back
