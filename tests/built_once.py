"""Folders that one worker of a test run makes and all others copy."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """This worker's copy of the folder that `build` fills, in whichever worker came first."""
    own = factory.getbasetemp()
    copy = own / name
    if not copy.exists():
        first = own.parent / f"{name}-first" if "PYTEST_XDIST_WORKER" in os.environ else copy
        with FileLock(f"{first}.lock"):
            if not first.exists():
                begun = first.with_name(f"{name}-begun")
                shutil.rmtree(begun, ignore_errors=True)
                begun.mkdir()
                build(begun)
                begun.rename(first)
        if first != copy:
            shutil.copytree(first, copy)
    return copy
