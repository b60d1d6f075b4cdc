"""How a process of ours ends: everything that asked to be called is called, then at once."""

from __future__ import annotations

import atexit
import os
import sys


class Ending:
    """The last thing that a process does.

    Made first, it is called last: by then threads are joined, and whoever asked to be called at the end (for worker
    processes, for temporary folders) was called. What Python would still do is to take apart every module and every
    object of VTK, a tenth of the time of a cold picture, to give back memory that the system takes back anyway.

    Attributes
    ----------
    code : int or None
        The exit code; as long as there is none, Python ends the process in its own way.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        atexit.register(self._leave)

    def _leave(self) -> None:
        if self.code is None:
            return
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):
            return  # Python tries again and tells of it, with an exit code of its own.
        os._exit(self.code)
