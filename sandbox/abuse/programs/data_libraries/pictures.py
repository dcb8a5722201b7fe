# Tries: write to a folder of the host by saving charts there.
# Contained: the folder stays empty.
# Alone: escapes
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import plotly.graph_objects as go
import plotly.offline

figure = go.Figure(go.Scatter(y=[1, 2]))
for write in (
    lambda: plt.plot([1, 2]) and plt.savefig(host_dir + "/left.png"),
    lambda: plt.imsave(host_dir + "/left-too.png", np.ones((2, 2))),
    lambda: figure.write_html(host_dir + "/left.html"),
    lambda: figure.write_json(host_dir + "/left.json"),
    lambda: plotly.offline.plot(figure, filename=host_dir + "/left-offline.html", auto_open=False),
    lambda: figure.write_image(host_dir + "/left-image.png"),
):
    try:
        write()
    except Exception as e:
        print(type(e).__name__, str(e)[:200])
plt.close("all")
