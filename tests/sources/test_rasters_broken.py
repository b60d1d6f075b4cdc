"""Broken rasters: the message names file, cause and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.sources.broken_rasters import CITY_CRS, GRID, REFUSED, TOLERATED, Refused, Tolerated
from twin.core.crs import parse_crs
from twin.core.notices import Notices
from twin.sources.rasters import read_elevation

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c.row)
def test_a_broken_raster_is_refused_with_its_cause(case: Refused, tmp_path: Path) -> None:
    path = case.make(tmp_path)
    with pytest.raises(case.error) as caught:
        read_elevation(path, crs=parse_crs(CITY_CRS), grid=GRID, notices=Notices())
    assert type(caught.value) is case.error
    assert path.name in str(caught.value)
    assert caught.value.remedy
    for word in case.words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize("case", TOLERATED, ids=lambda c: c.row)
def test_what_can_be_read_is_read_and_told(case: Tolerated, tmp_path: Path) -> None:
    notices = Notices()
    raster = read_elevation(case.make(tmp_path), crs=parse_crs(CITY_CRS), grid=GRID, notices=notices)
    told = "\n".join(n.message for n in notices.items if n.cause != "crs-accuracy")
    assert raster.grid == GRID
    assert not np.isinf(raster.values).any()
    for word in case.words:
        assert word in told, told
    if not case.words:
        assert not told
