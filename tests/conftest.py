"""Fixtures for the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real survey data beside the checkout; tests skip, saying so, where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the survey data of ../shared/data is not here")
    return SHARED_DATA
