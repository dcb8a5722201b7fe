"""What can be read off the code of a step before it runs, for the audit record."""

import ast
import re
import warnings

_MOST_NODES = 100_000
_MOST = {"imports": 100, "calls": 100, "names": 50}
_LONGEST = 200  # characters
_MOST_ALIASES = 1_000

_BUILTINS = frozenset(("eval", "exec", "compile", "open", "__import__", "input", "breakpoint"))
# A name that ends in a dot stands for everything below it, one that ends in a
# star for everything that begins so.
_INTERESTING = tuple(
    """
    os.system os.popen os.fork* os.exec* os.spawn* os.posix_spawn* os.kill* os._exit os.environ os.remove os.unlink
    os.rmdir os.chmod os.setuid os.ptrace shutil.rmtree subprocess. multiprocessing. pty. socket. socketserver. ssl.
    ctypes. cffi. mmap. signal. resource. pickle.load* pickle.Unpickler marshal.load* dill. cloudpickle. joblib.load
    shelve. urllib. http. requests. httpx. aiohttp. urllib3. ftplib. smtplib. telnetlib. webbrowser. importlib. runpy.
    imp. code. codeop. gc.get_* sys.settrace sys.setprofile sys._getframe* sys.modules inspect. builtins.
    """.split()
)
# Modules that are meant wherever their name stands; another word may as well be
# a variable, unless it was imported.
_MODULES = frozenset("os sys subprocess socket ctypes pickle shutil importlib urllib builtins gc".split())
_METHODS = frozenset(("read_pickle", "to_pickle", "__subclasses__", "__globals__", "__builtins__", "__code__"))

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://\S+")
_PATH = re.compile(r"(~|\.{1,2})?/[^\s\x00]+|[A-Za-z]:\\[^\n\x00]+")
_FILE = re.compile(r"[^\s/\\<>|*?\"{}%=,;()]{1,100}\.[A-Za-z][A-Za-z0-9]{1,4}")
_NAMED_FILE = re.compile(
    r"[^\n\r\t\x00<>|*?\"]{1,150}\.(csv|tsv|txt|json|jsonl|xlsx?|parquet|feather|db|sqlite3?|duckdb|png|jpe?g|svg|pdf|html?|md|xml|ya?ml|"
    r"zip|gz|bz2|xz|7z|tar|pkl|pickle|joblib|py|sh|so|npy|npz|h5|hdf5|log|ini|toml|env|pem|key)",
    re.IGNORECASE,
)


class Facts:
    """Reads them. It remembers what imports of earlier steps are called here."""

    def __init__(self):
        self._aliases = {}

    def of(self, source):
        """Returns {"parsed", "imports", "calls", "names", "truncated"}."""
        found = _Found()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the run itself tells them
                tree = compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
            self._read(tree, found)
            found.parsed = True
        except Exception:  # no Python, or too deep: the run will say it
            pass
        return found.frame()

    def _read(self, tree, found):
        nodes = []
        for node in ast.walk(tree):  # by breadth: what comes after is not yet seen
            if len(nodes) == _MOST_NODES:
                found.truncated = True
                break
            nodes.append(node)
        for node in nodes:
            self._import(node, found)
        inner = set()  # the os.path of os.path.join
        for node in nodes:
            if isinstance(node, ast.Attribute) and id(node) not in inner:
                value = node.value
                while isinstance(value, ast.Attribute):
                    inner.add(id(value))
                    value = value.value
                self._attribute(node, found)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                self._name(node.func, found)
            elif isinstance(node, ast.Name) and node.id in self._aliases:
                # Handed on without a call: map(system, commands).
                self._name(node, found)
            elif isinstance(node, ast.Constant):
                _literal(node.value, found)

    def _import(self, node, found):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.add("imports", alias.name)
                if alias.asname:
                    self._alias(alias.asname, alias.name)
                else:
                    top = alias.name.partition(".")[0]
                    self._alias(top, top)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found.add("imports", module)
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                self._alias(alias.asname or alias.name, whole)
                if _is_interesting(whole):
                    found.add("calls", whole)

    def _alias(self, name, whole):
        if name in self._aliases or len(self._aliases) < _MOST_ALIASES:
            self._aliases[name] = whole

    def _attribute(self, node, found):
        parts = []
        value = node
        while isinstance(value, ast.Attribute):
            parts.append(value.attr)
            value = value.value
        for part in parts:
            if part in _METHODS:
                found.add("calls", part)
        if isinstance(value, ast.Name) and (value.id in self._aliases or value.id in _MODULES):
            parts.append(self._aliases.get(value.id, value.id))
            whole = ".".join(reversed(parts))
            if _is_interesting(whole):
                found.add("calls", whole)

    def _name(self, node, found):
        whole = self._aliases.get(node.id, node.id)
        if whole in _BUILTINS or ("." in whole and _is_interesting(whole)):
            found.add("calls", whole)


def _is_interesting(name):
    for pattern in _INTERESTING:
        if pattern[-1] == ".":
            if name.startswith(pattern):
                return True
        elif pattern[-1] == "*":
            if name.startswith(pattern[:-1]):
                return True
        elif name == pattern or name.startswith(pattern + "."):
            return True
    return False


def _literal(value, found):
    if isinstance(value, bytes):
        value = value[: 4 * _LONGEST].decode("utf-8", "replace")
    if not isinstance(value, str) or not 3 <= len(value):
        return
    text = value[: 4 * _LONGEST]
    if _URL.match(text) or len(text) <= 2 * _LONGEST and (
        _PATH.fullmatch(text) or _FILE.fullmatch(text) or _NAMED_FILE.fullmatch(text)
    ):
        found.add("names", text)


class _Found:
    """Bounded in number and length."""

    def __init__(self):
        self.parsed = False
        self.truncated = False
        self._lists = {"imports": {}, "calls": {}, "names": {}}

    def add(self, kind, text):
        known = self._lists[kind]
        if len(text) > _LONGEST:
            text = text[: _LONGEST - 1] + "…"
        if text in known:
            return
        if len(known) >= _MOST[kind]:
            self.truncated = True
            return
        known[text] = True

    def frame(self):
        lists = {kind: list(texts) for kind, texts in self._lists.items()}
        return {"parsed": self.parsed, **lists, "truncated": self.truncated}
