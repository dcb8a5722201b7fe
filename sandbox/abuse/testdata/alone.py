"""Runs programs one by one, each in a child of its own, with nothing around them.

Reads one JSON object a line, {"steps", "folder"}, and writes {"text"} for each."""

import builtins
import json
import os
import sys
import traceback
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore", message=".*use of fork.*")  # by threads of numpy's, which are idle


def run(steps, folder):
    os.chdir(folder)
    os.environ["TMPDIR"] = folder
    names = {"pd": pd, "np": np, "__builtins__": builtins, "__name__": "__main__"}
    for step in steps:
        try:
            exec(compile(step, "<program>", "exec"), names)
        except BaseException:
            traceback.print_exc()


for line in sys.stdin:
    job = json.loads(line)
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.close(read)
        os.close(write)
        sys.stdin.close()
        run(job["steps"], job["folder"])
        sys.stdout.flush()
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as out:
        text = out.read().decode("utf-8", "replace")
    os.waitpid(pid, 0)
    print(json.dumps({"text": text}), flush=True)
