"""What makes the suite quick holds in its workers and in the programs that they start."""

from __future__ import annotations

import subprocess
import sys


def test_byte_code_is_kept_here_and_in_programs_that_are_started() -> None:
    ask = "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout
    assert told.split(maxsplit=1) == ["False", sys.pycache_prefix + "\n"]
    assert sys.dont_write_bytecode is False
