# Tries: read the service's secrets from the environment.
# Contained: no variable of the service's is there.
# Alone: escapes
import os

print(dict(os.environ))
print("ESCAPED:", os.environ["ABUSE_SECRET"])
