"""The real window on a real screen, driven by mouse and keys; what it shows is what a snapshot shows."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("PySide6")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_the_screen_equals_the_snapshot_of_the_same_workspace(driver):
    from twin.scene.scene import Scene

    window = driver.window
    window.steering.fly_to(window.picture.named_view("north"), seconds=0)
    window.colour.colour_by("height_m")
    driver.pass_time(0.3)
    shown = driver.shot("coloured", window.canvas).astype(int)
    scene = Scene.from_workspace(window.desk.city, window.present_workspace())
    wanted = scene.image(size=window.canvas.size_px).astype(int)
    assert shown.shape == wanted.shape
    difference = np.abs(shown - wanted)
    # Both average the same samples; what is left is rounding, and lines whose width is cut to whole pixels.
    assert difference.mean() < 1.0
    assert (difference.max(axis=2) > 48).mean() < 0.005


def test_a_click_reads_out_the_building_below_it(driver):
    window, building = driver.window, driver.tallest()
    driver.click(driver.pixel_of(driver.roof_of(building)))
    driver.until(lambda: window.inspect.facts is not None)
    assert [p.id for p in window.desk.state.selection] == [building]
    rows = {name: text for group in window.inspect.facts.groups for name, text in group.rows}
    height = window.desk.city.buildings.set_index("id").loc[building, "height_m"]
    assert float(rows["Height above ground"].removesuffix(" m")) == pytest.approx(height, abs=0.06)
    assert rows["Sources"]
    driver.shot("inspected")


def test_everything_is_undone_and_done_again(driver):
    from PySide6.QtCore import Qt

    window = driver.window
    first = window.desk.state
    window.colour.colour_by("height_m")
    trees = window.layers.tree.findItems("Trees", Qt.MatchFlag.MatchRecursive)[0]
    trees.setCheckState(0, Qt.CheckState.Unchecked)
    window.desk.edit("theme", style="dark")
    last = window.desk.state
    assert (last.style, last.color_by.attribute, last.layers[0].is_visible) == ("dark", "height_m", False)
    for _ in range(3):
        window.entries["undo"].trigger()
    assert replace(window.desk.state, camera=None) == replace(first, camera=None)
    for _ in range(3):
        window.entries["redo"].trigger()
    assert replace(window.desk.state, camera=None) == replace(last, camera=None)


def test_a_drag_turns_and_a_wheel_comes_nearer(driver):
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    canvas = driver.window.canvas
    start = canvas.camera
    middle = canvas.rect().center()
    driver.drag(middle, middle + QPoint(120, 20))
    turned = canvas.camera
    assert turned != start
    reach = [np.linalg.norm(np.subtract(c.eye, c.target)) for c in (start, turned)]
    assert reach[1] == pytest.approx(reach[0], rel=1e-6)
    under = driver.window.sight.under(turned, canvas.pixel(QPointF(middle)))
    event = QWheelEvent(
        QPointF(middle), QPointF(canvas.mapToGlobal(middle)), QPoint(), QPoint(0, 240),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)
    nearer = driver.window.sight.under(canvas.camera, canvas.pixel(QPointF(middle)))
    assert np.allclose(nearer.position, under.position, atol=0.05)
    assert nearer.distance_m == pytest.approx(under.distance_m * 0.84**2, rel=0.02)


def test_walking_keeps_the_eyes_above_the_ground(driver):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    window = driver.window
    window.entries["walk"].trigger()
    driver.until(lambda: window.steering.is_walking and not window.steering.is_flying)
    before = window.canvas.camera.eye
    QTest.keyPress(window.canvas, Qt.Key.Key_W)
    driver.pass_time(0.8)
    QTest.keyRelease(window.canvas, Qt.Key.Key_W)
    eye = window.canvas.camera.eye
    assert np.hypot(eye[0] - before[0], eye[1] - before[1]) > 0.5
    assert eye[2] - window.sight.ground(eye[0], eye[1]) == pytest.approx(1.7, abs=0.02)
    driver.shot("walking")


def test_a_workspace_is_saved_and_opened_again(driver, opened, tmp_path):
    window = driver.window
    window.colour.colour_by("roof_type")
    window.steering.fly_to(window.picture.named_view("east"), seconds=0)
    driver.pass_time(0.6)
    file = tmp_path / "plan.workspace.json"
    assert window.save(file)
    assert json.loads(file.read_text(encoding="utf-8"))["city"]["path"] == "town.twin"
    again = opened(workspace=file).ready().window
    assert again.desk.state.color_by == window.desk.state.color_by
    assert np.allclose(again.canvas.camera.eye, window.canvas.camera.eye, atol=0.01)


def test_a_panel_that_is_asked_for_while_it_is_made_anew_is_there(driver):
    window = driver.window
    old = window.layers
    window.desk.edit("language", language="fi")
    assert window.remaking.is_running
    driver.turn()
    assert window.layers is not old
    assert not window.remaking.is_running
    assert window.layers.t("panel.layers") == "Tasot"
    window.desk.edit("language", language="ko")
    window.desk.edit("language", language="en")
    driver.until(lambda: not window.remaking.is_running)
    assert window.entries["open"].text() == "Open"
    assert window.layers.t("panel.layers") == "Layers"
    with pytest.raises(AttributeError):
        _ = window.no_such_panel


@pytest.mark.parametrize(
    ("language", "open_", "ground"), [("ko", "열기", "지형"), ("fi", "Avaa", "Maanpinta")]
)
def test_another_language_speaks_everywhere(driver, language, open_, ground):
    window = driver.window
    frames = []
    window.canvas.drawn.connect(frames.append)
    window.desk.edit("language", language=language)
    driver.until(lambda: not window.remaking.is_running)
    assert not frames  # docks that come and go give the canvas other sizes, which nobody shall wait for
    driver.until(lambda: frames)
    assert window.entries["open"].text() == open_
    assert window.layers.tree.topLevelItem(0).text(0) == ground
    driver.shot(f"in-{language}")


def test_the_search_finds_a_building_and_flies_there(driver):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    window, building = driver.window, driver.tallest()
    window.search.setFocus()
    QTest.keyClicks(window.search, building)
    QTest.keyClick(window.search, Qt.Key.Key_Return)
    driver.until(lambda: not window.steering.is_flying)
    pack = window.picture.scene.pack
    points = pack["facet_points"][pack["facet_owner"] == list(pack["building_ids"]).index(building)]
    away = np.linalg.norm(np.subtract(window.canvas.camera.target, points.mean(axis=0)))
    assert away < 40
    assert [p.id for p in window.desk.state.selection] == [building]


def test_a_rectangle_and_a_condition_choose_and_are_taken_along(driver, tmp_path):
    import geopandas as gpd
    from PySide6.QtCore import QPoint, Qt

    window = driver.window
    rect = window.canvas.rect()
    control = Qt.KeyboardModifier.ControlModifier
    driver.drag(rect.topLeft() + QPoint(2, 2), rect.bottomRight() - QPoint(2, 2), modifier=control)
    driver.until(lambda: len(window.desk.state.selection) > 3)
    window.inspect.selection.query.setText("height_m > 5")
    window.inspect.selection.choose_by_condition()
    frame = window.desk.city.buildings
    tall = set(frame[frame["height_m"] > 5]["id"].astype(str))
    driver.until(lambda: {p.id for p in window.desk.state.selection} == tall)
    file = tmp_path / "tall.gpkg"
    window.inspect.selection.take(file)
    driver.until(lambda: file.exists() and not window.tasks.names)
    assert set(gpd.read_file(file, layer="buildings")["id"].astype(str)) == tall


def test_a_rebuilt_city_is_offered_and_never_mixed(driver, town):
    """RT-09: the old model stays whole until the new one is asked for."""
    import twin

    window = driver.window
    before = driver.shot("before", window.canvas)
    table = town.parent / "extra.csv"
    ids = window.desk.city.buildings["id"].astype(str)
    table.write_text("BID,kwh\n" + "".join(f"{i},{n}\n" for n, i in enumerate(ids)), encoding="utf-8")
    twin.open_city(town).add(table, join="BID=id")
    driver.until(window.banner.isVisible)
    assert np.array_equal(driver.shot("still", window.canvas), before)
    window.banner.take.click()
    driver.until(lambda: "extra" in window.desk.city.manifest.layers)
    driver.ready()
    assert not window.banner.isVisible()
