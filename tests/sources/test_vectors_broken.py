"""Broken vector files: refused with file, cause and remedy, or read with a reason for each row that cannot be built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely

from tests.sources.broken_vectors import CITY_CRS, REFUSED, SURVEY, TOLERATED, Refused, Tolerated
from twin.core.crs import parse_crs
from twin.core.notices import Notices
from twin.sources.footprints import read_footprints

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c.name)
def test_a_broken_file_is_refused_with_its_cause(case: Refused, tmp_path: Path) -> None:
    path = case.make(tmp_path)
    with pytest.raises(case.error) as caught:
        read_footprints(path, crs=parse_crs(CITY_CRS), survey=SURVEY, notices=Notices())
    error = caught.value
    assert type(error) is case.error
    assert path.name in str(error)
    assert error.remedy
    for word in case.words:
        assert word in str(error), str(error)


@pytest.mark.parametrize("case", TOLERATED, ids=lambda c: c.name)
def test_every_row_ends_in_the_frame(case: Tolerated, tmp_path: Path) -> None:
    notices = Notices()
    path = case.make(tmp_path)
    frame = read_footprints(path, crs=parse_crs(CITY_CRS), survey=SURVEY, notices=notices)
    assert dict(zip(frame["id"], frame["state"], strict=True)) == case.states
    buildable = frame[frame["state"].isna()]
    assert buildable.geometry.is_valid.all()
    assert buildable.geom_type.isin(["Polygon", "MultiPolygon"]).all()
    assert not shapely.has_z(buildable.geometry.array).any()
    assert frame.loc[frame["state"].notna(), "reason"].str.len().gt(0).all()
    told = "\n".join(n.message for n in notices.items)
    assert bool(told) == bool(case.words) or case.row == "FP-20", told
    for word in case.words:
        assert word in told, told
