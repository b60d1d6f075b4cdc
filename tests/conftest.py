"""Fixtures for the whole suite."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.order import place_of

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """Keep byte code, outside the source folders, for workers and for the programs that tests start.

    Packages are installed without byte code and many containers forbid writing it. Then each of the hundreds of
    processes of a run would compile the same libraries anew: seven seconds of processor time, instead of two.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A run in the background has Ctrl-C ignored, and so would the programs that tests send it to.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(config.rootpath, config.getini("cache_dir"), "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(folder))
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
    config.option.loadscopereorder = (
        False  # xdist's own order, most tests first, leaves long files for the end
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first, so that the workers end together."""
    items.sort(key=lambda item: place_of(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real survey data beside the checkout; tests skip, saying so, where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the survey data of ../shared/data is not here")
    return SHARED_DATA
