"""The end of the process when the kernel itself fails."""

import os
import traceback

from . import wire

# Where it is told: the standard error that the process was started with, which
# is not the one that user code writes to.
_stderr = wire.out_of_the_way(2)
_BEGIN = b"The kernel failed.\n"


def end_process():
    """Tells the exception that is being handled, and ends the process: half a
    kernel would leave its host waiting."""
    try:
        os.write(_stderr, _BEGIN)  # the rest takes memory, of which there may be none
        os.write(_stderr, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        os._exit(1)
