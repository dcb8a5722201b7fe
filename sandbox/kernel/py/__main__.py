"""Run by `python3 -I <this folder> [--warm]`; PROTOCOL.md describes the whole."""

import sys

if __name__ == "__main__":
    from markkernel.session import main

    main(warm="--warm" in sys.argv[1:])
