"""One heap for all threads."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

HEAPS = """
import ctypes, os, sys, tempfile, threading
if sys.argv[1] == "shared":
    from twin.core.memory import share_one_heap
    share_one_heap()
held, ready = [], threading.Barrier(5)
def work():
    held.append([bytearray(2000 + i) for i in range(100)])
    ready.wait(30)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
ready.wait(30)
libc = ctypes.CDLL("libc.so.6")
libc.fdopen.restype = ctypes.c_void_p
with tempfile.TemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fdopen(os.dup(file.fileno()), b"w"))
    assert libc.malloc_info(0, stream) == 0
    libc.fclose(stream)
    file.seek(0)
    print(file.read().count(b"<heap "))
"""


def n_heaps(how):
    """Heaps of a process of its own in which four threads hold memory."""
    run = subprocess.run(
        [sys.executable, "-c", HEAPS, how], capture_output=True, text=True, timeout=60, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="heaps of threads are glibc's")
def test_threads_share_one_heap_where_asked_to():
    assert n_heaps("apart") > 1
    assert n_heaps("shared") == 1
