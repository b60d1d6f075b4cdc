"""Levels over a city: filled only from where the water comes from, over ground whose answer is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

import twin
from tests.flood_city import box, grid_of, make_city
from twin.core.errors import InputError, UsageError
from twin.core.notices import Notices
from twin.water.flood_store import read_flood, store_flood
from twin.water.ground import buildings_of, cover_of, open_deck, roof_rain, site
from twin.water.levels import level

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City

EVERY = slice(None)


def valley() -> np.ndarray:
    """A river in the west, a dyke at column 20, a polder behind it that lies below the river's flood."""
    z = np.full((20, 50), 1.0)
    z[:, :6] = 0.2
    z[:, 20] = 4.0
    z[:, 21:] = 0.5
    return z


def river(z: np.ndarray, **columns: list) -> dict[str, list]:
    grid = grid_of(z)
    return {"class": ["river"], "level_m": [0.2], "geometry": [box(grid, EVERY, slice(0, 6))], **columns}


@pytest.fixture
def city(tmp_path: Path) -> City:
    return make_city(tmp_path / "town.twin", valley(), water=river(valley()))


def test_a_polder_behind_a_dyke_stays_dry(city: City) -> None:
    flood = twin.water.level(city, eta_m=2.0)
    depth = flood.depth_m(0)
    assert flood.is_preview
    assert flood.kind == "level"
    np.testing.assert_allclose(depth[:, :20], np.maximum(2.0 - valley()[:, :20], 0), atol=1e-6)
    assert not depth[:, 20:].any()


def test_a_point_behind_the_dyke_floods_the_polder_alone(city: City) -> None:
    grid = grid_of(valley())
    flood = level(city, eta_m=2.0, source=(grid.x_min + 30.5, grid.y_max - 10.5))
    assert not flood.depth_m(0)[:, :21].any()
    np.testing.assert_allclose(flood.depth_m(0)[:, 21:], 1.5, atol=1e-6)


def test_a_pond_gives_no_flood(tmp_path: Path) -> None:
    z, grid = valley(), grid_of(valley())
    pond = box(grid, slice(5, 10), slice(30, 40))
    table = {"class": ["river", "pond"], "geometry": [box(grid, EVERY, slice(0, 6)), pond]}
    flood = level(make_city(tmp_path / "town.twin", z, water=table), eta_m=2.0)
    assert not flood.depth_m(0)[:, 21:].any()


def test_a_surface_slopes_from_gauge_to_gauge(city: City) -> None:
    grid = grid_of(valley())
    x = grid.x_min + 3.0
    gauges = [(x, grid.y_max, 3.0), (x, grid.y_max - 20.0, 2.0)]
    depth = level(city, eta_m=gauges).depth_m(0)
    down = (np.arange(20) + 0.5) / 20
    np.testing.assert_allclose(depth[:, 2], 3.0 - down - 0.2, atol=1e-5)


def test_a_level_below_the_river_is_told_with_both_heights(city: City) -> None:
    notices = Notices()
    flood = level(city, eta_m=0.1, notices=notices)
    assert not flood.depth_m(0).any()
    assert "0.20 m" in notices.lines()[0]
    assert "0.1 m" in notices.lines()[0]


@pytest.mark.parametrize("eta_m", [float("nan"), float("inf"), 1e6, [(0, 0, 1)], [(0, 0, np.nan), (1, 1, 2)]])
def test_levels_that_cannot_be_meant_are_refused(city: City, eta_m: object) -> None:
    with pytest.raises(UsageError):
        level(city, eta_m=eta_m)


def test_a_source_outside_and_a_city_without_water_are_told(tmp_path: Path, city: City) -> None:
    with pytest.raises(UsageError, match="outside the city"):
        level(city, eta_m=2.0, source=(0.0, 0.0))
    dry = make_city(tmp_path / "dry.twin", valley())
    with pytest.raises(UsageError, match="--source"):
        level(dry, eta_m=2.0)


def test_holes_of_the_terrain_stay_holes(tmp_path: Path) -> None:
    z = valley()
    z[8:12, 10:14] = np.nan
    flood = level(make_city(tmp_path / "town.twin", z, water=river(z)), eta_m=2.0)
    np.testing.assert_array_equal(np.isnan(flood.depth_m(0)), np.isnan(z))
    np.testing.assert_array_equal(np.isnan(flood.bed_m), np.isnan(z))


def test_a_preview_stays_one_on_disk(city: City) -> None:
    flood = level(city, eta_m=2.0, name="high tide")
    stored = store_flood(city, flood, notices=Notices())
    again = read_flood(stored, "high tide")
    assert again.is_preview
    assert stored.manifest.layers["high tide"].options == {"kind": "level", "is_preview": True}
    np.testing.assert_array_equal(again.depth_m(0), flood.depth_m(0))


def test_coarser_cells_are_means_and_finer_ones_are_refused(city: City) -> None:
    coarse = site(city, cell_size_m=5.0, notices=Notices())
    assert coarse.grid.cell_size_m == 5.0
    assert coarse.grid.bounds.contains(np.array([565_001.0]), np.array([5_930_059.0])).all()
    with pytest.raises(UsageError, match="--cell-size"):
        site(city, cell_size_m=0.5, notices=Notices())


def test_a_city_without_terrain_is_told(city: City) -> None:
    layers = {k: v for k, v in city.manifest.layers.items() if k != "terrain"}
    object.__setattr__(city.manifest, "layers", layers)
    with pytest.raises(InputError, match="no terrain"):
        site(city, notices=Notices())


def test_the_way_under_a_deck_is_as_deep_as_at_its_mouths() -> None:
    """A street in a cutting, 3 m deep, and a deck across it whose ground was interpolated level with the banks."""
    z = np.full((30, 40), 5.0, np.float32)
    z[12:18] = 2.0
    z[10:20, 15:25] = 5.0
    grid = grid_of(z)
    open_deck(z, grid, box(grid, slice(10, 20), slice(15, 25)), np.array([[0.0, 0.0, 5.6]]))
    np.testing.assert_array_equal(z[12:18, 15:25], 2.0)
    assert (z[:9] == 5.0).all()
    assert (z[21:] == 5.0).all()


def test_the_banks_that_carry_a_deck_stay() -> None:
    """A canal, 2 m deep, whose map and terrain stop at the bridge; the deck reaches over both banks."""
    z = np.full((30, 40), 1.0, np.float32)
    z[:, 16:24] = -1.0
    z[12:18] = 1.0
    grid = grid_of(z)
    open_deck(z, grid, box(grid, slice(12, 18), slice(10, 30)), np.array([[0.0, 0.0, 1.4]]))
    np.testing.assert_array_equal(z[12:18, 16:24], -1.0)
    np.testing.assert_array_equal(z[12:18, :16], 1.0)
    np.testing.assert_array_equal(z[12:18, 24:], 1.0)


def test_a_deck_that_slopes_is_opened_from_end_to_end() -> None:
    """Ground and deck fall by 4 m to the east; the ground beside the low end lies far below the deck's high one."""
    z = np.tile(np.linspace(8.0, 4.0, 60).astype(np.float32), (40, 1))
    street = slice(20, 40)
    z[:, street] -= 4.0
    grid = grid_of(z)
    top = np.linspace(8.2, 4.2, 60)
    tops = np.column_stack([grid.x_centres, np.full(60, grid.y_max - 20.0), top])
    z[15:25, street] += 2.5  # the terrain below the deck is a guess
    open_deck(z, grid, box(grid, slice(15, 25), slice(18, 42)), tops)
    np.testing.assert_allclose(z[15:25, street], z[:1, street].repeat(10, axis=0), atol=0.3)


def test_rain_of_roofs_falls_beside_them_and_none_is_lost() -> None:
    rng = np.random.default_rng(5)
    roof = np.zeros((40, 60), bool)
    for _ in range(12):
        r, c = rng.integers(0, 34), rng.integers(0, 50)
        roof[r : r + rng.integers(2, 6), c : c + rng.integers(2, 9)] = True
    hole = np.zeros_like(roof)
    hole[-3:] = True
    share = roof_rain(roof, ~roof & ~hole)
    assert share.sum() == pytest.approx((roof | ~hole).sum(), rel=1e-12)
    assert not share[roof].any()
    far = np.ones_like(roof)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            far &= ~np.roll(np.roll(roof, dr, 0), dc, 1)
    assert (share[far & ~hole] == 1.0).all()


def test_roughness_follows_the_map(tmp_path: Path) -> None:
    z = valley()
    grid = grid_of(z)
    cover = {"class": ["meadow"], "geometry": [box(grid, EVERY, slice(6, 50))]}
    roads = {"class": ["residential"], "surface": ["asphalt"], "geometry": [box(grid, slice(5, 8), EVERY)]}
    house = box(grid, slice(12, 15), slice(30, 35))
    city = make_city(
        tmp_path / "t.twin",
        z,
        water=river(z),
        layers={"landcover": cover, "roads": roads},
        footprints=[house],
    )
    ground = site(city, notices=Notices())
    found = cover_of(city, ground)
    assert found.manning_n[6, 30] == pytest.approx(1 / 70, rel=2e-3)
    assert found.manning_n[0, 30] == 0.05
    assert found.manning_n[6, 2] == 0.03
    assert found.is_sealed[6, 30]
    assert not found.is_sealed[0, 30]
    assert buildings_of(city, ground.grid).sum() == round(shapely.area(house))
