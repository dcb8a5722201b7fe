"""A warm Python without isolation, to compare with: reads the name of a program
a line, runs it, and answers how many seconds it took."""

import contextlib
import io
import sys
import time

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go

px.line(pd.DataFrame({"x": [1, 2], "y": [3, 4]}), x="x", y="y").to_json()


def display(value, title=None):
    """What a session does with a value: figures become JSON, frames rows."""
    if isinstance(value, go.Figure):
        value.to_json()
    elif isinstance(value, pd.DataFrame):
        value.head(50).to_json(orient="split")


names = {"pd": pd, "np": np, "px": px, "go": go, "display": display}
print("warm", flush=True)
for line in sys.stdin:
    source = open(line.strip()).read()
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "program", "exec"), dict(names))
    print(time.perf_counter() - began, flush=True)
