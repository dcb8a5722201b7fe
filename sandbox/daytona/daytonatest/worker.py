# The interpreter of a context, as Daytona's is: takes a line of JSON for each
# run on standard input, tells what comes of it in lines of JSON on standard output.

import io
import json
import os
import signal
import sys
import traceback

wire = sys.stdout
leaving = False


class Stream(io.TextIOBase):
    """What the code prints. Only what goes through Python's own streams is seen:
    child processes write past it, into a pipe that is the wire's."""

    def __init__(self, kind):
        self.kind = kind
        self.held = []

    def write(self, text):
        self.held.append(text)
        if "\n" in text or sum(map(len, self.held)) >= 1024:
            self.flush()
        return len(text)

    def flush(self):
        if self.held:
            text, self.held = "".join(self.held), []
            tell(type=self.kind, text=text)


def tell(**message):
    wire.write(json.dumps(message) + "\n")
    wire.flush()


def interrupt(*_):
    raise KeyboardInterrupt


def leave(*_):
    global leaving
    leaving = True
    raise KeyboardInterrupt


def run(request, names):
    saved = sys.stdout, sys.stderr
    out, err = sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    how, failure = "completed", None
    try:
        exec(compile(request["code"], "<string>", "exec"), names)
    except KeyboardInterrupt:
        how = "interrupted"
    except SystemExit:
        pass
    except Exception as error:
        failure = dict(name=type(error).__name__, value=str(error), traceback=traceback.format_exc())
    sys.stdout, sys.stderr = saved
    out.flush()
    err.flush()
    if failure:
        tell(type="error", **failure)
    tell(type="control", text=how)


signal.signal(signal.SIGINT, interrupt)
signal.signal(signal.SIGTERM, leave)
names = {"__name__": "__main__", "__builtins__": __builtins__}
while not leaving:
    try:
        line = sys.stdin.readline()
        if not line:
            break
        run(json.loads(line), names)
    except KeyboardInterrupt:
        continue
os._exit(0)
