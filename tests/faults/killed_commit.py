"""The command line, killed while the files of a finished build are moved to their places.

Run as ``python -m tests.faults.killed_commit build ...`` with ``KILLED_AFTER`` moves, or ``all`` of them.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import twin.core.commit
from twin.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

moved: list[Path] = []


def die_in_time(path: Path) -> None:
    """In place of `begin_operation`, which the commit calls before each move and before the journal goes."""
    after = os.environ["KILLED_AFTER"]
    if path.name == twin.core.commit.JOURNAL or (after != "all" and len(moved) == int(after)):
        os.kill(os.getpid(), signal.SIGKILL)
    moved.append(path)


if __name__ == "__main__":
    twin.core.commit.begin_operation = die_in_time
    main()
