"""Observations in a scene: which stations are shown, how, and as of when."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from twin.core.errors import UsageError
from twin.live.memory import Memory
from twin.live.model import MICROSECONDS, Catalogue, Datastream, Observation, Place, Quality, Thing, batch_of
from twin.scene.as_layer import as_layer
from twin.scene.layers import MarkerState
from twin.scene.live_bound import STALE_RGB
from twin.scene.live_layer import LiveLayer
from twin.scene.live_looks import HIGHEST_M, LEAST_M, Colouring
from twin.scene.live_stations import age_text

START = datetime(2026, 8, 28, 3, tzinfo=UTC)


def place(x, **changes):
    return Place(**{"kind": "point", "position": (x, 0.0, 3.0), **changes})


THINGS = (
    Thing("gauge", "Bridge gauge", place=place(1.0)),
    Thing("air", "Air <b>", place=place(2.0, position=(2.0, 0.0, float("nan")))),
    Thing("bus", "Bus 7", place=Place("moving")),
    Thing("meter", "Meter", place=place(3.0, kind="building", target="b-1")),
    Thing("ward", "Ward 4", place=place(4.0, kind="room", target="401", building="b-1", storey=4)),
)
STREAMS = (
    Datastream("air:pm2_5", "air", observed_property="pm2_5", unit="ug/m3", symbol="µg/m³", max_age_s=600),
    Datastream("air:no2", "air", observed_property="no2", unit="[ppm]", symbol="ppm", max_age_s=600),
    Datastream("gauge:depth", "gauge", observed_property="water_depth", unit="m", max_age_s=600),
    Datastream("bus:speed", "bus", observed_property="vehicle_speed", unit="km/h", max_age_s=60),
    Datastream("meter:power", "meter", observed_property="power", unit="kW", max_age_s=600),
    Datastream("ward:co2", "ward", observed_property="co2", unit="[ppm]", max_age_s=600),
)


def us(minutes):
    return round((START + timedelta(minutes=minutes)).timestamp() * MICROSECONDS)


@dataclass
class Feed:
    """A feed in memory."""

    memory: Memory = field(default_factory=lambda: Memory(Catalogue(THINGS, STREAMS)))

    def catalogue(self):
        return Catalogue(THINGS, STREAMS)

    def put(self, stream, minutes, value, **more):
        self.memory.put(batch_of([Observation(stream, us(minutes), us(minutes), value, **more)]))

    def latest(self, moment=None):
        return self.memory.as_of(us(60) if moment is None else moment)

    def history(self, datastream, start=None, end=None):
        return self.memory.history(datastream, start, end)

    def span(self):
        return us(0), us(60)


@pytest.fixture
def feed():
    made = Feed()
    for minutes, depth in ((0, 0.1), (5, 0.4), (10, 0.9)):
        made.put("gauge:depth", minutes, depth)
    made.put("air:pm2_5", 10, 40.0)
    made.put("air:no2", 10, 0.01)
    made.put("bus:speed", 10, 30.0, position=(7.0, 8.0, 9.0, 90.0))
    made.put("meter:power", 10, 2.0)
    return made


def at(layer, minutes):
    return layer.at(START + timedelta(minutes=minutes))


def test_each_station_is_shown_by_what_matters_most(feed):
    markers = at(LiveLayer(feed), 12).markers
    assert dict(zip(markers.ids, markers.text, strict=True)) == {
        "gauge": "0.90 m",
        "air": "40.0 µg/m³",
    }
    assert "bus" not in markers.ids  # speed is the fourth of the properties
    both = at(LiveLayer(feed, ("no2", "vehicle_speed")), 10).markers
    assert sorted(both.ids) == ["air", "bus"]
    assert both.text[both.ids.index("air")] == "0.01 ppm"


def test_a_moment_shows_what_was_known_then(feed):
    layer = LiveLayer(feed, ("water_depth",))
    assert at(layer, 6).markers.text[0] == "0.40 m"
    assert at(layer, 9).markers.height_m[0] < at(layer, 10).markers.height_m[0] <= 1.2 * HIGHEST_M
    assert at(layer, -5).markers.state[0] == MarkerState.MISSING
    assert np.isnan(at(layer, -5).markers.height_m[0])


def test_what_is_old_or_wrong_is_told(feed):
    feed.put("air:pm2_5", 11, 9e9, quality=Quality.INVALID)
    view = at(LiveLayer(feed, ("water_depth", "pm2_5")), 30)
    state = dict(zip(view.markers.ids, view.markers.state.tolist(), strict=True))
    assert state == {"gauge": MarkerState.STALE, "air": MarkerState.INVALID}
    assert view.markers.text[view.markers.ids.index("gauge")] == "0.90 m · 20 min old"
    assert view.remarks == ("live: of 2 sensors 1 old, 1 invalid",)


def test_colours_are_those_of_bands_and_in_the_legend(feed):
    view = at(LiveLayer(feed, ("pm2_5",)), 10)
    entry = next(e for e in view.legends[0].entries if "Unhealthy" in e.text)
    assert tuple(view.markers.rgb[0]) == entry.rgb
    assert view.legends[0].title == "PM2.5, µg/m³"


def test_the_course_of_a_value_ends_at_the_moment(feed):
    history = at(LiveLayer(feed, ("water_depth",)), 10).markers.history[0]
    assert history.tolist() == [[-600, 0.1], [-300, 0.4], [0, 0.9]]
    assert at(LiveLayer(feed, ("pm2_5",)), 10).markers.history[0] is None


def test_courses_that_labels_asked_for_are_read_ahead_for_the_next_moment(monkeypatch):
    feed, asked = Feed(), []
    for minutes, value in ((0, 0.1), (5, 0.4), (10, 0.9)):
        feed.put("gauge:depth", minutes, value)
    monkeypatch.setattr(Feed, "history", lambda self, *a: asked.append(a) or self.memory.history(*a))
    layer = LiveLayer(feed, ("water_depth",))
    before, after = at(layer, 9).markers.history, at(layer, 10).markers.history
    after.read_ahead(before)
    assert asked == []
    before[0]
    after.read_ahead(before)
    n = len(asked)
    assert after[0].tolist() == [[-600, 0.1], [-300, 0.4], [0, 0.9]]
    assert len(asked) == n


def test_courses_of_the_same_moment_are_taken_over_until_something_is_written(monkeypatch):
    """A frame that found none read read them from the disk, one after the other, while nothing else answered."""
    feed, asked, stamp = Feed(), [], [1]
    for minutes, value in ((0, 0.1), (5, 0.4), (10, 0.9)):
        feed.put("gauge:depth", minutes, value)
    monkeypatch.setattr(Feed, "history", lambda self, *a: asked.append(a) or self.memory.history(*a))
    monkeypatch.setattr(Feed, "stamp", lambda _self: stamp[0], raising=False)
    layer = LiveLayer(feed, ("water_depth",))
    before = at(layer, 10).markers.history
    assert before[0] is not None
    again = at(layer, 10).markers.history
    again.read_ahead(before)
    assert again[0] is before[0]
    assert len(asked) == 1
    stamp[0] = 2
    feed.put("gauge:depth", 9, 0.7)
    written = at(layer, 10).markers.history
    written.read_ahead(again)
    assert len(asked) == 2
    assert written[0].tolist() == [[-600, 0.1], [-300, 0.4], [-60, 0.7], [0, 0.9]]


def test_a_course_is_read_once_a_moment(feed, monkeypatch):
    asked = []
    monkeypatch.setattr(Feed, "history", lambda self, *a: asked.append(a) or self.memory.history(*a))
    for minutes in (0, 5, 10):
        feed.put("gauge:depth", minutes, 0.1 * minutes)
    found = at(LiveLayer(feed, ("water_depth",)), 10).markers.history
    assert found[0] is found[0]
    assert len(asked) == 1


def test_things_that_move_are_where_they_were_last(feed):
    markers = at(LiveLayer(feed, ("vehicle_speed",)), 10).markers
    assert markers.position[0].tolist() == [7, 8, 9]
    assert markers.heading_deg[0] == 90
    assert np.isnan(markers.height_m[0])


def test_places_without_a_height_stand_on_the_ground(feed):
    layer = LiveLayer(feed, ("pm2_5",), height_at=lambda x, y: x * 10)
    assert at(layer, 10).markers.position[0, 2] == 20


def test_alarms_name_their_station_and_stay_plain_text(feed):
    layer = LiveLayer(feed, ("pm2_5",), alarming=lambda moment: {"air:pm2_5"})
    markers = at(layer, 10).markers
    assert markers.is_alarm.tolist() == [True]
    assert markers.text[0] == "Air <b> 40.0 µg/m³"


def test_buildings_by_their_sensors(feed):
    view = at(LiveLayer(feed, building_property="power"), 12)
    assert set(view.building_rgb) == {"b-1"}
    with pytest.raises(UsageError, match="no building has a 'heat'"):
        at(LiveLayer(feed, building_property="heat"), 12)


def test_buildings_are_coloured_by_the_property_that_is_asked_for(feed):
    feed.put("meter:power", 20, 9.0)
    view = at(LiveLayer(feed, ("power",)), 21)
    assert set(view.building_rgb) == {"b-1"}
    assert view.building_rgb["b-1"] != at(LiveLayer(feed, ("power",)), 12).building_rgb["b-1"]
    assert [legend.title for legend in view.legends] == ["Power, kW (at buildings)"]
    assert at(LiveLayer(feed, ("power",)), 59).building_rgb["b-1"] == STALE_RGB
    assert at(LiveLayer(feed, ("power",)), 0).building_rgb == {}
    assert at(LiveLayer(feed), 21).building_rgb == {}


def test_a_property_that_nobody_observes(feed):
    with pytest.raises(UsageError, match="no station observes radon"):
        at(LiveLayer(feed, ("radon",)), 12)


def test_a_feed_is_a_layer(feed):
    layer = as_layer(feed)
    assert isinstance(layer, LiveLayer)
    assert layer.span == (START, START + timedelta(hours=1))


def test_units_that_no_band_knows_are_drawn_plainly():
    streams = [Datastream("a", "a", observed_property="pm2_5", unit="m")]
    colouring = Colouring("pm2_5", streams)
    assert colouring.table is None
    assert len(np.unique(colouring.rgb(np.array([1.0, 900.0])), axis=0)) == 1
    assert len(colouring.legend.entries) == 1


@pytest.mark.parametrize(("stages", "plain"), [([1.0, 2.0, 3.0, 4.0], False), ([3, 2], True), ("high", True)])
def test_stages_are_those_of_the_station(stages, plain):
    streams = [Datastream("a", "a", observed_property="water_level", unit="m", properties={"stages": stages})]
    colouring = Colouring("water_level", streams)
    low, high = colouring.rgb(np.array([0.5]))[0], colouring.rgb(np.array([9.0]))[0]
    assert (low.tolist() == high.tolist()) == plain


def test_heights_and_words():
    colouring = Colouring("rain_rate", [Datastream("a", "a", observed_property="rain_rate", unit="mm/h")])
    heights = colouring.heights_m(np.array([0.0, 60.0, 1e9, np.nan]))
    assert heights[:2].tolist() == [LEAST_M, HIGHEST_M]
    assert heights[2] < 1.3 * HIGHEST_M
    assert np.isnan(heights[3])
    assert [colouring.text(v) for v in (0.0, 0.004, 3.14159, 31.4159, 314.159)] == [
        "0.00 mm/h", "0.004 mm/h", "3.14 mm/h", "31.4 mm/h", "314 mm/h",
    ]  # fmt: skip
    assert age_text(59) == "59 s"


def test_the_ends_of_a_store_are_read_again_only_where_something_was_written(tmp_path, monkeypatch):
    from tests.live.small_store import MIN, T0, small_city
    from twin.live import store as stores
    from twin.live.model import Batch
    from twin.scene.live_layer import StoredObservations

    city = small_city(tmp_path / "city", n_minutes=30)
    asked, plain = [], stores.open_store
    kept = StoredObservations(city)
    assert kept.span() == (T0, T0 + 90 * MIN)
    monkeypatch.setattr(stores, "open_store", lambda *a, **k: asked.append(a) or plain(*a, **k))
    kept.span()  # what closing the first reader may have tidied up
    asked.clear()
    assert kept.span() == (T0, T0 + 90 * MIN)
    assert not asked
    with plain(city, write=True) as store:
        store.append(Batch(["river-1:level"], [T0 + 500 * MIN], [T0 + 500 * MIN], [2.0], [0]))
    assert kept.span() == (T0, T0 + 500 * MIN)
