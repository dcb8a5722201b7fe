# Tries: find the service's secrets among all objects of the interpreter.
# Contained: none is there.
import gc
import re

pattern, texts = re.compile("canary-" + "[0-9a-f]{32}"), 0
for thing in gc.get_objects():
    for referred in gc.get_referents(thing):
        if type(referred) in (str, bytes) and len(referred) < 100_000:
            texts += 1
            text = referred if type(referred) is str else referred.decode("latin-1")
            for found in pattern.findall(text):
                print("ESCAPED:", found)
print(texts, "texts")
