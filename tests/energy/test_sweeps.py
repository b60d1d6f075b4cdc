"""Shadows on rasters against closed forms."""

import math
from datetime import date

import numpy as np
import pytest

from twin.core.errors import UsageError
from twin.core.place import Place
from twin.energy.sun import Sun, parse_time
from twin.energy.sweeps import hours_on_raster, sunlit
from twin.energy.track import parse_day, sun_track

UTRECHT = Place(52.09, 5.12)


def day_length(latitude, declination):
    """Hours of the sun's centre above a level horizon."""
    cosine = -math.tan(math.radians(latitude)) * math.tan(math.radians(declination))
    return 2 * math.degrees(math.acos(max(-1.0, min(1.0, cosine)))) / 15


@pytest.mark.parametrize(
    ("day", "declination"), [("2026-06-21", 23.436), ("2026-12-21", -23.436), ("2026-03-20", 0.0)]
)
@pytest.mark.parametrize("latitude", [0.0, 37.57, 52.09, 60.17, -33.9])
def test_a_plain_gets_the_astronomical_length_of_the_day(day, declination, latitude):
    track = sun_track(parse_day(day), Place(latitude, 25.0))
    # The sun is looked for every minute, twice a day; at the equinox the declination moves 0.2 degrees on either side.
    assert track.day_length_h == pytest.approx(day_length(latitude, declination), abs=0.07)
    hours = hours_on_raster(np.full((5, 7), 3.0, np.float32), 1.0, track)
    np.testing.assert_allclose(hours, track.day_length_h, rtol=1e-5)


def test_beyond_the_polar_circle_there_is_a_day_and_a_night_of_24_hours():
    assert sun_track(date(2026, 6, 21), Place(70.0, 25.0)).day_length_h == pytest.approx(24)
    assert len(sun_track(date(2026, 12, 21), Place(70.0, 25.0)).suns) == 0


@pytest.mark.parametrize(
    ("azimuth", "ways"),
    [(0, (0, -1)), (90, (-1, 0)), (180, (0, 1)), (270, (1, 0)), (45, (-1, -1)), (225, (1, 1))],
)
@pytest.mark.parametrize("elevation", [15.0, 30.0, 60.0])
def test_a_tower_of_known_height_throws_a_shadow_of_known_length(azimuth, ways, elevation):
    z = np.zeros((201, 201), np.float32)
    z[100, 100] = 20.0
    lit = sunlit(z, 0.5, Sun(azimuth, elevation))
    east, north = ways
    k = np.arange(1, 101)
    dark = ~lit[100 - k * north, 100 + k * east]
    length = dark.sum() * 0.5 * math.hypot(east, north)
    assert dark[: dark.sum()].all()  # in one piece, beginning at the tower
    # A cell is dark while its middle lies in the shadow: up to one cell, and what GRAZE_M takes off.
    expected = 20.0 / math.tan(math.radians(elevation))
    if expected < 48:
        assert length == pytest.approx(expected, abs=0.5 * math.hypot(east, north) + 0.2)
    assert (~lit).sum() == dark.sum()


def test_shadows_fall_where_the_sun_is_not_for_any_azimuth():
    z = np.zeros((161, 161), np.float32)
    z[78:83, 78:83] = 15.0
    for azimuth in range(0, 360, 7):
        lit = sunlit(z, 1.0, Sun(float(azimuth), 30.0))
        rows, columns = np.nonzero(~lit)
        x, y = columns.mean() - 80, 80 - rows.mean()
        turned = math.degrees(math.atan2(-x, -y)) % 360
        assert abs((turned - azimuth + 180) % 360 - 180) < 2.5
        # Its width is that of the cells' middles at least and that of their outer edges at most.
        length = 15 / math.tan(math.radians(30))
        spread = abs(math.sin(math.radians(azimuth))) + abs(math.cos(math.radians(azimuth)))
        assert 4 * spread * (length - 1.5) < len(rows) < (5 * spread + 1) * (length + 1)


def test_symmetric_ground_gets_symmetric_hours():
    z = np.zeros((81, 81), np.float32)
    z[38:43, 38:43] = 12.0
    track = sun_track(date(2026, 3, 20), Place(52.0, 0.0))
    hours = hours_on_raster(z, 1.0, track)
    # Morning and afternoon are alike but for the sun's own way over half a day (0.2 degrees) and the steps.
    assert np.abs(hours - hours[:, ::-1]).max() <= 0.6
    assert hours[30, 40] < hours[50, 40]  # the north side has less than the south side
    assert hours[40, 40] == pytest.approx(track.day_length_h, rel=1e-5)


def test_transposed_and_turned_ground_gives_the_same_under_a_turned_sun():
    rng = np.random.default_rng(3)
    z = (rng.random((60, 60)) > 0.97).astype(np.float32) * 10
    for azimuth in (20.0, 110.0, 75.0):
        lit = sunlit(z, 1.0, Sun(azimuth, 25.0))
        turned = sunlit(np.rot90(z), 1.0, Sun(azimuth - 90, 25.0))
        np.testing.assert_array_equal(np.rot90(lit), turned)


def test_holes_and_threads_change_nothing():
    rng = np.random.default_rng(1)
    z = np.kron(rng.random((20, 20)) * 10, np.ones((4, 4))).astype(np.float32)
    track = sun_track(date(2026, 5, 1), UTRECHT, every_min=30)
    one, two = (hours_on_raster(z, 1.0, track, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    z[10:14, 10:14] = np.nan
    holes = hours_on_raster(z, 1.0, track)
    np.testing.assert_array_equal(np.isnan(holes), np.isnan(z))
    assert not sunlit(z, 1.0, Sun(180.0, 40.0))[11, 11]
    assert not sunlit(z, 1.0, Sun(180.0, -4.0)).any()


@pytest.mark.parametrize("every", [0, 7, 150])
def test_steps_must_divide_the_day(every):
    with pytest.raises(UsageError, match="divide"):
        sun_track(date(2026, 5, 1), UTRECHT, every_min=every)


def test_a_day_that_is_none_is_refused():
    with pytest.raises(UsageError, match="no day"):
        parse_day("2026-13-01")


def test_years_at_the_ends_of_the_calendar_are_refused():
    for call in (
        lambda: parse_day("0001-01-01"),
        lambda: sun_track(date(1, 1, 1), Place(60.0, 25.0)),
        lambda: sun_track(date(9999, 12, 31), Place(60.0, -25.0)),
        lambda: parse_time("9999-12-31T23:00-14:00"),
    ):
        with pytest.raises(UsageError, match="1800 to 2200"):
            call()
