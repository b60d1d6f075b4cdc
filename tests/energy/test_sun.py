"""The sun's place against published ones."""

from datetime import UTC, datetime, timedelta

import pytest

from twin.core.errors import UsageError
from twin.energy.sun import Sun, parse_time, sun_at
from twin.scene.sun import snapped


def test_the_worked_example_of_nrels_algorithm():
    # Reda & Andreas (2004), Solar position algorithm, table A5.1: azimuth 194.340241, zenith 50.111622 deg with
    # 0.016 deg of refraction.
    sun = sun_at(parse_time("2003-10-17T12:30:30-07:00"), latitude_deg=39.742476, longitude_deg=-105.1786)
    assert sun.azimuth_deg == pytest.approx(194.3402, abs=0.01)
    assert sun.elevation_deg == pytest.approx(90 - 50.1116 - 0.016, abs=0.01)


@pytest.mark.parametrize(("month", "tilt"), [(3, 0.0), (6, 23.44), (9, 0.0), (12, -23.44)])
def test_noon_height_follows_the_seasons(month, tilt):
    day = datetime(2026, month, 21, tzinfo=UTC)
    highest = max(
        sun_at(day + timedelta(minutes=m), latitude_deg=52, longitude_deg=0).elevation_deg
        for m in range(700, 745, 5)
    )
    # The equinoxes fall a day or two beside the 21st: 0.4 degrees a day.
    assert highest == pytest.approx(90 - 52 + tilt, abs=0.8)


def test_east_in_the_morning_and_below_the_horizon_at_night():
    morning = sun_at(parse_time("2026-03-20T07:00+00:00"), latitude_deg=0, longitude_deg=0)
    assert morning.azimuth_deg == pytest.approx(90, abs=1)
    assert sun_at(parse_time("2026-03-20T00:00+00:00"), latitude_deg=0, longitude_deg=0).elevation_deg < -80


def test_grid_north_turns_the_azimuth():
    when = parse_time("2026-07-01T14:00+03:00")
    true = sun_at(when, latitude_deg=60, longitude_deg=25)
    grid = sun_at(when, latitude_deg=60, longitude_deg=25, convergence_deg=-2)
    assert grid.azimuth_deg - true.azimuth_deg == pytest.approx(2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("soon", "is no time"),
        ("2026-07-01T14:00", "no offset from UTC"),
        ("2026-07-01", "T12:00[+]00:00,"),
    ],
)
def test_times_that_cannot_be_meant(text, words):
    with pytest.raises(UsageError, match=words):
        parse_time(text)


def test_direction_is_a_unit_vector_towards_the_sun():
    assert Sun(180, 0).direction == pytest.approx((0, -1, 0), abs=1e-9)
    assert Sun(90, 90).direction == pytest.approx((0, 0, 1), abs=1e-9)


def test_light_is_kept_for_quarters_of_a_degree():
    assert (snapped(Sun(359.95, 12.3)).azimuth_deg, snapped(Sun(10, 12.3)).elevation_deg) == (0, 12.25)
