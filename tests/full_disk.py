"""A disk that is full for large files."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def file_size_limit(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond this; the operating system answers as it does on a full disk.

    Python would not notice that byte code is cut off, and fail at its next import: none is written meanwhile.
    """
    resource = pytest.importorskip("resource", reason="the limit is POSIX's")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    writes = sys.dont_write_bytecode
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = writes
