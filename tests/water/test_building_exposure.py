"""Buildings in a flood: walls, storeys, volumes, danger and times against what can be told by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from twin.core.grid import Grid
from twin.water.buildings import building_exposure, wall_cells
from twin.water.flood import StepArrays, flood_of

START = np.datetime64("2026-08-28T03:00:00", "s")


def flood(bed, h, *, u=None, rasters=None):
    bed, h = np.asarray(bed, np.float32), np.asarray(h, np.float32)
    ny, nx = bed.shape
    v = None if u is None else np.zeros_like(h)
    times = START + np.arange(len(h)) * 600
    grid = Grid(0.0, float(ny), 1.0, nx, ny)
    u = None if u is None else np.broadcast_to(np.asarray(u, np.float32), h.shape)
    return flood_of("t", grid, times, bed, StepArrays(h, u, v), kind="simulation", rasters=rasters)


def standing(bed, levels):
    bed = np.asarray(bed, np.float32)
    return flood(bed, np.maximum(np.asarray(levels, np.float32)[:, None, None] - bed, 0))


def houses(*shapes, **columns):
    return gpd.GeoDataFrame(
        {"id": [f"b{i}" for i in range(len(shapes))], **columns}, geometry=list(shapes), crs=5187
    )


HOUSE = shapely.box(10, 10, 20, 18)


def test_level_water_around_a_house() -> None:
    water = standing(np.full((30, 30), 2.0), [2.0, 2.04, 3.0, 5.5, 2.02])
    found = building_exposure(houses(HOUSE, floor_m=[2.4], storeys=[5], height_m=[15.0]), water).iloc[0]
    assert found["depth_m"] == pytest.approx(3.5)
    assert found["depth_mean_m"] == pytest.approx(3.5)
    assert found["level_m"] == pytest.approx(5.5)
    assert found["inside_m"] == pytest.approx(3.1)  # above a floor 40 cm over the ground
    assert found["wet_storeys"] == 2
    assert found["water_m3"] == pytest.approx(80 * 3.1, rel=1e-5)
    assert found["first_wet"] == np.datetime64("2026-08-28T03:20:00")
    assert found["wet_s"] == 1200
    assert found["hazard"] == "H5"


def test_storeys_and_volume_end_with_the_building() -> None:
    water = standing(np.zeros((30, 30)), [4.5])
    shed = houses(HOUSE, storeys=[1], height_m=[2.5])
    found = building_exposure(shed, water).iloc[0]
    assert (found["wet_storeys"], found["water_m3"]) == (1, 200.0)
    low = building_exposure(houses(HOUSE, storey_height_m=[1.5]), water).iloc[0]
    assert low["wet_storeys"] == 3  # exactly three, no fourth begun
    assert building_exposure(houses(HOUSE), water).iloc[0]["wet_storeys"] == 2


def test_water_under_the_footprint_does_not_count() -> None:
    bed, h = np.zeros((30, 30)), np.zeros((1, 30, 30))
    h[0, 13:19, 11:19] = 9.0  # under the roof, as where rain was not led away
    found = building_exposure(houses(HOUSE), flood(bed, h)).iloc[0]
    assert (found["depth_m"], found["hazard"]) == (0.0, "dry")
    assert np.isnat(found["first_wet"].to_datetime64())


def test_the_ring_is_outside_every_footprint_and_near_its_own() -> None:
    water = standing(np.zeros((30, 30)), [1.0])
    neighbour = shapely.box(20, 10, 24, 18)
    cells = wall_cells(np.array([HOUSE, neighbour]), water)
    x, y = water.grid.x_centres[cells.cells % 30], water.grid.y_centres[cells.cells // 30]
    points = shapely.points(x, y)
    assert not shapely.contains(shapely.union(HOUSE, neighbour), points).any()
    mine = points[: cells.starts[1]]
    assert shapely.distance(HOUSE, mine).max() <= 1.25
    # 12 x 10 cells of the grown house less its own 80, less the eight of the neighbour's column
    assert len(mine) == 12 * 10 - 80 - 8


def test_a_film_of_rain_behind_a_house_does_not_fill_it() -> None:
    bed = np.broadcast_to(np.arange(30)[::-1, None] * 0.2, (30, 30))  # rises to the north
    film = flood(bed, np.full((1, 30, 30), 0.06))
    found = building_exposure(houses(HOUSE, floor_m=[float(bed[20, 0])]), film).iloc[0]
    assert found["inside_m"] == pytest.approx(0.06)
    thin = flood(bed, np.full((1, 30, 30), 0.04))
    dry = building_exposure(houses(HOUSE), thin).iloc[0]
    assert (dry["inside_m"], dry["wet_storeys"], dry["water_m3"]) == (0.0, 0, 0.0)


def test_danger_is_the_worst_at_any_moment_and_wall() -> None:
    h = np.stack([np.full((30, 30), 0.6), np.full((30, 30), 0.2)])
    u = np.stack([np.full((30, 30), 0.1), np.full((30, 30), 2.5)])
    found = building_exposure(houses(HOUSE), flood(np.zeros((30, 30)), h, u=u)).iloc[0]
    assert found["hazard"] == "H5"  # faster than 2 m/s, though shallow by then
    assert found["depth_velocity_m2_s"] == pytest.approx(0.5)  # and not 0.6 m times 2.5 m/s
    rated = building_exposure(houses(HOUSE), flood(np.zeros((30, 30)), h, u=u), hazard="fd2320-2008").iloc[0]
    assert rated["hazard"] == "significant"  # 0.6 * 0.6 + 1 = 1.36 and 0.2 * 3 + 0.5 = 1.1


def test_a_film_endangers_nobody() -> None:
    film = flood(np.zeros((30, 30)), np.full((1, 30, 30), 0.03), u=np.full((1, 30, 30), 4.5))
    assert building_exposure(houses(HOUSE), film).iloc[0]["hazard"] == "dry"
    rated = building_exposure(houses(HOUSE), film, hazard="fd2320-2008").iloc[0]
    assert rated["hazard"] == "dry"


def test_peaks_and_arrivals_between_moments_count() -> None:
    rasters = {
        "max_depth_m": np.full((30, 30), 1.3, np.float32),
        "arrival_s": np.where(np.arange(30) < 12, 400.0, 250.0)[None].repeat(30, 0).astype(np.float32),
    }
    water = flood(np.zeros((30, 30)), np.stack([np.zeros((30, 30)), np.full((30, 30), 0.2)]), rasters=rasters)
    found = building_exposure(houses(HOUSE), water).iloc[0]
    assert (found["depth_m"], found["inside_m"], found["hazard"]) == (
        pytest.approx(1.3),
        pytest.approx(1.3),
        "H4",
    )
    assert found["first_wet"] == np.datetime64("2026-08-28T03:04:10")


def test_a_river_along_a_wall_is_no_flood() -> None:
    bed = np.zeros((30, 30), np.float32)
    bed[:, 20:] = -3.0
    river = gpd.GeoDataFrame(geometry=[shapely.box(20, 0, 30, 30)], crs=5187)
    water = standing(bed, [-0.5])
    assert building_exposure(houses(HOUSE), water).iloc[0]["depth_m"] == pytest.approx(2.5)
    found = building_exposure(houses(HOUSE), water, water=river).iloc[0]
    assert (found["depth_m"], found["hazard"]) == (0.0, "dry")


def test_outside_the_flood_nothing_is_known() -> None:
    water = standing(np.zeros((30, 30)), [1.0])
    within = shapely.box(12, 12, 14, 14)  # inside another: it has no free wall
    found = building_exposure(houses(shapely.box(90, 90, 99, 99), HOUSE, within), water)
    assert found["hazard"].isna().tolist() == [True, False, True]
    assert found["depth_m"].isna().tolist() == [True, False, True]
    assert found["wet_storeys"].isna().tolist() == [True, False, True]
    assert found["n_wall_cells"].tolist()[::2] == [0, 0]


def test_a_tighter_bound_on_wet_finds_more() -> None:
    water = standing(np.zeros((30, 30)), [0.03])
    assert building_exposure(houses(HOUSE), water).iloc[0]["inside_m"] == 0.0
    assert building_exposure(houses(HOUSE), water, wet_from_m=0.02).iloc[0]["inside_m"] == pytest.approx(0.03)
