# Tries: show more figures than anybody wants.
# Contained: the host gets no more than it allows.
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

for _ in range(25):
    plt.figure(figsize=(1, 1))
plt.show()
