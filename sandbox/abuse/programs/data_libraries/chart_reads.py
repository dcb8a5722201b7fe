# Tries: have charts fetch fonts, styles and pictures of the host.
# Contained: the file's content does not come out, and the listener gets no connection.
# Alone: escapes
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

for use in (
    lambda: plt.style.use(canary_path),
    lambda: plt.style.use(f"http://127.0.0.1:{port}/style"),
    lambda: plt.imread(canary_path),
    lambda: plt.imread(f"http://127.0.0.1:{port}/picture.png"),
    lambda: matplotlib.rc_file(f"http://127.0.0.1:{port}/rc"),
):
    try:
        print(use())
    except Exception as e:
        print(type(e).__name__, str(e)[:200])
