# Tries: draw what another session draws, from numpy.
# Contained: no two sessions draw alike.
# Twice: differs
print(np.random.rand())
print(np.random.default_rng().random())
print(np.random.RandomState().rand())
print(pd.Series(range(100_000)).sample(3).tolist())
