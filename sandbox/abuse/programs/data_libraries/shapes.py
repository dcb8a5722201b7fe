# Tries: arrays, ranges and tables of impossible sizes.
# Contained: an exception each time.
for make in (
    lambda: np.ones(1 << 45),
    lambda: np.ones((1 << 20, 1 << 20, 8)),
    lambda: np.empty(1 << 62, dtype="u1"),
    lambda: np.broadcast_to(1, (1 << 40,)).copy(),
    lambda: np.arange(10**13),
    lambda: pd.date_range("1900", "2200", freq="us"),
    lambda: pd.DataFrame(index=range(10**9), columns=range(10**4), data=1.0),
    lambda: pd.Series(["x" * 10**6] * 10**5).str.cat(sep="y" * 10**6),
    lambda: "x" * (1 << 45),
    lambda: list(range(10**12)),
):
    try:
        print("ESCAPED: made", type(make()))
    except (MemoryError, ValueError, OverflowError) as e:
        print(type(e).__name__)
