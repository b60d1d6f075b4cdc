"""What a flood does to a city in the scene: roads by state, buildings by the water at their walls, rivers as water."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from PIL import Image

from tests.drawing import needs_graphics
from tests.flood_city import box, grid_of, make_city
from twin.core.errors import UsageError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.scene.as_layer import as_layer, chosen_layers
from twin.scene.flood_city import ROAD_RGBA, RoadLook, covered
from twin.scene.flood_layer import FloodLayer
from twin.scene.store import NO_LAYERS, stored_pack
from twin.water.exposure import expose
from twin.water.flood import StepArrays, flood_of
from twin.water.flood_store import store_flood

START = datetime(2026, 8, 28, 3, tzinfo=UTC)
N = 40


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Level ground with a road in the south, a river in the north, and a house between them on either side."""
    z = np.zeros((N, N), np.float32)
    grid = grid_of(z)
    roads = {
        "road_id": ["west", "east"],
        "geometry": [box(grid, slice(30, 36), slice(0, 20)), box(grid, slice(30, 36), slice(20, 40))],
    }
    river = {"class": ["river"], "level_m": [0.0], "geometry": [box(grid, slice(0, 8), slice(0, N))]}
    houses = [box(grid, slice(14, 20), slice(5, 11)), box(grid, slice(14, 20), slice(28, 34))]
    made = make_city(
        tmp_path_factory.mktemp("town") / "town.twin",
        z,
        water=river,
        footprints=houses,
        layers={"roads": roads},
    )
    return store_flood(made, flood(grid), notices=Notices())


def flood(grid):
    """Water in the west: 10 cm, then 60 cm; a metre in the river."""
    h = np.zeros((3, N, N), np.float32)
    h[1, :, :20], h[2, :, :20] = 0.1, 0.6
    h[:, :8] = 1.0
    times = np.datetime64("2026-08-28T03:00:00", "s") + 3600 * np.arange(3)
    return flood_of("storm", grid, times, np.zeros((N, N), np.float32), StepArrays(h), kind="simulation")


def test_a_layer_that_is_not_there_is_answered_with_those_that_are(city):
    with pytest.raises(UsageError, match="choose of storm"):
        stored_pack(city, ["flood:storm"], notices=Notices())


def at(layer, hours):
    return layer.at(START + timedelta(hours=hours))


def road_colour(view, city, x):
    b = view.drape.bounds
    row = int((b.y_max - (city.manifest.bounds[4] - 33.0)) / b.height * view.drape.rgba.shape[0])
    return tuple(view.drape.rgba[row, int(x / b.width * view.drape.rgba.shape[1])].tolist())


@pytest.mark.parametrize("kept", [False, True])
def test_roads_have_the_colour_of_their_state(city, kept):
    own = expose(city, as_layer("storm", city).flood, notices=Notices()) if kept else city
    layer = as_layer("storm", own)
    assert [road_colour(at(layer, h), own, 10.0) for h in (0, 1, 1.9, 2)] == [
        ROAD_RGBA[0], ROAD_RGBA[1], ROAD_RGBA[1], ROAD_RGBA[3],
    ]  # fmt: skip
    assert road_colour(at(layer, 2), own, 30.0) == ROAD_RGBA[0]
    assert road_colour(layer.at(None), own, 10.0) == ROAD_RGBA[3]
    assert any("Road closed" in e.text for legend in at(layer, 0).legends for e in legend.entries)


@pytest.mark.parametrize("colouring", ["hazard", "arrival"])
def test_roads_keep_their_own_colour_beside_water_in_theirs(city, colouring):
    layer = as_layer(f"storm:{colouring}", city)
    assert layer.roads is not None
    view = at(layer, 2)
    assert view.drape is None
    assert not any("Road" in e.text for legend in view.legends for e in legend.entries)


def test_edges_of_roads_are_smooth():
    road = np.full((40, 40), -1, np.int32)
    rows, columns = np.indices(road.shape)
    road[np.abs(rows - 0.4 * columns - 8) < 6] = 0
    found, cover = covered(road)
    look = RoadLook(found, cover, Bounds(0, 0, 20, 20), np.array([[3]], np.int8), np.array([3], np.int8), "x")
    rgba = look.picture(0).rgba
    assert rgba.shape == (20, 20, 4)
    assert len(set(rgba[..., 3].ravel().tolist())) >= 4
    assert rgba[..., 3].sum() == pytest.approx((road >= 0).sum() / 4 * ROAD_RGBA[3][3], rel=0.01)
    beside = (cover == 0) & (found >= 0)
    assert beside.any()
    assert (rgba[beside] == (*ROAD_RGBA[3][:3], 0)).all()


def test_roads_by_another_standard(city):
    layer = FloodLayer(as_layer("storm", city).flood, city=city, road_standard="small-car-2011")
    assert "small-car-2011" in layer.roads.legend.title
    with pytest.raises(UsageError, match="nobody-1999"):
        at(FloodLayer(layer.flood, city=city, road_standard="nobody-1999"), 0)


def test_buildings_are_coloured_when_asked_for(city):
    plain = as_layer("storm", city)
    assert not at(plain, 2).building_rgb
    layer = FloodLayer(plain.flood, city=city, shows=("buildings",))
    assert set(at(layer, 2).building_rgb) == {"b0"}
    assert not at(layer, 0).building_rgb
    assert at(layer, 1).building_rgb != at(layer, 2).building_rgb
    assert at(layer, 2).water is None
    with pytest.raises(UsageError, match="cars"):
        FloodLayer(plain.flood, shows=("cars",))


def test_a_river_has_no_class(city):
    value = at(as_layer("storm", city), 2).water.value
    assert np.isnan(value[:8]).all()
    assert value[20, 5] == pytest.approx(0.6)


def test_names_of_a_city(city):
    chosen = chosen_layers(city, ["storm:hazard"])
    assert chosen.overlays == NO_LAYERS
    assert chosen.moving[0].colouring == "hazard"
    assert chosen_layers(city, ["parks", "storm"]).overlays == ("parks",)
    with pytest.raises(UsageError, match="by 'mood'"):
        chosen_layers(city, ["storm:mood"])
    with pytest.raises(UsageError, match="no layer 'flood'"):
        as_layer("flood", city)


def test_a_new_flood_makes_no_new_pack(city):
    from twin.scene.store import _place

    before = _place(city, ())
    other = store_flood(city, flood_named(city, "other"), notices=Notices())
    assert _place(other, ()) == before == _place(other, NO_LAYERS)


def flood_named(city, name):
    made = flood(as_layer("storm", city).flood.grid)
    return flood_of(name, made.grid, made.times, made.bed_m, made.steps, kind="simulation")


def test_pixels_of_roads_are_two_of_a_tenth_of_a_metre_or_as_many_as_fit():
    from twin.core.grid import Grid
    from twin.scene.flood_city import _fine_grid

    assert _fine_grid(Grid(0, 100, 2.0, 50, 50)).cell_size_m == pytest.approx(0.1)
    large = _fine_grid(Grid(0, 10_000, 2.0, 5000, 5000))
    assert large.nx % 2 == large.ny % 2 == 0
    assert large.nx * large.ny / 4 < 4.1e6
    assert shapely.box(*vars_of(large)).area == pytest.approx(1e8, rel=0.01)


def vars_of(grid):
    b = grid.bounds
    return b.x_min, b.y_min, b.x_max, b.y_max


@needs_graphics
def test_the_command_line_draws_a_moment_and_tells_of_times_outside(city, tmp_path):
    from click.testing import CliRunner

    from twin.cli.main import cli

    def snapshot(name, *more):
        out = tmp_path / f"{name}.png"
        done = CliRunner().invoke(cli, ["snapshot", str(city.path), str(out), "--size", "320x180", *more])
        assert done.exit_code == 0, done.output
        return np.asarray(Image.open(out)).astype(int), done.output

    dry, _ = snapshot("dry", "--layer", "storm", "--time", "2026-08-28T03:00+00:00")
    wet, told = snapshot("wet", "--layer", "storm", "--time", "2026-08-28T05:00+00:00")
    assert "nearest state" not in told
    assert (np.abs(wet - dry).max(axis=-1) > 40).sum() > 500
    again, _ = snapshot("again", "--layer", "storm", "--time", "2026-08-28T05:00+00:00")
    assert np.array_equal(wet, again)
    _, told = snapshot("later", "--layer", "storm", "--time", "2026-08-29T05:00+00:00")
    assert "storm knows of 2026-08-28T03:00+00:00 to 2026-08-28T05:00+00:00" in told
