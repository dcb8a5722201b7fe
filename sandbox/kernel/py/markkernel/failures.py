"""What a person and a model are told about an exception."""

import traceback

from .limits import limit_of

_NAME, _MESSAGE, _TRACEBACK, _WIDEST = 200, 4000, 16000, 500  # characters

_NOT_PYTHON = (
    "This is no Python: shell commands (!…) and magics (%…) do not exist here. "
    "Figures are shown without any, and nothing can be installed."
)


def describe(error, is_cell):
    """Returns {"name", "message", "traceback", "limit"}; is_cell tells by its file
    name whether a line is the user's own. Whatever the exception's own methods
    do, it is described."""
    name = _name_of(error)
    told = {"name": name, "message": "", "traceback": "", "limit": ""}
    try:
        told["limit"] = limit_of(error)
        if isinstance(error, SystemExit):
            told["message"] = _left(error)
        else:
            told["message"] = _message_of(error, is_cell)
            told["traceback"] = _traceback_of(error, is_cell)
    except KeyboardInterrupt:
        raise  # the step is being stopped
    except BaseException:
        told["message"] = told["message"] or "<the exception could not be described>"
        told["traceback"] = told["traceback"] or f"{name}: {told['message']}\n"
    return told


def _name_of(error):
    name = type.__dict__["__name__"].__get__(type(error))  # not what a metaclass says
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"


def _left(error):
    try:
        code = repr(error.code)
    except Exception:
        code = "<no repr>"
    return f"exit was called ({_cut(code, _NAME)}). It ends this step; the session and its variables stay."


def _traceback_of(error, is_cell):
    told = traceback.TracebackException.from_exception(error, compact=True)
    _own_lines(told, is_cell)
    lines = "".join(_narrow(line) for block in told.format() for line in block.splitlines(True))
    return _cut(lines, _TRACEBACK)


def _message_of(error, is_cell):
    if not isinstance(error, SyntaxError):
        return _cut(_text_of(error), _MESSAGE)
    message = str(error.msg or "invalid syntax")
    if error.lineno and is_cell(error.filename):
        message += f" (line {error.lineno})"
        if str(error.text or "").lstrip()[:1] in ("!", "%"):
            message += ". " + _NOT_PYTHON
    return _cut(message, _MESSAGE)


def interrupted():
    return {"name": "KeyboardInterrupt", "message": "the step was stopped", "traceback": "", "limit": ""}


def _text_of(error):
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0]  # str() would give it quotes
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:
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
