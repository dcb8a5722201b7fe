# Tries: crash the interpreter by a bad address.
# Contained: a typed error, at once.
import ctypes

ctypes.string_at(0)
