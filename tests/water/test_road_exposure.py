"""Roads in a flood: depths, states and times against what can be told by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from twin.core.errors import ConfigError, InputError, UsageError
from twin.core.grid import Grid
from twin.water.depth_ranges import with_ranges
from twin.water.flood import StepArrays, flood_of
from twin.water.roads import road_exposure
from twin.water.sampling import cells_of
from twin.water.standards import (
    hazard_classes,
    hazard_standard,
    road_standard,
    road_states,
    safe_speed,
)

START = np.datetime64("2026-08-28T03:00:00", "s")


def flood(bed, levels, *, cell=1.0, velocity=None, minutes=10, rasters=None):
    """Still water at each of some levels over a bed."""
    bed = np.asarray(bed, np.float32)
    h = np.maximum(np.asarray(levels, np.float32)[:, None, None] - bed, 0).astype(np.float32)
    u = None if velocity is None else np.broadcast_to(np.asarray(velocity, np.float32), h.shape)
    v = None if u is None else np.zeros_like(h)
    ny, nx = bed.shape
    times = START + np.arange(len(levels)) * 60 * minutes
    return flood_of(
        "test",
        Grid(0.0, ny * cell, cell, nx, ny),
        times,
        bed,
        StepArrays(h, u, v),
        kind="simulation",
        rasters=rasters,
    )


def roads(*shapes, **columns):
    ids = columns.pop("id", [f"r{i}" for i in range(len(shapes))])
    return gpd.GeoDataFrame({"id": ids, **columns}, geometry=list(shapes), crs=5187)


def ramp(ny=20, nx=100):
    """Falls by 1 cm a metre to the east."""
    return np.broadcast_to((nx - np.arange(nx) - 0.5) * 0.01, (ny, nx))


def test_the_deepest_place_along_a_sloping_road_counts() -> None:
    bed = ramp()
    found = road_exposure(roads(shapely.box(10, 8, 50, 12)), flood(bed, [0.4, 0.8]))
    # the lowest cell of the road is column 49, whose centre lies 50.5 m from the foot of the ramp: 0.505 m
    assert found.states["depth_m"].to_numpy() == pytest.approx([0.0, 0.295], abs=1e-6)
    assert found.states["state"].tolist() == ["open", "restricted"]
    deep = 0.8 - bed[0, 10:50] >= 0.05
    assert found.states["wet_share"].iloc[1] == pytest.approx(deep.mean())


def test_lines_get_their_width_and_their_whole_length() -> None:
    bed = np.zeros((20, 40), np.float32)
    bed[7, 30] = -0.2  # a pothole two metres beside the axis, near the end
    line = shapely.linestrings([[2, 10.5], [38, 10.5]])
    wide, narrow = roads(line, width_m=[6.0]), roads(line, width_m=[2.0])
    # row 7 has its centre at y = 12.5
    assert road_exposure(wide, flood(bed, [0.1])).segments["max_depth_m"].iloc[0] == pytest.approx(0.3)
    assert road_exposure(narrow, flood(bed, [0.1])).segments["max_depth_m"].iloc[0] == pytest.approx(0.1)
    lanes = roads(line, lanes=[2])
    assert road_exposure(lanes, flood(bed, [0.1])).segments["max_depth_m"].iloc[0] == pytest.approx(0.3)


def test_closing_and_reopening() -> None:
    levels = [0.0, 0.1, 0.35, 0.2, 0.4, 0.5, 0.1, 0.1, 0.0]
    found = road_exposure(roads(shapely.box(0, 0, 5, 5)), flood(np.zeros((6, 6)), levels)).segments.iloc[0]
    assert found["closes_at"] == np.datetime64("2026-08-28T03:20:00")
    assert found["reopens_at"] == np.datetime64("2026-08-28T04:00:00")
    assert found["closes_after_s"] == 1200
    assert found["closed_s"] == 1800  # one step of ten minutes, then two
    assert found["n_closings"] == 2
    still = road_exposure(roads(shapely.box(0, 0, 5, 5)), flood(np.zeros((6, 6)), [0.0, 0.4])).segments.iloc[
        0
    ]
    assert np.isnat(still["reopens_at"].to_datetime64())
    never = road_exposure(roads(shapely.box(0, 0, 5, 5)), flood(np.zeros((6, 6)), [0.0, 0.1])).segments.iloc[
        0
    ]
    assert np.isnat(never["closes_at"].to_datetime64())
    assert never["state"] == "caution"


def test_a_peak_between_two_moments_counts() -> None:
    peak = np.full((6, 6), 0.6, np.float32)
    found = road_exposure(
        roads(shapely.box(0, 0, 5, 5)),
        flood(np.zeros((6, 6)), [0.0, 0.1], rasters={"max_depth_m": peak}),
    ).segments.iloc[0]
    assert (found["max_depth_m"], found["state"]) == (pytest.approx(0.6), "closed")


def test_the_worst_product_need_not_stand_where_it_is_deepest() -> None:
    bed = np.zeros((1, 10), np.float32)
    bed[0, 2] = -0.2
    speed = np.where(np.arange(10) == 7, 2.5, 0.1)[None, None]
    road = roads(shapely.box(0, 0, 10, 1))
    found = road_exposure(road, flood(bed, [0.2], velocity=speed), standard="small-car-2011").states.iloc[0]
    assert found["depth_m"] == pytest.approx(0.4)
    assert found["velocity_m_s"] == pytest.approx(2.5)
    assert found["depth_velocity_m2_s"] == pytest.approx(0.5)
    slow = road_exposure(road, flood(bed + 0.15, [0.2], velocity=speed), standard="small-car-2011")
    assert slow.states["state"].tolist() == ["restricted"]
    fast = road_exposure(road, flood(bed + 0.05, [0.2], velocity=speed), standard="small-car-2011")
    assert fast.states["state"].tolist() == ["closed"]  # 0.15 m at 2.5 m/s passes 0.3 m2/s


def test_a_fast_film_closes_nothing() -> None:
    road = roads(shapely.box(0, 0, 10, 1))
    quick = flood(np.zeros((1, 10)), [0.02], velocity=np.full((1, 10), 3.5))
    found = road_exposure(road, quick, standard="small-car-2011")
    assert found.states["state"].tolist() == ["open"]
    assert found.segments["state"].tolist() == ["open"]


def test_cells_cut_by_the_edge_of_a_deck_belong_to_it() -> None:
    bed = np.full((30, 30), 0.0, np.float32)  # cells of 2 m; the deck's edges lie within cells
    deck = gpd.GeoDataFrame({"deck_m": [5.0]}, geometry=[shapely.box(11, 0, 21.8, 60)], crs=5187)
    over = roads(shapely.box(11, 0, 21.8, 60), bridge=["yes"])
    found = road_exposure(over, flood(bed, [3.0, 5.5], cell=2.0), decks=deck)
    assert found.states["depth_m"].to_numpy() == pytest.approx([0.0, 0.5])


def test_a_bridge_is_dry_until_the_water_reaches_its_deck() -> None:
    bed = np.full((20, 60), 4.0, np.float32)
    bed[:, 20:40] = 0.0  # a river
    deck = gpd.GeoDataFrame({"deck_m": [4.5]}, geometry=[shapely.box(20, 5, 40, 15)], crs=5187)
    over = roads(shapely.box(0, 8, 60, 12))
    shown = road_exposure(over, flood(bed, [3.0, 4.7]), decks=deck)
    assert shown.states["depth_m"].to_numpy() == pytest.approx([0.0, 0.7], abs=1e-6)  # on land beside it
    on_it = road_exposure(roads(shapely.box(20, 8, 40, 12)), flood(bed, [3.0, 4.7]), decks=deck)
    assert on_it.states["depth_m"].to_numpy() == pytest.approx([0.0, 0.2], abs=1e-6)
    assert on_it.segments["on_deck"].all()
    assert road_exposure(over, flood(bed, [3.0])).states["depth_m"].iloc[0] == pytest.approx(3.0)


def test_the_ends_of_a_humped_bridge_are_wet_before_its_middle() -> None:
    bed = np.full((20, 60), 4.0, np.float32)
    bed[:, 20:40] = 0.0
    x, top = [20.0, 30.0, 40.0], [4.0, 6.0, 4.0]
    lower, upper = [(x[k], 5.0, top[k]) for k in range(3)], [(x[k], 15.0, top[k]) for k in range(3)]
    faces = [
        t
        for k in range(2)
        for t in ((lower[k], lower[k + 1], upper[k + 1]), (lower[k], upper[k + 1], upper[k]))
    ]
    slab = shapely.multipolygons([shapely.polygons(np.array(t)) for t in faces])
    deck = gpd.GeoDataFrame(
        {"deck_m": [6.0], "slab": [slab]}, geometry=[shapely.box(20, 5, 40, 15)], crs=5187
    )
    pieces = roads(shapely.box(20, 8, 22, 12), shapely.box(28, 8, 32, 12), bridge=["yes", "yes"])
    found = road_exposure(pieces, flood(bed, [5.0]), decks=deck).states
    # the deck rises 20 cm a metre: its lowest sampled place lies half a metre from the end
    assert found["depth_m"].to_numpy() == pytest.approx([0.9, 0.0], abs=1e-5)


def test_a_road_below_a_deck_is_an_underpass() -> None:
    bed = np.full((60, 20), 5.0, np.float32)
    bed[:, 5:15] = 0.0  # a cut, spanned in its middle
    deck = gpd.GeoDataFrame({"deck_m": [5.5]}, geometry=[shapely.box(3, 25, 17, 35)], crs=5187)
    low = roads(shapely.box(6, 0, 14, 60))
    found = road_exposure(low, flood(bed, [0.2]), decks=deck)
    assert found.segments[["underpass", "on_deck"]].iloc[0].tolist() == [True, False]
    assert found.states["state"].tolist() == ["closed"]  # 15 cm in an underpass, 30 cm elsewhere
    assert road_exposure(low, flood(bed, [0.2])).states["state"].tolist() == ["restricted"]
    told = roads(shapely.box(6, 0, 14, 60), bridge=["yes"])
    assert road_exposure(told, flood(bed, [0.2]), decks=deck).segments["on_deck"].iloc[0]
    named = roads(shapely.box(6, 0, 14, 60), tunnel=["yes"])
    assert road_exposure(named, flood(bed, [0.2])).states["state"].tolist() == ["closed"]


def test_a_road_outside_is_unknown_and_not_open() -> None:
    found = road_exposure(roads(shapely.box(100, 100, 120, 105)), flood(np.zeros((9, 9)), [1.0]))
    assert found.states["state"].isna().all()
    assert found.states["depth_m"].isna().all()
    assert found.segments["known_share"].tolist() == [0.0]


def test_classes_of_depth_stay_ranges() -> None:
    water = flood_of(
        "x",
        Grid(0, 4, 1.0, 20, 4),
        START + np.array([0]),
        np.zeros((4, 20)),
        StepArrays(np.full((1, 4, 20), 0.2, np.float32)),
        kind="import",
    )
    bounds = {"depth_low_m": [np.nan, 0.1, 1.0], "depth_high_m": [0.04, 0.5, np.nan]}
    areas = [shapely.box(0, 0, 5, 4), shapely.box(5, 0, 10, 4), shapely.box(10, 0, 15, 4)]
    ranged = with_ranges(water, gpd.GeoDataFrame(bounds, geometry=areas, crs=5187))
    pieces = roads(*[shapely.box(x, 0, x + 4, 4) for x in (0, 5, 10, 15)])
    found = road_exposure(pieces, ranged)
    assert found.states["depth_m"].to_numpy() == pytest.approx([0.2] * 4)
    assert found.states["depth_low_m"].to_numpy() == pytest.approx([0, 0.1, 1.0, 0])
    assert found.states["depth_high_m"].to_numpy() == pytest.approx([0.04, 0.5, 1.0, 0])
    assert found.segments["state_low"].tolist() == ["open", "caution", "closed", "open"]
    assert found.segments["state_high"].tolist() == ["open", "closed", "closed", "open"]
    assert "depth_low_m" not in road_exposure(pieces, water).states
    bare = gpd.GeoDataFrame({k: [np.nan] * 3 for k in bounds}, geometry=areas, crs=5187)
    assert with_ranges(water, bare) is water


def test_a_large_cell_belongs_to_the_road_that_covers_a_quarter() -> None:
    grid = Grid(0.0, 40.0, 10.0, 4, 4)
    slim = cells_of(np.array([shapely.box(0, 18, 40, 20)]), grid)  # a fifth of a row of cells: all there is
    assert slim.cells.tolist() == [8, 9, 10, 11]
    wide = cells_of(np.array([shapely.box(0, 8, 40, 20)]), grid)  # row 2 whole, 2 m of row 3
    assert wide.cells.tolist() == [8, 9, 10, 11]
    crumb = cells_of(np.array([shapely.box(3.1, 3.1, 3.2, 3.2), shapely.box(90, 0, 91, 1)]), grid)
    assert crumb.cells.tolist() == [12]
    assert crumb.counts.tolist() == [1, 0]


def test_cells_are_those_whose_centre_lies_inside() -> None:
    rng = np.random.default_rng(7)
    grid = Grid(0.0, 60.0, 1.0, 60, 60)
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    shapes = shapely.buffer(shapely.linestrings(rng.uniform(-10, 70, (30, 3, 2))), 4)
    shapes = np.append(shapes, shapely.difference(shapely.box(5, 5, 30, 30), shapely.box(10, 10, 20, 20)))
    shapes = np.append(shapes, shapely.multipolygons([shapely.box(1, 1, 4, 4), shapely.box(50, 50, 55, 58)]))
    found = cells_of(shapes, grid)
    for k, shape in enumerate(shapes):
        mine = found.cells[found.starts[k] : found.starts[k + 1]]
        assert mine.tolist() == np.flatnonzero(shapely.contains_xy(shape, x, y)).tolist()


def test_speed_falls_to_nothing_at_thirty_centimetres() -> None:
    speed = road_standard("korea-2024").speed
    depth = np.linspace(0, 0.4, 81)
    km_h = safe_speed(speed, depth)
    assert (np.diff(km_h) <= 0).all()
    assert safe_speed(speed, 0.2) == pytest.approx(0.0009 * 200**2 - 0.5529 * 200 + 86.9448)
    assert safe_speed(speed, [0.3, 1.0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("depth", "velocity", "name"),
    [
        *((0.0, 3.0, 0), (0.3, 1.0, 1), (0.29, 1.1, 2), (0.5, 1.2, 2), (0.51, 0.0, 3), (1.2, 0.5, 3)),
        *(
            (1.21, 0.0, 4),
            (1.0, 1.0, 4),
            (1.0, 1.01, 5),
            (0.1, 2.1, 5),
            (2.1, 0.0, 5),
            (0.1, 4.1, 6),
            (4.1, 0.0, 6),
        ),
        (2.1, 2.0, 6),
    ],
)
def test_hazard_curves(depth: float, velocity: float, name: int) -> None:
    assert hazard_classes(hazard_standard("aidr-2017"), [depth], [velocity])[0] == name


def test_the_british_rating() -> None:
    rule = hazard_standard("fd2320-2008")
    # 0.25 (0 + 0.5) + 0.5 = 0.625; 0.3 (0 + 0.5) + 1 = 1.15; 0.6 * 0.5 + 1 = 1.3; 1 * 2.5 + 1 = 3.5
    found = hazard_classes(rule, [0.0, 0.25, 0.3, 0.6, 1.0], [1.0, 0.0, 0.0, 0.0, 2.0])
    assert found.tolist() == [0, 1, 2, 3, 4]


def test_shipped_standards_name_source_and_edition() -> None:
    for name in ("korea-2024", "small-car-2011", "four-wheel-drive-2011"):
        rule = road_standard(name)
        assert rule.source
        assert rule.edition
        assert road_states(rule.limits, 0.0, 0.0, 0.0) == 0
        assert road_states(rule.limits, 0.6, 0.0, 0.0) == 3


def test_mistakes_in_a_standard_are_named(tmp_path) -> None:
    with pytest.raises(UsageError, match="korea-2024"):
        road_standard("narnia")
    head = 'title="t"\nedition="e"\nsource="s"\n'
    text = head + "[caution]\ndepth_m=0.2\n[restricted]\ndepth_m=0.1\n[closed]\ndepth_m=0.3\n"
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigError, match="must not fall"):
        road_standard(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text(text.replace("depth_m=0.2", "depth_m=-1"))
    with pytest.raises(ConfigError, match=r"caution\.depth_m"):
        road_standard(tmp_path / "b.toml")
    (tmp_path / "c.toml").write_text(
        'rule="limits"\ntitle="t"\nedition="e"\nsource="s"\n[[class]]\nname="a"\n'
    )
    with pytest.raises(ConfigError, match="two classes"):
        hazard_standard(tmp_path / "c.toml")


def test_the_order_of_roads_and_holes_in_the_flood_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    bed = rng.normal(0, 0.2, (40, 50)).astype(np.float32)
    h = np.maximum(rng.normal(-0.2, 0.3, (4, 40, 50)), 0).astype(np.float32)
    bed[10:20, 10:20] = h[:, 10:20, 10:20] = np.nan
    times = START + np.arange(4) * 600
    water = flood_of("x", Grid(0.0, 40.0, 1.0, 50, 40), times, bed, StepArrays(h, h, h), kind="simulation")
    many = roads(*shapely.linestrings(rng.uniform(-5, 55, (60, 2, 2))), width_m=rng.uniform(1, 9, 60))
    order = rng.permutation(60)
    first = road_exposure(many, water).segments.set_index("road_id").drop(columns="geometry")
    second = road_exposure(many.iloc[order].reset_index(drop=True), water).segments.set_index("road_id")
    pd.testing.assert_frame_equal(pd.DataFrame(first), pd.DataFrame(second[first.columns].loc[first.index]))
    part = first["known_share"].between(0.01, 0.99)
    assert part.any()
    assert first.loc[part, "max_depth_m"].notna().all()


def test_roads_without_a_shape_are_unknown() -> None:
    found = road_exposure(
        roads(None, shapely.Polygon(), shapely.box(0, 0, 2, 2)), flood(np.zeros((4, 4)), [0.1])
    )
    assert found.states["depth_m"].isna().tolist() == [True, True, False]


def test_roads_must_have_ids_of_their_own_and_be_roads() -> None:
    water = flood(np.zeros((4, 4)), [0.1])
    box = shapely.box(0, 0, 1, 1)
    with pytest.raises(InputError, match="'a' stands for 2 roads"):
        road_exposure(roads(box, box, id=["a", "a"]), water)
    with pytest.raises(InputError, match="points"):
        road_exposure(roads(shapely.Point(0, 0)), water)
