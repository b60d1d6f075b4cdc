"""Fields between stations meet the stations, follow known surfaces, and end where they would be guesses."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from twin.core.errors import InputError, UsageError
from twin.core.grid import Bounds, sample_bilinear
from twin.live.bands import read_bands
from twin.live.field import Method, field_between, field_rgba
from twin.live.kriging import fit

RNG = np.random.default_rng(5)
PLACES = np.array([192_000.0, 280_000.0]) + RNG.uniform(0, 1000, (25, 2))
BOUNDS = Bounds(191_500, 279_500, 193_500, 281_500)


def slope(xy: np.ndarray) -> np.ndarray:
    return 20.0 + 0.02 * (xy[:, 0] - 192_000) + 0.01 * (xy[:, 1] - 280_000)


@pytest.mark.parametrize("method", ["kriging", "idw"])
def test_stations_are_met_and_the_rest_lies_between(method: Method) -> None:
    field = field_between(PLACES, slope(PLACES), bounds=BOUNDS, cell_size_m=5.0, method=method)
    at_stations = sample_bilinear(field.value, field.grid, *PLACES.T)
    assert np.nanmax(np.abs(at_stations - slope(PLACES))) < 1.0
    spread = slope(PLACES)
    assert spread.min() - 2 < np.nanmin(field.value)
    assert np.nanmax(field.value) < spread.max() + 2
    assert field.n_stations == 25


def test_kriging_follows_a_slope_better_than_the_mean() -> None:
    field = field_between(PLACES, slope(PLACES), bounds=BOUNDS, cell_size_m=20.0)
    x, y = np.meshgrid(field.grid.x_centres, field.grid.y_centres)
    truth = slope(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    among = (np.abs(x - 192_500) < 400) & (np.abs(y - 280_500) < 400)
    assert np.isfinite(field.value[among]).mean() > 0.95
    assert np.sqrt(np.nanmean((field.value - truth)[among] ** 2)) < 0.25 * slope(PLACES).std()
    assert field.rmse_left_out < 0.6 * slope(PLACES).std()
    known = np.isfinite(field.value)
    within = np.abs(field.value - truth)[known] < 2 * field.deviation[known] + 0.5
    assert within.mean() > 0.9


def test_deviation_grows_away_from_stations_and_guesses_are_left_out() -> None:
    field = field_between(PLACES, slope(PLACES), bounds=BOUNDS, cell_size_m=20.0)
    x, y = np.meshgrid(field.grid.x_centres, field.grid.y_centres)
    distance = np.min(np.hypot(x[..., None] - PLACES[:, 0], y[..., None] - PLACES[:, 1]), axis=2)
    known = np.isfinite(field.value)
    assert np.corrcoef(distance[known], field.deviation[known])[0, 1] > 0.7
    assert distance[known].max() <= field.reach_m
    assert not known[0, 0]
    assert 0.1 < field.share_known < 0.6
    assert np.array_equal(known, np.isfinite(field.deviation))


def test_noise_without_any_pattern_is_told_nowhere_far_from_stations() -> None:
    values = RNG.normal(0, 1, len(PLACES))
    field = field_between(PLACES, values, bounds=BOUNDS, cell_size_m=20.0)
    assert field.share_known < 0.25


def test_order_place_and_repetition_change_nothing() -> None:
    values = slope(PLACES)
    one = field_between(PLACES, values, bounds=BOUNDS, cell_size_m=25.0)
    order = RNG.permutation(len(values))
    two = field_between(PLACES[order], values[order], bounds=BOUNDS, cell_size_m=25.0)
    assert np.array_equal(one.value, two.value, equal_nan=True)
    doubled = field_between(np.tile(PLACES, (2, 1)), np.tile(values, 2), bounds=BOUNDS, cell_size_m=25.0)
    assert np.allclose(one.value, doubled.value, equal_nan=True)


def test_the_unit_changes_nothing_but_the_unit() -> None:
    one = field_between(PLACES, slope(PLACES), bounds=BOUNDS, cell_size_m=25.0)
    tiny = field_between(PLACES, slope(PLACES) * 1e-6, bounds=BOUNDS, cell_size_m=25.0)
    assert np.allclose(tiny.value * 1e6, one.value, equal_nan=True, rtol=1e-4)
    assert np.allclose(tiny.deviation * 1e6, one.deviation, equal_nan=True, rtol=1e-3, atol=1e-4)


def test_all_the_same_is_the_same_everywhere() -> None:
    field = field_between(PLACES, np.full(25, 7.0), bounds=BOUNDS, cell_size_m=25.0)
    assert field.method == "idw"
    assert np.allclose(field.value[np.isfinite(field.value)], 7.0)


def test_concentrations_do_not_fall_below_zero() -> None:
    values = np.where(np.arange(25) == 3, 50.0, 0.1)
    field = field_between(PLACES, values, bounds=BOUNDS, cell_size_m=25.0, least=0.0)
    assert np.nanmin(field.value) >= 0


def random_places(n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(3)
    xy, at = chance.uniform(0, 1000, (n, 2)), chance.uniform(0, 1000, (m, 2))
    return xy, slope(xy + PLACES[0]) + chance.normal(0, 1, n), at


def test_parts_tell_what_pykrige_tells_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from pykrige.ok import OrdinaryKriging

    xy, z, at = random_places(12, 500)
    at[:12] = xy
    kriging = fit(xy, z)
    monkeypatch.setattr("twin.live.kriging.PAIRS_AT_ONCE", 12 * 7)
    value, deviation = kriging.at(at)
    of = [kriging.sill + kriging.nugget, kriging.range_m, kriging.nugget]
    known = {
        "variogram_model": "exponential",
        "variogram_parameters": of,
        "exact_values": True,
        "pseudo_inv": True,
    }
    told, variance = OrdinaryKriging(*xy.T, (z - z.mean()) / z.std(), **known).execute("points", *at.T)
    np.testing.assert_allclose(value, z.mean() + z.std() * told, rtol=1e-9)
    np.testing.assert_allclose(deviation, z.std() * np.sqrt(np.maximum(variance, 0)), atol=1e-5)
    for i in (0, 5, 11):
        rest = np.arange(12) != i
        alone = OrdinaryKriging(*xy[rest].T, z[rest] / z.std(), **known).execute("points", *xy[[i]].T)[0]
        assert kriging.left_out()[i] == pytest.approx(z.std() * alone[0] - z[i], rel=1e-6)


@pytest.mark.parametrize("method", ["kriging", "idw"])
def test_memory_does_not_grow_with_cells_times_stations(method: Method) -> None:
    """Of 28,000 cells between 300 stations all pairs at once would take 67 MB for every number of it."""
    xy, z, _ = random_places(300, 0)
    field_between(xy[:9], z[:9], bounds=Bounds(0, 0, 100, 100), method=method)  # imports take memory too
    tracemalloc.start()
    field = field_between(xy, z, bounds=Bounds(0, 0, 1000, 1000), cell_size_m=6.0, method=method)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert field.share_known > 0.5
    assert peak < 150e6


def test_too_few_too_fine_and_unknown() -> None:
    values = np.where(np.arange(25) < 4, 1.0, np.nan)
    with pytest.raises(InputError, match=r"4 places have a value, kriging needs 5.*idw"):
        field_between(PLACES, values, bounds=BOUNDS)
    assert field_between(PLACES, values, bounds=BOUNDS, method="idw").n_stations == 4
    with pytest.raises(UsageError, match="cells, the limit"):
        field_between(PLACES, slope(PLACES), bounds=BOUNDS, cell_size_m=0.5)
    with pytest.raises(UsageError, match="not known"):
        field_between(PLACES, slope(PLACES), bounds=BOUNDS, method="spline")  # type: ignore[arg-type]


def test_colours_are_those_of_the_bands_and_clear_beyond() -> None:
    field = field_between(PLACES, slope(PLACES), bounds=BOUNDS, cell_size_m=25.0)
    table = read_bands("korea-cai")
    rgba = field_rgba(field, table, "pm2_5", unit="ug/m3")
    known = np.isfinite(field.value)
    assert set(np.unique(rgba[..., 3][known])) == {185}
    assert not rgba[..., 3][~known].any()
    top = known & (field.value > 34.5) & (field.value < 35)  # of the band from 15 to 35
    assert top.any()
    assert np.abs(rgba[top][:, :3].astype(int) - table.bands[1].colour).max() <= 12
    beyond = known & (field.value > 36) & (field.value < 37)
    assert (rgba[beyond][:, 0] > 240).all()  # a pale yellow
