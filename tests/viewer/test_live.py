"""Live mode follows a feed that another part of the world fills, and tells when it stops."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

pytest.importorskip("PySide6")

from twin.live.model import MICROSECONDS, Catalogue, Datastream, Observation, Place, Thing, batch_of
from twin.live.schema import FOLDER
from twin.live.store import open_store
from twin.scene.workspace import with_layer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def level(value, *, age_s=0.0):
    now = round((datetime.now(UTC).timestamp() - age_s) * MICROSECONDS)
    return batch_of([Observation("gauge:level", now, now, value)])


def test_live_mode_follows_a_running_feed_and_tells_when_it_ends(driver, town):
    window = driver.window
    b = window.desk.city.bounds
    middle = ((b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2, 20.0)
    gauge = Thing("gauge", "Gauge", place=Place("point", middle))
    stream = Datastream("gauge:level", "gauge", observed_property="water_depth", unit="m", max_age_s=600)
    assert window.moving.sensors is None
    with open_store(town, write=True) as store:
        store.put_catalogue(Catalogue((gauge,), (stream,)))
        store.append(level(0.25, age_s=90))
        window.clock.live.click()
        driver.until(lambda: window.following.found is not None and window.moving.sensors is not None)
        driver.until(lambda: "online" in window.clock.badge.text())
        assert window.following.found.is_online
        assert window.following.found.age_s() >= 89
        store.append(level(1.75))
        driver.until(lambda: window.following.found.age_s() < 30)
        driver.until(lambda: "1.75" in window.picture.live.moment.markers[0][1].text[0])
        assert window.clock.badge.isVisible()
        driver.shot("live")
    driver.until(lambda: not window.following.found.is_online)
    assert "offline" in window.clock.badge.text()
    window.clock.live.click()
    driver.until(lambda: not window.clock.badge.isVisible())
    assert window.following.found is None


def test_a_lock_that_a_crash_left_is_no_feed(town):
    from twin.city.model import open_city
    from twin.viewer.following import freshness

    with open_store(town, write=True) as store:
        assert not store.n_datastreams()
        assert freshness(open_city(town)).is_online
        holder = json.loads((town / FOLDER / ".lock.json").read_text(encoding="utf-8"))
    holder["pid"] = 2**22 - 3
    (town / FOLDER / ".lock.json").write_text(json.dumps(holder), encoding="utf-8")
    found = freshness(open_city(town))
    assert not found.is_online
    assert found.age_s() is None


def test_a_window_listens_to_a_broker_and_ends_with_it(driver, town, tmp_path):
    from tests.live.brokers import any_broker, publish, publisher
    from twin.core.lock import is_being_written
    from twin.viewer.feed import FeedState

    window = driver.window
    b = window.desk.city.bounds
    middle = ((b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2, 20.0)
    gauge = Thing("gauge", "Gauge", place=Place("point", middle))
    stream = Datastream("gauge:level", "gauge", observed_property="water_depth", unit="m", max_age_s=600)
    with open_store(town, write=True) as store:
        store.put_catalogue(Catalogue((gauge,), (stream,)))
    topic = "v1.1/Datastreams(gauge:level)/Observations"
    with any_broker(tmp_path) as port, publisher(port) as client:
        dialog = window.opening.ask_broker()
        dialog.url.setText(f"mqtt://127.0.0.1:{port}")
        dialog.take.click()
        driver.until(lambda: window.feed.state is FeedState.ONLINE)
        assert str(port) in window.clock.badge.text()
        now = datetime.now(UTC).isoformat()
        publish(client, topic, json.dumps({"phenomenonTime": now, "result": 2.25}))
        driver.until(lambda: window.moving.sensors is not None and window.picture.live.moment.markers)
        driver.until(lambda: "2.25" in window.picture.live.moment.markers[0][1].text[0])
        driver.shot("broker")
        dialog.leave.click()
        driver.until(lambda: not is_being_written(town / FOLDER))
        assert window.feed.state is FeedState.OFF
        dialog.close()


def test_where_another_process_receives_the_window_follows(driver, town):
    from twin.viewer.feed import Broker, FeedState

    window, errors = driver.window, []
    window.feed.failed.connect(errors.append)
    with open_store(town, write=True):
        window.feed.start(Broker("mqtt://127.0.0.1:1"))
        assert window.feed.state is FeedState.FOLLOWING
        assert "another process" in window.clock.badge.text()
        assert window.desk.state.clock.is_live
    window.feed.start(Broker("nonsense"))
    driver.until(lambda: errors)
    assert "nonsense" in str(errors[0])
    assert window.feed.state is FeedState.OFF


def test_sensors_that_a_city_brings_are_no_change_that_anybody_would_save(driver, town):
    """They are listed as a layer by the window itself; closing asks nothing, a crash leaves nothing to come back to."""
    window = driver.window
    with open_store(town, write=True) as store:
        store.put_catalogue(Catalogue((Thing("gauge", "Gauge"),), (Datastream("gauge:level", "gauge"),)))
        store.append(level(1.0))
    window.moving.read_anew()
    driver.until(lambda: any(layer.name == "markers" for layer in window.desk.state.layers))
    assert not window.desk.is_changed
    window.keep_safe()
    assert "autosave" not in window.tasks.names
    assert not window.autosave.path.exists()
    window.desk.edit("hide", layers=with_layer(window.desk.state, "markers", is_visible=False).layers)
    assert window.desk.is_changed


def test_a_station_is_clicked_and_read_while_the_clock_plays(driver, town):
    from dataclasses import replace
    from datetime import timedelta

    import numpy as np

    from twin.scene.marker_actor import heads

    window = driver.window
    b = window.desk.city.bounds
    middle = ((b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2, 20.0)
    gauge = Thing("gauge", "Gauge", place=Place("point", middle))
    stream = Datastream("gauge:level", "gauge", observed_property="water_depth", unit="m", max_age_s=36_000)
    with open_store(town, write=True) as store:
        store.put_catalogue(Catalogue((gauge,), (stream,)))
        for age, value in ((7200, 0.2), (3600, 6.0), (60, 12.0)):
            store.append(level(value, age_s=age))
    window.moving.read_anew()
    driver.until(lambda: bool(window.picture.marks))
    start = datetime.now(UTC) - timedelta(hours=2)
    clock = replace(window.desk.state.clock, start=start, end=start + timedelta(hours=2), speed=60.0)
    window.desk.edit("clock", clock=clock)
    window.clock.set_time(start + timedelta(minutes=1))
    window.clock.toggle()
    for minutes in (5, 65):
        window.desk.keep(clock=replace(window.desk.state.clock, time=start + timedelta(minutes=minutes)))
        driver.pass_time(0.2)
        top = heads(window.picture.marks[0])[0]
        driver.click(driver.pixel_of(tuple(np.subtract(top, window.desk.origin()))))
        driver.until(lambda: window.inspect.hit is not None and window.inspect.facts is not None)
        assert window.inspect.hit.id == "gauge"
        assert window.inspect.facts.title == "Gauge"
        assert window.clock.is_playing
    driver.until(lambda: "6" in str(window.inspect.facts.groups))
    window.clock.stop()
