# Tries: end with a value whose representation is endless.
# Contained: the host gets a short form, or an exception.
class Endless:
    def __repr__(self):
        return "ab" * 30_000_000

    _repr_html_ = _repr_markdown_ = __str__ = __repr__

Endless()
