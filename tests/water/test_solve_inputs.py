"""What cannot be meant is told before any work; what looks odd is told afterwards; what blows up ends in words."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from twin.core.errors import UsageError
from twin.water import UnstableError, solve

FLAT = np.zeros((4, 5))
HOLED = np.where(np.arange(20).reshape(4, 5) == 7, np.nan, 0.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"z": HOLED}, "1 of 20 cells hold no elevation (first: row 1, column 2)"),
        ({"z": np.zeros(5)}, "shape (5,)"),
        ({"z": np.full((2, 2), np.inf)}, "no cell that water can enter"),
        ({"cell_size_m": 0.0}, "cell_size_m: is 0.0"),
        ({"cell_size_m": np.nan}, "cell_size_m"),
        ({"method": "exact"}, "choose 'fast' or 'accurate'"),
        ({"n": -0.01}, "Manning's n of -0.01"),
        ({"n": 30.0}, "Manning's n of 30"),
        ({"n": np.full((4, 5), np.nan)}, "Manning's n of nan"),
        ({"n": np.ones(3)}, "n: has shape (3,)"),
        ({"cfl": 3.0}, "cfl: is 3"),
        ({"cfl": 5.0, "method": "accurate"}, "cfl: is 5"),
        ({"cfl": 0.0}, "Courant number above 0"),
        ({"dtype": "int32"}, "choose float32 or float64"),
        ({"duration_s": -1.0}, "positive number of seconds"),
        ({"output_times_s": [5.0, 5.0]}, "increasing"),
        ({"output_times_s": [20.0]}, "between 0 and duration_s = 10"),
        ({"sources": [(4, 0, 1.0)]}, "sources[0]: row 4, column 0 lies outside the grid of 4 x 5"),
        ({"sources": [(0, 0, 1.0), (0, -1, 1.0)]}, "sources[1]"),
        ({"sources": [(0, 0, np.nan)]}, "an inflow of nan"),
        ({"sources": [(0, 0, lambda t: np.inf)]}, "the inflow at"),
        ({"boundary": "opened"}, "'opened' is not known"),
        ({"boundary": {"up": "open"}}, "no side 'up'"),
        ({"boundary": {"east": np.nan}}, "boundary['east']: a level of nan"),
        ({"boundary": {"east": lambda t: np.nan}}, "the level at"),
        ({"rain_mm_h": -1.0}, "rates of 0 or more"),
        ({"rain_mm_h": np.zeros((2, 2))}, "rain_mm_h: has shape (2, 2)"),
        ({"rain_mm_h": lambda t: np.nan}, "rates of 0 or more"),
        ({"rain_mm_h": 1e6}, "far more than ever fell"),
        ({"h0": -FLAT - 1}, "20 cells without a depth"),
        ({"h0": np.zeros((2, 2))}, "h0: has shape (2, 2)"),
        ({"qx0": np.zeros((2, 2))}, "qx0"),
        ({"threads": 0}, "threads: is 0"),
        ({"infiltration": -1.0}, "infiltration"),
    ],
)
def test_what_cannot_be_meant_is_told(change, words: str) -> None:
    with pytest.raises(UsageError) as told:
        solve(**{"z": FLAT, "cell_size_m": 1.0, "duration_s": 10.0, **change})
    assert words in str(told.value)
    assert told.value.exit_code == 2


def test_rain_in_another_unit_is_noticed_by_its_size() -> None:
    ask = {"z": FLAT, "cell_size_m": 1.0, "duration_s": 60.0}
    assert "is it mm per interval instead of mm/h?" in solve(rain_mm_h=500.0, **ask).notices[0]
    assert "instead of mm/h" in solve(rain_mm_h=1e-5, **ask).notices[0]
    changing = solve(rain_mm_h=lambda t: 20.0 if t < 30 else 900.0, **ask)
    assert len(changing.notices) == 1
    assert solve(rain_mm_h=100.0, **ask).notices == ()
    long = solve(rain_mm_h=100.0, **{**ask, "duration_s": 90_000.0, "cell_size_m": 1000.0})
    assert "2500 mm in all" in long.notices[0]


def test_a_step_too_long_for_two_dimensions_is_shortened_and_told() -> None:
    found = solve(FLAT, cell_size_m=1.0, method="accurate", cfl=0.9, h0=FLAT + 1, duration_s=1.0)
    assert "took 0.5" in found.notices[0]
    assert solve(FLAT[:1], cell_size_m=1.0, method="accurate", cfl=0.9, duration_s=1.0).notices == ()


def test_fast_says_where_it_left_its_validity() -> None:
    z = -0.3 * np.arange(40.0)[None, :]
    ask = {
        "cell_size_m": 1.0,
        "sources": [(0, 0, 1.0)],
        "boundary": {"east": "open"},
        "n": 0.01,
        "duration_s": 60.0,
    }
    found = solve(z, extremes_every_s=1.0, **ask)
    assert "Froude above 1" in found.notices[0]
    assert found.extremes.supercritical[0, 20:].all()
    assert solve(z, method="accurate", **ask).notices == ()


@pytest.mark.parametrize("method", ["fast", "accurate"])
def test_a_wall_of_water_at_a_dry_bed(method: str) -> None:
    """At 20 s a held side rises by 9 m in no time; the basin swings, and comes to rest at the new level."""
    found = solve(
        FLAT,
        cell_size_m=1.0,
        method=method,
        boundary={"west": lambda t: 8.0 if t > 20 else -1.0},
        duration_s=140.0,
    )
    np.testing.assert_allclose(found.h[-1], 8.0, atol=0.02)
    assert abs(found.mass_error_m3) < 1e-12 * found.volume_in_m3


@pytest.mark.parametrize("method", ["fast", "accurate"])
def test_a_step_that_does_not_hold_is_halved(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from twin.water import schemes

    make, rows = schemes.SCHEMES[method]
    tried: list[float] = []

    class Shaky(make):
        def trial(self, dt_s, levels, active):
            tried.append(dt_s)
            speed = super().trial(dt_s, levels, active)
            return np.nan if dt_s > 0.05 else speed

    h0 = np.where(np.arange(20).reshape(4, 5) == 7, 1.0, 0.2)
    whole = solve(FLAT, cell_size_m=1.0, method=method, h0=h0, duration_s=2.0)
    monkeypatch.setitem(schemes.SCHEMES, method, (Shaky, rows))
    halved = solve(FLAT, cell_size_m=1.0, method=method, h0=h0, duration_s=2.0)
    assert len(tried) > halved.steps > whole.steps
    assert abs(halved.mass_error_m3) < 1e-12 * h0.sum()
    assert halved.h.sum() == pytest.approx(h0.sum(), rel=1e-12)


@pytest.mark.parametrize("method", ["fast", "accurate"])
def test_an_unstable_run_names_cell_and_time_and_keeps_what_it_has(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 3 s on every step fails, as if the flow could not be computed at any length."""
    from twin.water import schemes

    make, rows = schemes.SCHEMES[method]

    class Failing(make):
        time = 0.0

        def trial(self, dt_s, levels, active):
            speed = super().trial(dt_s, levels, active)
            if self.time > 3.0:
                (self._other[0] if method == "fast" else self._next[0])[3, 4] = np.nan
                return np.nan
            self.wish = dt_s
            return speed

        def accept(self):
            self.time += self.wish
            return super().accept()

    monkeypatch.setitem(schemes.SCHEMES, method, (Failing, rows))
    with pytest.raises(UnstableError) as told:
        solve(
            FLAT, cell_size_m=1.0, method=method, h0=FLAT + 1, duration_s=10.0, output_times_s=[1.0, 2.0, 9.0]
        )
    assert "row 2, column 3: the flow is unstable at 3." in str(told.value)
    assert told.value.exit_code == 3
    kept = told.value.result
    assert kept.times_s.tolist() == [1.0, 2.0]
    assert np.isfinite(kept.h).all()
    assert np.isfinite(kept.final.h).all()
    assert abs(kept.mass_error_m3) < 1e-6 * 20
    again = pickle.loads(pickle.dumps(told.value))
    assert str(again) == str(told.value)
    assert again.result.times_s.tolist() == [1.0, 2.0]


def test_a_flood_beyond_all_numbers_ends_in_words() -> None:
    with pytest.raises(UnstableError) as told:
        solve(FLAT, cell_size_m=1.0, boundary={"west": 1e30}, duration_s=10.0, dtype="float32")
    assert "no step holds" in str(told.value)
    assert not np.isnan(told.value.result.final.h).any()


def test_each_output_tells_which_cell_set_the_step() -> None:
    z = FLAT.copy()
    z[2, 3] = -1.0
    found = solve(z, cell_size_m=1.0, rain_mm_h=100.0, duration_s=100.0, output_times_s=[50.0, 100.0])
    assert [(limit.row, limit.col) for limit in found.limits] == [(2, 3)] * 2
    assert all(limit.dt_s > 0 for limit in found.limits)
    assert found.cell_updates == found.steps * FLAT.size
    assert found.times_s.tolist() == [50.0, 100.0]
