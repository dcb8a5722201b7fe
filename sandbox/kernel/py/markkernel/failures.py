"""What a person and a model are told about an exception."""

import traceback

_MESSAGE, _TRACEBACK, _WIDEST = 4000, 16000, 500  # characters

_NOT_PYTHON = (
    "This is no Python: shell commands (!…) and magics (%…) do not exist here. "
    "Figures are shown without any, and nothing can be installed."
)


def describe(error, is_cell):
    """Returns {"name", "message", "traceback"}; is_cell tells by its file name
    whether a line is the user's own. Exceptions' own __str__ may run."""
    name = type(error).__name__
    if isinstance(error, SystemExit):
        return {
            "name": name,
            "message": f"exit was called ({error.code!r}). It ends this step; the session and its variables stay.",
            "traceback": "",
        }
    told = traceback.TracebackException.from_exception(error, compact=True)
    _own_lines(told, is_cell)
    lines = "".join(_narrow(line) for block in told.format() for line in block.splitlines(True))
    if isinstance(error, SyntaxError):
        message = error.msg or "invalid syntax"
        if error.lineno and is_cell(error.filename):
            message += f" (line {error.lineno})"
        if (error.text or "").lstrip()[:1] in ("!", "%") and is_cell(error.filename):
            message += ". " + _NOT_PYTHON
    else:
        message = _text_of(error)
    return {"name": name, "message": _cut(message, _MESSAGE), "traceback": _cut(lines, _TRACEBACK)}


def interrupted():
    return {"name": "KeyboardInterrupt", "message": "the step was stopped", "traceback": ""}


def _text_of(error):
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0]  # str() would give it quotes
    try:
        return str(error)
    except Exception:
        return "<the exception's own text failed>"


def _own_lines(told, is_cell):
    """Drops library and kernel lines, and causes that have no others: pandas
    raises a KeyError over a KeyError, and the first says nothing more."""
    seen = set()
    queue = [told]
    while queue:
        one = queue.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        one.stack = traceback.StackSummary.from_list([f for f in one.stack if is_cell(f.filename)])
        for link in ("__cause__", "__context__"):
            other = getattr(one, link)
            if other is None:
                continue
            if any(is_cell(f.filename) for f in other.stack):
                queue.append(other)
            else:
                setattr(one, link, None)
        queue.extend(one.exceptions or ())


def _narrow(line):
    """One endless line of code, or the marks below it, must not hide the rest."""
    return line if len(line) <= _WIDEST else line[:_WIDEST].rstrip("\n") + "…\n"


def _cut(text, most):
    """Keeps both ends: the first lines say where, the last say what."""
    if len(text) <= most:
        return text
    return text[: most // 2] + f"\n… {len(text) - most} characters left out …\n" + text[-(most // 2) :]
