# One way to run a model's code, driven by lines of JSON: each line on standard
# input is the steps of a program for a new session, each on standard output says
# what came of it. Arguments: the way's name, the folder that it was installed to.
#
# With a third argument, "attack", each program runs beside a guard, which stops
# what the way itself does not stop where Mark would: time, memory, processes,
# output. What the guard had to stop was not contained. The first line is then the
# number that this process, the first of its PID namespace, has on the machine.
import json
import os
import signal
import sys
import tempfile
import time
import warnings

NAME, INSTALLED = sys.argv[1:3]
ATTACK = sys.argv[3:] == ["attack"]
warnings.simplefilter("ignore", SyntaxWarning)  # RestrictedPython tells of every print
sys.path.append(INSTALLED)
os.environ["PYTHONPATH"] = INSTALLED  # for the process that a Jupyter kernel is

# What a session of Mark's has at hand, and what an analysis needs beside it. The
# ways that refuse imports are given these.
LIBRARIES = ["pandas", "numpy", "plotly", "matplotlib", "pyarrow", "duckdb", "openpyxl"]
MODULES = ["math", "statistics", "datetime", "json", "re", "collections", "itertools", "random", "time"]

# A step may take LIMIT seconds where the way can be told so; the guard gives it more.
LIMIT, PATIENCE, MEMORY, PROCESSES, OUTPUT = 3, 8, 2 << 30, 64, 1 << 20


def native():
    def session():
        names = {"__name__": "__main__"}

        def run(code):
            exec(compile(code, "<program>", "exec"), names)

        return run, lambda: None

    return session


def smolagents():
    from smolagents.local_python_executor import LocalPythonExecutor

    def session():
        executor = LocalPythonExecutor([*LIBRARIES, *(name + ".*" for name in LIBRARIES), *MODULES], timeout_seconds=LIMIT if ATTACK else 60)
        executor.send_tools({})

        def run(code):
            print(executor(code).logs)

        return run, lambda: None

    return session


def restricted():
    # As its manual sets it up for programs with imports, loops and attributes.
    from RestrictedPython import compile_restricted, limited_builtins, safe_builtins, utility_builtins
    from RestrictedPython.Eval import default_guarded_getitem, default_guarded_getiter
    from RestrictedPython.Guards import guarded_iter_unpack_sequence, guarded_unpack_sequence, safer_getattr
    from RestrictedPython.PrintCollector import PrintCollector

    def limited_import(name, *arguments, **options):
        if name.split(".")[0] not in (*LIBRARIES, *MODULES):
            raise ImportError(f"{name} may not be imported")
        return __import__(name, *arguments, **options)

    more = {name: getattr(__import__("builtins"), name) for name in ("list", "dict", "set", "sum", "min", "max", "enumerate", "map", "filter", "any", "all", "iter", "next")}

    def session():
        names = {
            "__builtins__": {**safe_builtins, **limited_builtins, **utility_builtins, **more, "__import__": limited_import},
            "__name__": "__main__",
            "__metaclass__": type,
            "_print_": PrintCollector,
            "_getattr_": safer_getattr,
            "_getitem_": default_guarded_getitem,
            "_getiter_": default_guarded_getiter,
            "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
            "_unpack_sequence_": guarded_unpack_sequence,
            "_write_": lambda value: value,
            "_inplacevar_": lambda _operator, a, b: a + b,
        }

        def run(code):
            exec(compile_restricted(code, "<program>", "exec"), names)
            if "_print" in names:
                print(names["_print"]())

        return run, lambda: None

    return session


def jupyter():
    from jupyter_client.manager import start_new_kernel

    def session():
        manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)

        def show(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                print(content["text"], end="", flush=True)
            elif message["msg_type"] == "error":
                print(content["ename"], content["evalue"], flush=True)

        def run(code):
            client.execute_interactive(code, output_hook=show, allow_stdin=False, timeout=LIMIT if ATTACK else 60)

        def close():
            client.stop_channels()
            manager.shutdown_kernel(now=True)

        return run, close

    return session


def main():
    session = {"native": native, "smolagents": smolagents, "RestrictedPython": restricted, "Jupyter": jupyter}[NAME]()
    global answers
    answers = os.fdopen(os.dup(1), "w")
    own = sys.stdin.readline().strip() if ATTACK else ""
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = attacked(session, request, own) if ATTACK else answered(session, request)
        print(json.dumps(answer), file=answers, flush=True)


def answered(session, request):
    """Runs a program and tells when its session was there, when its output."""
    with tempfile.TemporaryFile() as out:
        kept = os.dup(1)
        os.dup2(out.fileno(), 1)
        begun = time.perf_counter()
        try:
            run, close = session()
            opened = time.perf_counter() - begun
            for step in request["steps"]:
                run(step)
            sys.stdout.flush()
            took = time.perf_counter() - begun
            close()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        out.seek(0)
        return {"opened": opened, "took": took, "output": out.read().decode(errors="replace")}


def attacked(session, request, own):
    """Runs a program in a child, which stands for the service, and watches it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.symlink(request["input"], os.path.join(folder, "input.csv"))
        ready, told = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ready)
            os.close(answers.fileno())  # a program that forges frames would find it
            serve(session, request["steps"], out, folder, told)
        os.close(told)
        os.read(ready, 1)
        os.close(ready)
        stopped = guard(child, out, own)
        out.seek(0)
        text = out.read(OUTPUT + 1).decode(errors="replace")
        return {"output": text, "stopped": stopped, "files": os.listdir(folder)}


def serve(session, steps, out, folder, told):
    """The service: 0 at its end says that it outlived the program."""
    status = 3
    try:
        os.chdir(folder)
        os.setsid()
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        run, close = session()
        os.close(told)
        for step in steps:
            try:
                run(step)
            except Exception as refusal:
                print(type(refusal).__name__, refusal, flush=True)
        close()
        sys.stdout.flush()
        status = 0
    finally:
        os._exit(status)


def guard(child, out, own):
    """Waits for the service; returns why that was not contained, or ""."""
    ends, why, status = time.monotonic() + PATIENCE, "", None
    while not why and status is None:
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            why = "it ended the service" if status else ""
            break
        status = None
        processes, memory = taken(own)
        if time.monotonic() > ends:
            why = f"no end in {PATIENCE} s"
        elif processes > PROCESSES:
            why = f"{processes} processes"
        elif memory > MEMORY:
            why = f"{memory >> 20} MiB of memory"
        elif os.fstat(out.fileno()).st_size > OUTPUT:
            why = f"more output than {OUTPUT >> 20} MiB"
        time.sleep(0.02)
    if os.getpid() != 1:
        raise RuntimeError("not the first process of a PID namespace")
    for _ in range(500):  # a fork bomb is quick
        try:
            os.kill(-1, signal.SIGKILL)  # all of the namespace but this process
        except ProcessLookupError:
            pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
        time.sleep(0.01)
    return why


def taken(own):
    """How many descendants this process has, and their memory in bytes. The /proc is
    the machine's, so is the number that it knows this process by. Whoever loses its
    parent in a namespace gets the first process."""
    parents, resident = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        parents[pid], resident[pid] = fields[1], int(fields[21]) * 4096
    found = []
    for pid in parents:
        ancestor = parents[pid]
        while ancestor != own and ancestor in parents:
            ancestor = parents[ancestor]
        if ancestor == own:
            found.append(pid)
    memory = sum(resident[pid] for pid in found)
    if memory > MEMORY:  # or it is shared between parent and child
        memory = sum(map(share, found))
    return len(found), memory


def share(pid):
    """A process's memory, with its part of what it shares."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
    except OSError:
        return 0


main()
