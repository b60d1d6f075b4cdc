"""What holds for every flood: water neither lost nor made, rest stays rest, no direction and no thread is special."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from twin.water import GreenAmpt, solve

METHODS = ["fast", "accurate"]


def rough_ground(ny: int, nx: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return gaussian_filter(rng.normal(size=(ny, nx)), 3) * 20 + rng.normal(size=(ny, nx)) * 0.3


def assert_mass_conserved(found, stored_m3: float, most: float) -> None:
    """Stored at the start or brought in: no more of it than `most` is unexplained, and no depth is negative."""
    assert abs(found.mass_error_m3) <= most * max(stored_m3 + found.volume_in_m3, 1e-30)
    assert found.h.min() >= 0
    assert np.isfinite(found.h).all()
    assert np.isfinite(found.u).all()
    assert np.isfinite(found.v).all()


@pytest.mark.parametrize("boundary", ["closed", 100.0], ids=["closed", "held"])
@pytest.mark.parametrize("method", METHODS)
def test_lake_with_islands_stays_at_rest(method: str, boundary) -> None:
    z = 100 + rough_ground(40, 50, 1)
    h0 = np.maximum(0.0, 100.0 - z)
    assert 0.2 < (h0 > 0).mean() < 0.8
    found = solve(z, cell_size_m=2.0, method=method, h0=h0, boundary=boundary, n=0.0, duration_s=60.0)
    assert np.abs(found.h[0] - h0).max() < 1e-12
    assert max(np.abs(found.u).max(), np.abs(found.v).max()) < 1e-12


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    method=st.sampled_from(METHODS),
    dtype=st.sampled_from(["float32", "float64"]),
    side=st.sampled_from(["closed", "open", 1.0]),
)
def test_water_is_neither_lost_nor_made(seed: int, method: str, dtype: str, side) -> None:
    rng = np.random.default_rng(seed)
    z = rough_ground(35, 70, seed)
    h0 = rng.uniform(0, 2, z.shape) * (rng.random(z.shape) < 0.4)
    found = solve(
        z, cell_size_m=2.0, method=method, dtype=dtype, h0=h0, rain_mm_h=rng.uniform(0, 200, z.shape),
        sources=[(3, 4, 2.0), (20, 60, -0.5), (3, 4, lambda t: 1 + t / 60)], boundary={"west": side, "south": side},
        infiltration=GreenAmpt(20.0), duration_s=40.0,
    )  # fmt: skip
    assert_mass_conserved(found, h0.sum() * 4.0, 1e-12 if dtype == "float64" else 1e-5)
    if side == "closed":
        assert found.volume_out_m3 >= found.infiltrated_m3 > 0


def test_single_precision_takes_drizzle_into_deep_water() -> None:
    """A step brings a hundredth of what float32 can add to 30 m of water; after ten minutes all of it is there."""
    found = solve(
        np.zeros((8, 8)), cell_size_m=20.0, h0=np.full((8, 8), 30.0), rain_mm_h=1.0, duration_s=600.0,
        dtype="float32",
    )  # fmt: skip
    rained = 1e-3 / 6 * 64 * 400
    assert found.volume_in_m3 == pytest.approx(rained, rel=1e-9)
    assert (found.h.astype(float) - 30).sum() * 400 == pytest.approx(rained, abs=64 * 400 * 2e-6)


def test_single_precision_fills_a_lake_from_a_trickle() -> None:
    """What a deep cell cannot feel waits in the shallow one beside it, instead of being rounded away."""
    z = np.zeros((1, 60))
    z[0, 20:] = -4.0
    h0 = np.where(z < 0, 4.0, 0.0)
    ask = {"cell_size_m": 10.0, "h0": h0, "sources": [(0, 0, 0.002)], "duration_s": 6000.0}
    single, double = solve(z, dtype="float32", **ask), solve(z, **ask)
    assert_mass_conserved(single, 0.0, 1e-5)
    gained = [(found.h[0, 0, 20:].astype(float) - 4.0).sum() for found in (single, double)]
    assert gained[0] == pytest.approx(gained[1], rel=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_no_direction_is_special(method: str) -> None:
    z = rough_ground(33, 47, 2)
    h0 = np.random.default_rng(2).uniform(0, 1, z.shape) * (z < 0)
    views = {
        "as it is": lambda a: a, "east for west": lambda a: a[:, ::-1], "north for south": lambda a: a[::-1],
        "transposed": lambda a: a.T,
    }  # fmt: skip
    ask = {"cell_size_m": 1.0, "method": method, "rain_mm_h": 80.0, "boundary": "open", "duration_s": 20.0}
    found = {name: solve(view(z), h0=view(h0), **ask) for name, view in views.items()}
    for name, view in views.items():
        np.testing.assert_allclose(found[name].h[0], view(found["as it is"].h[0]), rtol=0, atol=1e-12)
    east, here = found["east for west"], found["as it is"]
    np.testing.assert_allclose(east.u[0], -here.u[0][:, ::-1], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found["transposed"].u[0], -here.v[0].T, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", METHODS)
def test_the_same_bytes_for_any_number_of_threads(method: str, dtype: str) -> None:
    z = rough_ground(50, 70, 3)
    ask = {
        "cell_size_m": 2.0, "method": method, "dtype": dtype, "rain_mm_h": 100.0, "boundary": "open",
        "h0": np.maximum(0, -z), "duration_s": 20.0, "sources": [(10, 10, 5.0)],
    }  # fmt: skip
    one, *others = (solve(z, threads=n, **ask) for n in (1, 2, 3, 7))
    for other in others:
        assert one.h.tobytes() == other.h.tobytes()
        assert one.u.tobytes() == other.u.tobytes()
        assert one.v.tobytes() == other.v.tobytes()
        assert one.volume_out_m3 == other.volume_out_m3


@pytest.mark.parametrize("method", METHODS)
def test_skipped_tiles_change_nothing(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood that crosses tiles, dries behind itself and leaves over an edge, with and without the skipping."""
    import twin.water.run as run

    rows, cols = np.mgrid[:200, :200]
    z = 0.05 * (200 - cols) + 0.1 * np.abs(rows - 40)
    h0 = np.zeros(z.shape)
    h0[35:46, 100:110] = 1.5
    ask = {
        "cell_size_m": 1.0, "method": method, "h0": h0, "boundary": {"east": "open"}, "n": 0.03, "duration_s": 25.0,
        "sources": [(170, 190, lambda t: 2.0 if 5 < t < 8 else 0.0)],
    }  # fmt: skip
    skipping = solve(z, **ask)
    monkeypatch.setattr(run, "wet_tiles", lambda h, r, c, out: out.fill(True))
    whole = solve(z, **ask)
    assert skipping.h.tobytes() == whole.h.tobytes()
    assert np.array_equal(skipping.u, whole.u)
    assert skipping.volume_out_m3 == whole.volume_out_m3
    assert skipping.cell_updates < 0.8 * whole.cell_updates


@pytest.mark.parametrize("method", METHODS)
def test_going_on_is_as_if_it_had_never_stopped(method: str) -> None:
    z = rough_ground(30, 40, 4)
    ask = {"cell_size_m": 2.0, "method": method, "n": 0.02, "boundary": {"east": "open"}}
    through = solve(z, h0=np.maximum(0, 0.5 - z), duration_s=20.0, output_times_s=[8.0, 20.0], **ask)
    first = solve(z, h0=np.maximum(0, 0.5 - z), duration_s=8.0, **ask)
    again = solve(z, h0=first.final.h, qx0=first.final.qx, qy0=first.final.qy, duration_s=12.0, **ask)
    np.testing.assert_allclose(again.h[-1], through.h[-1], atol=1e-12)
    assert np.array_equal(first.h[0], through.h[0])


@pytest.mark.parametrize("method", METHODS)
def test_a_start_with_current_at_cell_centres(method: str) -> None:
    """Discharge given to the east and north carries the water there."""
    n = 41
    h0 = np.full((n, n), 1.0)
    bump = np.zeros((n, n))
    bump[15:26, 15:26] = 0.5
    east = solve(np.zeros((n, n)), cell_size_m=1.0, method=method, h0=h0, qx0=bump, n=0.0, duration_s=2.0)
    north = solve(np.zeros((n, n)), cell_size_m=1.0, method=method, h0=h0, qy0=bump, n=0.0, duration_s=2.0)
    assert east.u[0].sum() > 0.5 * bump.sum()
    assert east.h[0, 20, 28] > 1.02 > 0.98 > east.h[0, 20, 12]
    assert north.h[0, 12, 20] > 1.02 > 0.98 > north.h[0, 28, 20]
    np.testing.assert_allclose(np.rot90(east.h[0]), north.h[0], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_walls_are_walls(method: str) -> None:
    """A block that water cannot enter stays dry, though rain falls on everything."""
    z = np.zeros((20, 20))
    z[8:12, 8:12] = np.inf
    found = solve(z, cell_size_m=1.0, method=method, rain_mm_h=360.0, duration_s=100.0)
    assert not found.h[0][np.isinf(z)].any()
    assert found.volume_in_m3 == pytest.approx(0.01 * (400 - 16), rel=1e-9)
    np.testing.assert_allclose(found.h[0][np.isfinite(z)], 0.01, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_pond_behind_a_sill_keeps_the_level_of_the_sill(method: str) -> None:
    """EA benchmark 1: a rising and falling tide leaves a pond in the hollow."""
    x = np.arange(0, 700, 10.0) + 5
    z = np.interp(x, [0, 100, 200, 300, 400, 500, 700], [9.7, 10.0, 10.25, 9.6, 9.5, 9.7, 10.6])[None, :]
    tide = lambda t: float(np.interp(t, [0, 1200, 9000, 12_000], [9.7, 10.45, 10.45, 9.7]))  # noqa: E731
    found = solve(
        z, cell_size_m=10.0, method=method, n=0.03, boundary={"west": tide}, duration_s=24_000.0,
        output_times_s=[8900.0, 24_000.0],
    )  # fmt: skip
    pond = (x > 250) & (x < 550)
    top = float(z.max(where=(x < 300)[None, :], initial=0))
    np.testing.assert_allclose((z + found.h[0])[0, pond], 10.45, atol=0.01)
    np.testing.assert_allclose((z + found.h[1])[0, pond], top, atol=0.01)


def test_extremes_tell_the_worst_of_the_run() -> None:
    x = np.arange(100)
    h0 = np.where(x < 20, 1.0, 0.0)[None, :]
    found = solve(
        np.zeros((1, 100)), cell_size_m=1.0, method="accurate", h0=h0, boundary={"east": "open"}, duration_s=40.0,
        output_times_s=np.linspace(1, 40, 40), extremes_every_s=0.2,
    )  # fmt: skip
    worst = found.extremes
    assert (worst.depth_m >= found.h.max(axis=0)).all()
    assert (worst.speed_m_s >= np.hypot(found.u, found.v).max(axis=0)).all()
    assert worst.arrival_s[0, 0] == 0
    reached = worst.arrival_s[0, 20:][np.isfinite(worst.arrival_s[0, 20:])]
    assert (np.diff(reached) >= 0).all()
    assert 5 < reached[-1] < 40
    assert (worst.duration_s <= 40.0 + 1e-9).all()
    assert worst.supercritical.any()


def test_soil_takes_what_green_and_ampt_say() -> None:
    """Under a pond the depth F after time t solves F - a ln(1 + F / a) = K t."""
    from scipy.optimize import brentq

    soil = GreenAmpt(10.0, suction_m=0.2, deficit=0.3)
    found = solve(
        np.zeros((5, 5)), cell_size_m=1.0, h0=np.full((5, 5), 1.0), infiltration=soil, duration_s=3600.0
    )
    a, k = 0.06, 0.01
    known = brentq(lambda f: f - a * np.log1p(f / a) - k, 1e-6, 1.0)
    assert found.infiltrated_m3 / 25 == pytest.approx(known, rel=0.01)
    constant = solve(
        np.zeros((5, 5)), cell_size_m=1.0, h0=np.ones((5, 5)), infiltration=36.0, duration_s=1000.0
    )
    assert constant.infiltrated_m3 / 25 == pytest.approx(0.01, rel=1e-6)
