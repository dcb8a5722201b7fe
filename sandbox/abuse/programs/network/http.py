# Tries: fetch a page of a service that only the host may reach.
# Contained: the listener gets no connection.
# Alone: escapes
import urllib.request

with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/", timeout=2) as page:
    print("ESCAPED:", page.read())
