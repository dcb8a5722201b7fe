"""What user code finds set up: the one list of it. The libraries are imported
here, and used once so that their first use by a person is quick."""

import os
import tempfile
import types
import warnings

# A font cache and the like need a folder; the root is read-only.
os.environ.setdefault("MPLCONFIGDIR", os.path.join(tempfile.gettempdir(), "matplotlib"))
os.environ["MPLBACKEND"] = "Agg"


def namespace(display):
    """Returns the module that user code runs in."""
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    import plotly.express as px
    import plotly.graph_objects as go

    # OpenBLAS ends the process when it finds no memory for its buffer, so it gets
    # that before there is a limit.
    np.linalg.inv(np.eye(8)) @ np.ones((8, 8))

    module = types.ModuleType("__main__")
    module.__dict__.update(
        {
            "pd": pd,
            "np": np,
            "px": px,
            "go": go,
            "plt": plt,
            "display": display.display,
            "display_json": display.display_json,
        }
    )
    _configure(pd, display)
    return module


def _configure(pd, display):
    import builtins
    import multiprocessing

    import matplotlib.figure
    import matplotlib.pyplot as plt
    import plotly.io as pio

    from . import figures

    # As wide as a chat, not as a terminal of 80 columns.
    pd.set_option("display.width", 160, "display.max_columns", 40, "display.max_colwidth", 80)

    class Renderer(pio.base_renderers.ExternalRenderer):
        def render(self, figure):
            display.show_plotly(*figures.plotly_json(figure))

    pio.renderers["mark"] = Renderer()
    pio.renderers.default = "mark"
    plt.show = lambda *_arguments, **_options: display.show_open_figures()
    matplotlib.figure.Figure.show = lambda figure, *_arguments, **_options: display.show_matplotlib(figure)

    def no_input(_prompt=""):
        raise RuntimeError("input() cannot work here: nobody sits at a keyboard. Write the value into the code.")

    builtins.input = no_input

    # Children that start from nothing would not know the functions of a step.
    multiprocessing.set_start_method("fork", force=True)
    warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork.*")


def warm(display):
    """Goes once along the paths that a first question takes."""
    import duckdb
    import openpyxl  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    module = namespace(display)
    pd, np, px, plt = module.pd, module.np, module.px, module.plt
    frame = pd.DataFrame({"k": ["a", "b", "a"], "v": [1.5, 2.5, 4.0], "t": pd.date_range("2024-01-01", periods=3)})
    frame.groupby("k", as_index=False)["v"].agg(["mean", "sum"]).sort_values("mean")
    str(frame.describe())
    display.show(frame)
    display.show(px.line(frame, x="t", y="v", color="k", title="warm"))
    display.show(px.bar(frame, x="k", y="v"))
    figure, axes = plt.subplots()
    axes.plot(frame["t"], frame["v"], label="warm")
    axes.legend()
    display.show(figure)
    # A connection of its own: the default one would share its random seed among clones.
    with duckdb.connect() as connection:
        connection.execute("SELECT k, avg(v) FROM frame GROUP BY k").df()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "warm")
        frame.to_csv(path, index=False)
        pd.read_csv(path)
        frame.to_parquet(path)
        pd.read_parquet(path)
        with duckdb.connect() as connection:
            connection.execute("SELECT count(*) FROM read_parquet(?)", [path]).fetchall()
    np.random.default_rng(0).normal(size=8)
    return module


# A first step as most are: it prints a table and shows another. It names nothing.
REHEARSAL = """print(pd.DataFrame({"a": [1, 2, 3]}).describe())
pd.DataFrame({"k": ["a", "b", "a"], "v": [1.5, 2.5, 4.0]}).groupby("k").sum()
"""


def touch():
    """Uses again, in a restored clone, what a first step uses: the pages of its
    memory come from the checkpoint when they are first needed."""
    import pandas as pd

    frame = pd.DataFrame({"k": ["a", "b", "a"], "v": [1.5, 2.5, 4.0]})
    str(frame.groupby("k")["v"].mean())
    str(frame.describe())
