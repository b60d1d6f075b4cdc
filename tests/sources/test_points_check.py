"""What a survey as a whole tells about itself, whichever way it was cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.point_samples import town, with_classes
from twin.core.errors import InputError
from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.sources.points_check import (
    check_extent,
    elevation_limits,
    has_ground_classes,
    tally_points,
    tell_suspected_feet,
    within_elevations,
)


def at_elevations(z: np.ndarray) -> PointCloud:
    ones = np.ones(len(z), np.uint8)
    return PointCloud(np.c_[np.arange(len(z)), np.zeros(len(z)), z].astype(np.float64), ones, ones, ones)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), max_size=5))
def test_tallies_add_up(cuts: list[int]) -> None:
    cloud = town()
    edges = [0, *sorted(cuts), 4000]
    parts = [tally_points(cloud.select(np.arange(a, b))) for a, b in pairwise(edges)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    whole = tally_points(cloud)
    assert total.n_points == whole.n_points
    for name in ("lowest", "highest", "n_by_class", "n_by_elevation"):
        np.testing.assert_array_equal(getattr(total, name), getattr(whole, name))


def test_extent() -> None:
    check_extent(tally_points(town()), where="survey")
    check_extent(tally_points(PointCloud.empty()), where="survey")
    with pytest.raises(InputError, match="1 point"):
        check_extent(tally_points(town(1)), where="survey")
    with pytest.raises(InputError, match=r"2 points within an extent of 0\.000 m by 0\.000 m"):
        check_extent(tally_points(town().select(np.array([5, 5]))), where="survey")


@pytest.mark.parametrize(
    ("classes", "known"), [((2, 6), True), ((0,), False), ((1, 6), False), ((1, 2), True)]
)
def test_ground_classes(classes: tuple[int, ...], known: bool) -> None:
    notices = Notices()
    cloud = with_classes(town(), np.resize(classes, 4000))
    assert has_ground_classes(tally_points(cloud), where="survey", notices=notices) is known
    assert len(notices.items) == (not known)


def test_no_ground_at_all() -> None:
    with pytest.raises(InputError, match=r"ground \(class 2\) among 4000 points, only class 6"):
        has_ground_classes(tally_points(with_classes(town(), 6)), where="survey", notices=Notices())


def test_birds_and_pits_are_cut_off() -> None:
    z = np.r_[np.linspace(-3, 60, 5000), 9000.0, 9001.5, -9999.0, -200.0]
    notices = Notices()
    limits = elevation_limits(tally_points(at_elevations(z)), where="survey", notices=notices)
    assert limits == (-3, 61)
    kept = within_elevations(at_elevations(z), limits)
    np.testing.assert_array_equal(kept.xyz[:, 2], z[:5000])
    assert "4 outliers" in notices.lines()[0]


@pytest.mark.parametrize(
    "z",
    [
        np.linspace(0, 830, 2000),  # the highest tower on earth, its walls seen
        np.r_[np.full(5000, 2.0), np.full(10, 250.0)],  # a mast of which only the top was hit
        np.r_[np.full(500, 2.0), np.full(400, 900.0)],  # a town below a plateau
        np.linspace(-80, 2500, 9000),  # a mountain
        np.array([5.0]),
        np.empty(0),
    ],
    ids=["tower", "mast", "plateau", "mountain", "one", "none"],
)
def test_nothing_real_is_cut_off(z: np.ndarray) -> None:
    notices = Notices()
    limits = elevation_limits(tally_points(at_elevations(z)), where="survey", notices=notices)
    assert limits == (-np.inf, np.inf)
    assert not notices.items
    cloud = at_elevations(z)
    assert within_elevations(cloud, limits) is cloud


@pytest.mark.parametrize(
    ("heights", "areas", "told"),
    [
        ([6.1, 8.0, 9.5, 11.0], [80, 120, 95, 200], False),
        ([20.0, 26.2, 31.2, 36.1], [80, 120, 95, 200], True),
        ([60.0, 80.0, 90.0, 8.0, 7.0, 9.0], [900, 2000, 1500, 90, 100, 80], False),
        ([26.0, 31.0], [80, 90], False),
        ([np.nan, np.nan, np.nan, 30.0], [80, 90, 100, 110], False),
    ],
    ids=["metres", "feet", "towers among homes", "too few", "unknown"],
)
def test_feet_are_suspected(heights: list[float], areas: list[float], told: bool) -> None:
    notices = Notices()
    assert tell_suspected_feet(heights, areas, where="survey", notices=notices) is told
    assert len(notices.items) == told
