# Tries: draw from pyarrow what another session draws.
# Contained: no two sessions draw alike.
# Twice: differs
import pyarrow.compute

print(pyarrow.compute.random(2).to_pylist())
