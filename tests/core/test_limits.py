"""Limits and how the environment raises them."""

from __future__ import annotations

import dataclasses

import pytest

from twin.core.errors import ConfigError, LimitError
from twin.core.limits import Limits, check_limit, environment_name, limits


def test_every_limit_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for i, field in enumerate(dataclasses.fields(Limits)):
        monkeypatch.setenv(environment_name(field.name), str(1000 + i))
    assert dataclasses.astuple(limits()) == tuple(range(1000, 1000 + len(dataclasses.fields(Limits))))


@pytest.mark.parametrize("text", ["many", "nan", "inf", "-1", "0", "1e400"])
def test_nonsense_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TWIN_MAX_RASTER_CELLS", text)
    with pytest.raises(ConfigError, match="TWIN_MAX_RASTER_CELLS"):
        limits()


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_MAX_RASTER_CELLS", "")
    assert limits() == Limits()


def test_the_message_has_both_figures() -> None:
    check_limit("a.tif", "cells", 10, 10)
    with pytest.raises(LimitError) as caught:
        check_limit("a.tif", "cells", 2**33, 10**9, name="max_raster_cells")
    assert caught.value.exit_code == 4
    for word in (
        "a.tif",
        "8,589,934,592 cells",
        "limit",
        "1,000,000,000",
        "TWIN_MAX_RASTER_CELLS=8589934592",
    ):
        assert word in str(caught.value)
