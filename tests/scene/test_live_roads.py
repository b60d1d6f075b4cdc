"""Roads by the sensors on them: which road, which colour, and what a flood leaves of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString, box

from twin.core.grid import Bounds
from twin.live.memory import Memory
from twin.live.model import MICROSECONDS, Catalogue, Datastream, Observation, Place, Quality, Thing, batch_of
from twin.scene.flood_city import ROAD_RGBA
from twin.scene.live_bound import STALE_RGB
from twin.scene.live_layer import LiveLayer
from twin.scene.live_roads import ALPHA, UNSURE_RGB, RoadFinder
from twin.scene.model import Picture
from twin.scene.moment import together

START = datetime(2026, 8, 28, 3, tzinfo=UTC)
RED, YELLOW, GREEN = (215, 38, 61), (242, 201, 76), (39, 174, 96)
ROADS = gpd.GeoDataFrame(
    {
        "id": ["a-0", "a-1", "walk", "b", "lane"],
        "segment": ["a", "a", "a", "b", "lane"],
        "name": ["Mill Street", "Mill Street", "Mill Street", "Quay", "Lane"],
        "class": ["residential", "residential", "footway", "residential", "residential"],
        "width_m": [0, 0, 0, 0, 8.0],
    },
    geometry=[
        box(0, 0, 100, 10),
        box(0, 12, 100, 22),
        box(0, 10, 100, 12),
        box(0, 30, 100, 40),
        LineString([(0, 60), (100, 60)]),
    ],
    crs="EPSG:5187",
)


def thing(name, place, *, stream="vehicle_speed", unit="km/h", title=""):
    made = Thing(name, title or name, place=place)
    return made, Datastream(f"{name}:{stream}", name, observed_property=stream, unit=unit, max_age_s=600)


@dataclass
class Source:
    """Observations in memory."""

    pairs: tuple
    memory: Memory = field(init=False)

    def __post_init__(self):
        self.memory = Memory(self.catalogue())

    def catalogue(self):
        return Catalogue(tuple(t for t, _ in self.pairs), tuple(s for _, s in self.pairs))

    def put(self, stream, minutes, value, **more):
        time = us(minutes)
        self.memory.put(batch_of([Observation(stream, time, time, value, **more)]))

    def latest(self, moment=None):
        return self.memory.as_of(us(60) if moment is None else moment)

    def history(self, datastream, start=None, end=None):
        return self.memory.history(datastream, start, end)

    def span(self):
        return us(0), us(60)


def us(minutes):
    return round((START + timedelta(minutes=minutes)).timestamp() * MICROSECONDS)


def view_of(source, minutes=1, properties=()):
    return LiveLayer(source, properties, roads=lambda: ROADS).at(START + timedelta(minutes=minutes))


def colours_at(picture, x, y):
    """Colours around a place, by whole metres."""
    b, (ny, nx) = picture.bounds, picture.rgba.shape[:2]
    column, row = int((x - b.x_min) / b.width * nx), int((b.y_max - y) / b.height * ny)
    cells = picture.rgba[max(0, row - 8) : row + 8, max(0, column - 8) : column + 8].reshape(-1, 4)
    return {tuple(c) for c in np.unique(cells, axis=0).tolist()}


def test_a_road_has_the_colour_of_the_band():
    source = Source((thing("one", Place("road", None, "b")), thing("two", Place("road", None, "lane"))))
    for minutes, speed, rgb in ((0, 9.0, RED), (5, 20.0, YELLOW), (10, 40.0, GREEN)):
        source.put("one:vehicle_speed", minutes, speed)
        view = view_of(source, minutes + 1)
        assert (*rgb, ALPHA) in colours_at(view.drape, 50, 35)
        assert view.markers is None  # nothing stands anywhere
    assert view.legends[0].title == "Vehicle speed, km/h (on roads)"
    assert [e.kind for e in view.legends[0].entries] == ["line"] * 3
    assert view.drape.rgba[..., 3].max() == ALPHA
    assert {c[3] for c in colours_at(view.drape, 50, 60)} == {0}  # the lane's sensor has told nothing


def test_a_segment_is_all_its_carriageways():
    finder = RoadFinder(ROADS)
    assert finder.rows(Thing("t", place=Place("road", None, "a")), is_traffic=False) == (0, 1)
    assert finder.rows(Thing("t", place=Place("road", None, "a-1")), is_traffic=False) == (1,)


@pytest.mark.parametrize(
    ("title", "place", "rows"),
    [
        ("Counter", (50.0, 11.0, 0.0), (0, 1)),  # on the walk between two carriageways
        ("Quay counter", (50.0, 23.0, 0.0), (3,)),  # further from the one that lends its name
        ("Counter", (50.0, 100.0, 0.0), ()),  # out of reach
    ],
)
def test_traffic_without_a_road_speaks_of_the_nearest(title, place, rows):
    finder = RoadFinder(ROADS)
    for kind in (Place("point", place), Place("road", place, "none such")):
        made = Thing("t", title, place=kind)
        assert finder.rows(made, is_traffic=True) == rows
        assert finder.rows(made, is_traffic=False) == ()


def test_the_newest_of_several_counts_and_ages():
    source = Source((thing("one", Place("road", None, "b")), thing("two", Place("road", None, "b"))))
    source.put("two:vehicle_speed", 0, 40.0)
    source.put("one:vehicle_speed", 5, 9.0)
    assert (*RED, ALPHA) in colours_at(view_of(source, 6).drape, 50, 35)
    source.put("two:vehicle_speed", 7, 41.0)
    assert (*GREEN, ALPHA) in colours_at(view_of(source, 8).drape, 50, 35)
    assert (*STALE_RGB, ALPHA) in colours_at(view_of(source, 30).drape, 50, 35)


def test_what_cannot_be_true_is_striped():
    source = Source((thing("one", Place("road", None, "b")),))
    source.put("one:vehicle_speed", 0, 40.0, quality=Quality.INVALID)
    assert {(*GREEN, ALPHA), (*UNSURE_RGB, ALPHA)} <= colours_at(view_of(source).drape, 50, 35)


def test_any_property_that_is_asked_for_colours_the_road_it_is_bound_to():
    noisy = thing("ear", Place("road", None, "b"), stream="sound_level", unit="dB")
    source = Source((noisy, thing("one", Place("road", None, "lane"))))
    source.put("ear:sound_level", 0, 77.0)
    assert (123, 42, 107, ALPHA) in colours_at(view_of(source, properties=("sound_level",)).drape, 50, 35)


def test_nothing_new_is_made_while_colours_stay():
    source = Source((thing("one", Place("road", None, "b")),))
    source.put("one:vehicle_speed", 0, 40.0)
    layer = LiveLayer(source, roads=lambda: ROADS)
    first = layer.at(START + timedelta(minutes=1)).drape
    source.put("one:vehicle_speed", 2, 44.0)
    assert layer.at(START + timedelta(minutes=3)).drape is first


def test_no_road_no_picture():
    source = Source((thing("one", Place("point", (50.0, 500.0, 0.0))),))
    source.put("one:vehicle_speed", 0, 40.0)
    assert view_of(source).drape is None


@pytest.mark.parametrize("is_flood_later", [True, False])
def test_danger_hides_traffic_and_traffic_hides_what_is_open(is_flood_later):
    bounds = Bounds(0, 0, 4, 1)
    flood = Picture(np.array([ROAD_RGBA], np.uint8), bounds)
    traffic = Picture(np.full((1, 4, 4), (*GREEN, ALPHA), np.uint8), bounds)
    found = together([traffic, flood] if is_flood_later else [flood, traffic]).rgba[0].astype(int)
    wanted = np.array([GREEN, *(rgba[:3] for rgba in ROAD_RGBA[1:])])
    assert np.abs(found[:, :3] - wanted).max() < 25
