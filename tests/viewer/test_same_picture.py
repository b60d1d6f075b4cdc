"""Whatever was put over the city is in the snapshot of the same workspace: lines, notes, what is seen, hours of sun."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

pytest.importorskip("PySide6")

from twin.scene.workspace import Measurement, Note, SunHoursState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
SHORTEST = date(2026, 12, 21)


def places(window, *shares):
    """Places on the ground of the city, map coordinates."""
    b, o = window.desk.city.bounds, window.desk.origin()
    found = []
    for x, y in shares:
        east, north = b.x_min + x * b.width, b.y_min + y * b.height
        found.append((east, north, float(window.sight.ground(east - o[0], north - o[1])) + o[2]))
    return tuple(found)


def assert_same_as_snapshot(driver, name):
    from twin.scene.scene import Scene

    window = driver.window
    shown = driver.shot(name, window.canvas).astype(int)
    scene = Scene.from_workspace(window.desk.city, window.present_workspace())
    wanted = scene.image(size=window.canvas.size_px).astype(int)
    difference = np.abs(shown - wanted)
    assert difference.mean() < 1.0
    assert (difference.max(axis=2) > 48).mean() < 0.005
    return shown


def test_measures_notes_and_what_is_seen_are_in_the_snapshot(driver):
    window = driver.window
    plain = driver.shot("bare", window.canvas).astype(int)
    line, corners = (
        places(window, (0.3, 0.4), (0.6, 0.6)),
        places(window, (0.5, 0.3), (0.7, 0.3), (0.7, 0.45)),
    )
    (eye,) = places(window, (0.45, 0.5))
    window.desk.edit(
        "all",
        measurements=(
            Measurement("distance 1", "distance", line),
            Measurement("area 1", "area", corners, "Yard"),
            Measurement("profile 1", "profile", line),
            Measurement("viewshed 1", "viewshed", (eye,)),
        ),
        notes=(Note("note 1", "A bench, 벤치\nunder the tree", eye),),
    )
    driver.until(lambda: len(window.measure.found) == 4)
    driver.ready()
    shown = assert_same_as_snapshot(driver, "sketched")
    assert (np.abs(shown - plain).max(axis=2) > 30).mean() > 0.02
    kept = window.desk.state.measurements
    window.desk.edit("fewer", measurements=kept[:2])
    driver.ready()
    assert not any(layer.name == "viewshed" for layer in window.moving.layers)
    window.desk.edit("none", measurements=(), notes=())
    driver.ready()
    np.testing.assert_allclose(driver.shot("bare again", window.canvas), plain, atol=2)


def test_hours_of_sun_belong_to_today_or_to_the_plan(driver, tmp_path):
    """Hours of the one never lie on the other: they are taken away at once, and computed for what is shown."""
    import trimesh

    window = driver.window
    trimesh.creation.box((14, 12, 60)).export(tmp_path / "tower.obj")
    window.desk.edit("sun", sun_hours=SunHoursState(SHORTEST, on_walls=True))
    driver.until(lambda: window.sunshine.found is not None)
    today = window.sunshine.found
    driver.ready()
    assert_same_as_snapshot(driver, "sun-today")
    ((x, y, _),) = places(window, (0.5, 0.5))
    window.plan.place(tmp_path / "tower.obj", (x, y))
    driver.until(lambda: window.desk.state.shows == "plan")
    assert window.sunshine.found is None
    assert not any(layer.name == "sun hours" for layer in window.picture.layers)
    driver.until(lambda: window.sunshine.found is not None)
    driver.ready()
    plan = window.sunshine.found
    assert plan is not today
    assert (today.ground_h - plan.ground_h).max() > 1.0  # the tower's shadow
    assert_same_as_snapshot(driver, "sun-plan")
    window.plan.show_state("today")
    assert not any(layer.name == "sun hours" for layer in window.picture.layers)
    driver.until(lambda: window.sunshine.found is not None)
    assert window.sunshine.found is today  # kept, not computed again
    window.desk.edit("dark", style="dark")
    driver.until(lambda: window.sunshine.found is not None and window.picture.is_lit)
    assert replace(window.desk.state).sun_hours is not None
    window.sun.off.click()
    assert window.sunshine.found is None
