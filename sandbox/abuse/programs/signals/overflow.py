# Tries: crash the interpreter by a stack that overflows.
# Contained: an exception or a typed error.
import sys

sys.setrecursionlimit(1 << 30)
class Nested:
    def __getattr__(self, name):
        return getattr(self, name + "x")

Nested().a
