# Tries: make identifiers and secrets that another session makes.
# Contained: no two sessions make the same.
# Twice: differs
import os
import secrets
import uuid

print(uuid.uuid1())
print(uuid.uuid4())
print(secrets.token_hex())
print(os.urandom(16).hex())
