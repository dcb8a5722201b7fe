# Tries: draw from the generator of OpenSSL what another session draws, keys among it.
# Contained: no two sessions draw alike.
# Twice: differs
import ssl

print(ssl.RAND_bytes(16).hex())
