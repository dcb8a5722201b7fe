# Tries: draw what another session draws.
# Contained: no two sessions draw alike.
# Twice: differs
import random

print(random.random())
print(random.getrandbits(256))
print(random.sample(range(10**9), 3))
