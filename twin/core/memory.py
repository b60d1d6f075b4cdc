"""Memory: given back between the stages of long work, and told as such where it is exhausted."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from twin.core.errors import LimitError

if TYPE_CHECKING:
    from pathlib import Path

_M_ARENA_MAX = -8
"""The option of ``mallopt`` for how many heaps there may be, as in glibc's ``malloc.h``."""
_SAYINGS = (
    *("cannot allocate", "can't allocate", "unable to allocate", "failed to allocate", "allocation failed"),
    *("out of memory", "not enough memory", "insufficient memory", "bad_alloc", "malloc", "realloc"),
)
"""What libraries that have no error of their own for it say in lower case."""


def give_back_memory() -> None:
    """Hand freed memory back to the operating system.

    glibc keeps what is freed for later, so that a process stays as large as its largest stage; measured on a build
    of 0.85 million points this is a tenth of its peak. Elsewhere nothing needs to be done.
    """
    _tell_glibc("malloc_trim", 0)


def share_one_heap() -> None:
    """Let all threads take their memory from one heap, for a program that stays open for long.

    glibc gives each thread a heap of its own and hands it on when the thread ends. Where one thread draws and short
    ones work beside it, what stays in use comes to lie in all of them and keeps the pages around it: in an hour of
    the window 40 MB more were held, while what was in use stayed. To be called before threads are started; elsewhere
    nothing needs to be done.
    """
    _tell_glibc("mallopt", _M_ARENA_MAX, 1)


def _tell_glibc(function: str, *given: int) -> None:
    """Call a function of glibc's allocator where there is one."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            getattr(ctypes.CDLL("libc.so.6"), function)(*given)


def tells_exhausted_memory(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that no more memory is given.

    GDAL and the wheels around it raise the same class for a damaged file and for a failed allocation; only the words
    differ.

    Examples
    --------
    >>> tells_exhausted_memory(OSError("ograrrowarrayhelper.cpp, 320: cannot allocate 6553600 bytes"))
    True
    >>> tells_exhausted_memory(OSError("file is not a database"))
    False
    """
    if isinstance(error, MemoryError):
        return True
    cause = error.__cause__
    if cause is not None and tells_exhausted_memory(cause):
        return True
    return any(saying in str(error).lower() for saying in _SAYINGS)


def memory_error(where: str | Path, error: BaseException) -> LimitError:
    """Our error for an allocation that failed while something was worked on."""
    text = " ".join(str(error.__cause__ or error).split())[:200] or "no more is given"
    return LimitError(
        where,
        f"memory is exhausted ({text})",
        "use --workers 1, close other programs, or build parts of the area",
    )
