# Tries: reach the system without an import, through the classes that every object knows.
# Contained: the host's file does not come out.
# Alone: escapes
for kind in ().__class__.__base__.__subclasses__():
    scope = getattr(getattr(kind, "__init__", None), "__globals__", {})
    if "sys" in scope and "modules" in vars(scope["sys"]):
        print("ESCAPED:", scope["sys"].modules["posix"].read(scope["sys"].modules["posix"].open(canary_path, 0), 1000))
        break
