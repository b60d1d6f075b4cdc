"""Water and caps are made ready beside the interface: newest first, cancelled, and drawn as in a snapshot."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

pytest.importorskip("PySide6")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
START = datetime(2026, 8, 28, 3, tzinfo=UTC)


def rising(city):
    """A flood that rises by 3 m in two hours, as a layer."""
    from twin.core.notices import Notices
    from twin.scene.flood_layer import FloodLayer
    from twin.water.flood import StepArrays, flood_of
    from twin.water.ground import site

    ground = site(city, cell_size_m=2.0, notices=Notices())
    bed = np.asarray(ground.bed_m, np.float32)
    low = np.nanmin(bed)
    depth = np.stack([np.nan_to_num(np.maximum(low + level - bed, 0)) for level in (3.0, 4.5, 6.0)])
    times = np.datetime64("2026-08-28T03:00:00", "s") + 3600 * np.arange(3)
    made = flood_of("rise", ground.grid, times, bed, StepArrays(depth.astype(np.float32)), kind="import")
    return FloodLayer(made)


def test_a_clock_that_is_dragged_leaves_the_interface_free_and_ends_where_it_was_let_go(driver, monkeypatch):
    from twin.scene import water_shape as shapes

    made_by, plain = [], shapes.water_shape

    def watched(*given):
        made_by.append(threading.current_thread() is threading.main_thread())
        time.sleep(0.1)  # longer than a hand stays at a moment
        return plain(*given)

    monkeypatch.setattr(shapes, "water_shape", watched)
    window = driver.window
    layer = rising(window.desk.city)
    window.moving.show_other(layer, layer.name)
    moments = [START + timedelta(minutes=m) for m in range(0, 120, 5)]
    for moment in moments:
        window.clock.set_time(moment)
        driver.app.processEvents()
    driver.ready()
    assert window.picture.live.moment.when == moments[-1]
    assert made_by
    assert not any(made_by)
    assert len(made_by) < len(moments), "moments that nobody waits for any more are left out"
    shape = window.picture.live.ready.waters["rise"]
    np.testing.assert_array_equal(shape.view.depth_m, layer.at(moments[-1]).water.depth_m)


def test_a_cut_is_closed_through_the_water_of_the_moment(driver, monkeypatch):
    from twin.scene import caps

    made_by, plain = [], caps.section_caps

    def watched(*given):
        made_by.append(threading.current_thread() is threading.main_thread())
        return plain(*given)

    monkeypatch.setattr(caps, "section_caps", watched)
    window = driver.window
    layer = rising(window.desk.city)
    window.moving.show_other(layer, layer.name)
    window.clock.set_time(START)
    window.measure.section.put_here()
    driver.ready()
    live = window.picture.live
    shallow = live.ready.caps
    assert shallow is not None
    window.clock.set_time(START + timedelta(hours=2))
    driver.ready()
    deep = live.ready.caps
    assert live.stage.groups["section"][0].GetMapper().GetInput().GetNumberOfPoints() == len(deep.points)
    assert water_m2(deep) > water_m2(shallow)
    assert made_by
    assert not any(made_by)
    window.measure.section.take_away()
    driver.ready()
    assert "section" not in live.stage.groups


def water_m2(found):
    """Area of the water in caps."""
    from twin.scene.caps import WATER

    corners = found.points[(found.rgb == WATER).all(axis=1)].reshape(-1, 3, 3).astype(float)
    return float(
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum()
    )
