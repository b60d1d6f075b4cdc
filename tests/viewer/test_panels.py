"""Panels change the state, and the picture and the figures follow: water, clock, sun, measures, places."""

from __future__ import annotations

import json
import shutil
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

pytest.importorskip("PySide6")

from tests.viewer.window_driver import Driver
from twin.scene.bake import Baker
from twin.scene.colour import ColourBy
from twin.scene.picking import Hit, Kind
from twin.viewer.panels.plan import difference_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
REFERENCE = "https://www.opengis.net/def/crs/EPSG/0/{}"
START = datetime(2026, 8, 28, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared(app, town_folder, tmp_path_factory):
    """One window for all tests of this file; each leaves it as it was."""
    from twin.viewer.launch import make_window

    folder = tmp_path_factory.mktemp("panels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_STATE", str(folder / "state"))
        patch.setenv("LANG", "en_US.UTF-8")
        patch.delenv("LC_ALL", raising=False)
        city = shutil.copytree(town_folder / "town.twin", folder / "town.twin")
        window = make_window(city)
        window.resize(1280, 820)
        window.show()
        made = Driver(app, window, folder / "pictures").ready()
        yield made
        window.release()
        window.deleteLater()
        app.processEvents()


@pytest.fixture
def driver(shared):
    """The shared window, put back at the end."""
    window = shared.window
    before = window.desk.state
    yield shared
    window.steering.lend(None)
    window.sun.hide_hours()
    window.desk.change("back", before)
    shared.ready()


def middle(driver):
    """The middle of the canvas."""
    return driver.window.canvas.rect().center()


def n_faces(window, building):
    """How many points of a building are drawn."""
    pack = window.picture.scene.pack
    return int((pack["facet_owner"] == list(pack["building_ids"]).index(building)).sum())


def blue_share(picture):
    """Share of pixels that are clearly blue."""
    rgb = picture.astype(int)
    return float((rgb[..., 2] > rgb[..., 0] + 40).mean())


def test_the_water_follows_the_hand_and_tells_its_depth(driver):
    from PySide6.QtCore import QPoint

    window = driver.window
    dry = blue_share(driver.shot("dry", window.canvas))
    low = window.water.spin.minimum()
    window.water.level.setValue(round((low + 9.5) / 0.05))
    driver.ready()
    driver.pass_time(0.5)
    driver.ready()
    assert window.desk.state.flood.eta_m == pytest.approx(low + 9.5, abs=0.06)
    wet = blue_share(driver.shot("wet", window.canvas))
    assert wet > dry + 0.03
    flood = window.moving.flood.flood
    row, column = np.unravel_index(np.nanargmax(flood.max_depth_m), flood.grid.shape)
    x, y = flood.grid.x_centres[column], flood.grid.y_centres[row]
    from twin.viewer.water_facts import water_at

    here = water_at(window.moving.flood, x, y, None)
    assert here.depth_m == pytest.approx(float(np.nanmax(flood.max_depth_m)), abs=0.01)
    o, told = window.desk.origin(), window.water.here.text
    window.steering.hovered.emit(Hit(Kind.TERRAIN, "", (x, y, float(o[2])), 100.0))
    assert f"{here.depth_m:.2f} m" in told()
    window.water.set_level(window.desk.state.flood.eta_m + 1.0)
    driver.ready()
    driver.until(lambda: f"{here.depth_m + 1.0:.2f} m" in told())  # the hand is still, the water rises
    window.entries["undo"].trigger()
    window.entries["undo"].trigger()
    driver.ready()
    assert window.desk.state.flood is None
    assert blue_share(driver.shot("dry again", window.canvas)) == pytest.approx(dry, abs=0.01)
    assert window.canvas.rect().contains(middle(driver) + QPoint(1, 1))


def test_the_clock_plays_to_its_end_and_the_sun_follows(driver):
    window = driver.window
    clock = replace(window.desk.state.clock, start=START, end=START + timedelta(hours=2), speed=7200.0)
    window.desk.edit("clock", clock=clock)
    window.clock.set_time(START)
    window.clock.rested.emit()
    driver.ready()
    before = window.picture.live.stage.sun
    window.clock.toggle()
    driver.until(lambda: not window.clock.is_playing)
    assert window.desk.state.clock.time == START + timedelta(hours=2)
    driver.until(lambda: window.picture.live.stage.sun.azimuth_deg != before.azimuth_deg)


def test_hours_of_sun_are_laid_over_the_city_with_a_legend(driver):
    window = driver.window
    plain = driver.shot("plain", window.canvas)
    window.show_panel("sun")
    window.sun.compute.click()
    driver.until(lambda: window.sunshine.found is not None)
    driver.ready()
    shown = driver.shot("sun", window.canvas)
    assert np.abs(shown.astype(int) - plain).mean() > 5
    assert any("sun" in legend.title.lower() for legend in window.picture.live.moment.legends)
    assert 0 < float(np.nanmean(window.sunshine.found.ground_h)) <= window.sunshine.found.track.day_length_h


def test_a_distance_is_measured_by_clicks(driver):
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    window = driver.window
    window.show_panel("measure")
    window.measure.buttons["distance"].click()
    points = [middle(driver) + QPoint(-60, 20), middle(driver) + QPoint(50, 40)]
    expected = []
    for point in points:
        hit = window.sight.under(window.canvas.camera, (point.x(), point.y()))
        expected.append(hit.position)
        driver.click(point)
    QTest.keyClick(window.canvas, Qt.Key.Key_Return)
    driver.until(lambda: "distance 1" in window.measure.found)
    rows = dict(window.measure.found["distance 1"].rows)
    far = np.linalg.norm(np.subtract(*expected))
    assert float(rows["Through the air"].removesuffix(" m")) == pytest.approx(far, rel=0.01)
    driver.shot("distance")
    window.entries["undo"].trigger()
    assert not window.desk.state.measurements


@pytest.mark.parametrize("kind", ["distance", "viewshed"])
def test_a_double_click_ends_a_measurement_and_leaves_the_camera_alone(driver, kind):
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    window = driver.window
    window.measure.cancel()
    before = window.canvas.camera
    window.show_panel("measure")
    window.measure.buttons[kind].click()
    if kind == "distance":
        driver.click(middle(driver))
    driver.double_click(middle(driver) + QPoint(60, 20))
    driver.until(lambda: f"{kind} 1" in window.measure.found)
    assert len(window.desk.state.measurements[0].points) == (2 if kind == "distance" else 1)
    driver.pass_time(0.5)
    assert window.canvas.camera == before
    window.measure.buttons["area"].setFocus()
    window.measure.buttons["area"].click()
    assert window.focusWidget() is window.canvas, "Escape goes to the tool"
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert window.measure.kind == ""
    driver.double_click(middle(driver))
    driver.until(lambda: window.canvas.camera != before)
    driver.until(lambda: not window.steering.is_flying)
    window.picture.look(before)


def test_what_was_measured_is_scrolled_into_view(driver):
    from twin.scene.workspace import Measurement

    window = driver.window
    window.show_panel("measure")
    window.resize(window.width(), 420)
    x, y, z = window.sight.under(window.canvas.camera, (middle(driver).x(), middle(driver).y())).position
    for name in ("profile 1", "profile 2"):
        made = Measurement(name, "profile", ((x - 20, y, z), (x + 20, y, z)))
        window.desk.edit(name, measurements=(*window.desk.state.measurements, made))
        driver.until(lambda name=name: name in window.measure.found)
        driver.pass_time(0.1)
        entry = window.measure.entries[name]
        page = window.right.currentWidget().viewport()
        seen = entry.visibleRegion().boundingRect().height()
        assert seen >= min(entry.height(), page.height()) - 1
        page.parentWidget().verticalScrollBar().setValue(0)


def test_a_profile_and_what_is_seen_are_saved_as_data(driver, tmp_path):
    from PySide6.QtCore import QPoint

    window = driver.window
    window.measure.begin("viewshed")
    driver.click(middle(driver) + QPoint(-40, 30))
    driver.until(lambda: "viewshed 1" in window.measure.found)
    assert window.measure.kind == ""
    window.measure.begin("profile")
    for dx in (-50, 50):
        driver.click(middle(driver) + QPoint(dx, 10))
    window.measure.finish()
    driver.until(lambda: "profile 1" in window.measure.found)
    asked = {m.id: m for m in window.desk.state.measurements}
    window.measure.save(asked["profile 1"], tmp_path / "profile.csv")
    window.measure.save(asked["viewshed 1"], tmp_path / "seen.tif")
    assert (tmp_path / "profile.csv").read_text(encoding="utf-8").startswith("along_m,")
    assert (tmp_path / "seen.tif").stat().st_size > 500
    driver.shot("measured")


def change_text(driver, ask, before, after):
    """Write another text into the dialog that `ask` opens, and keep it."""
    from twin.viewer.dialog import TextDialog

    ask()
    driver.pass_time(0.2)
    (dialog,) = [d for d in driver.window.findChildren(TextDialog) if d.isVisible()]
    assert dialog.text == before
    for text in ("", "  \t"):
        (dialog.field.setPlainText if hasattr(dialog.field, "setPlainText") else dialog.field.setText)(text)
        assert not dialog.take.isEnabled()
    (dialog.field.setPlainText if hasattr(dialog.field, "setPlainText") else dialog.field.setText)(
        f" {after} "
    )
    dialog.take.click()
    driver.until(lambda: not driver.window.findChildren(TextDialog))


def test_qt_itself_speaks_the_language_of_the_window(driver):
    from PySide6.QtCore import QCoreApplication

    said = {}
    for language in ("ko", "fi", "en"):
        driver.window.desk.edit("language", language=language)
        assert driver.window.settle()
        said[language] = QCoreApplication.translate("QPlatformTheme", "Cancel")
    assert said == {"ko": "취소", "fi": "Peru", "en": "Cancel"}


def test_bookmarks_notes_and_tours_are_kept_and_played(driver, tmp_path):
    from twin.scene.picking import Hit, Kind

    window = driver.window
    places = window.places
    places.add_bookmark()
    window.steering.fly_to(window.picture.named_view("top"), seconds=0)
    driver.pass_time(0.5)
    places.add_bookmark()
    o = window.desk.origin()
    places.add_note(
        "Damaged kerb <b>here</b>", Hit(Kind.TERRAIN, "", (o[0] + 1.0, o[1] + 1.0, o[2] + 1.0), 1.0)
    )
    places.add_tour()
    state = window.desk.state
    assert [b.name for b in state.bookmarks] == ["View 1", "View 2"]
    assert state.notes[0].text == "Damaged kerb <b>here</b>"
    assert len(state.tours[0].stops) == 2
    places.go(state.bookmarks[0])
    driver.until(lambda: not window.steering.is_flying)
    assert np.allclose(window.canvas.camera.eye, np.subtract(state.bookmarks[0].camera.eye, o), atol=0.01)
    change_text(driver, lambda: places.ask_change("bookmarks", state.bookmarks[1]), "View 2", "From above")
    change_text(driver, lambda: places.ask_change("tours", state.tours[0]), "Tour 1", "Round trip")
    hit = Hit(Kind.TERRAIN, "", (o[0] + 5.0, o[1] + 1.0, o[2] + 1.0), 1.0)
    change_text(driver, lambda: places.click(hit, add=False), "", "Two\nlines")
    after = window.desk.state
    assert [b.name for b in after.bookmarks] == ["View 1", "From above"]
    assert after.tours[0].name == "Round trip"
    assert [n.text for n in after.notes] == ["Damaged kerb <b>here</b>", "Two\nlines"]
    file = tmp_path / "notes.workspace.json"
    assert window.save(file)
    assert json.loads(file.read_text(encoding="utf-8"))["notes"][0]["text"].startswith("Damaged")
    window.desk.file = None


def test_colours_are_classed_by_hand_in_the_panel(driver):
    window = driver.window
    window.show_panel("colour")
    driver.until(lambda: window.colour.attributes.count() > 3)
    window.colour._take_attribute(window.colour.attributes.item(0))
    window.colour.method.setCurrentIndex(3)
    window.colour.method.activated.emit(3)
    window.colour.breaks.setText("3; 6, 9")
    window.colour.breaks.returnPressed.emit()
    assert window.desk.state.color_by.breaks == (3.0, 6.0, 9.0)
    texts = [entry.text for entry in window.picture.legend.entries]
    assert texts[0] == "< 3"
    assert texts[3] == "≥ 9"
    window.colour.breaks.setText("9, 3")
    window.colour.breaks.returnPressed.emit()
    assert window.desk.state.color_by.breaks == (3.0, 6.0, 9.0)
    assert "⚠" in window.status.currentMessage()


def test_the_help_page_names_every_short_cut(driver):
    dialog = driver.window.opening.show_help()
    driver.pass_time(0.05)
    told = set(dialog.page.toPlainText().splitlines())
    for action in driver.window.entries.values():
        if not action.shortcut().isEmpty():
            assert {action.shortcut().toString(), action.text()} <= told
    dialog.close()


def most_lights_at_once(driver):
    """How many threads cast light at a time while the clock is moved often; the last moment is the one that is lit."""
    window, most = driver.window, 0
    started = window.desk.state.clock
    for minutes in range(0, 300, 30):
        clock = replace(started, time=START + timedelta(minutes=minutes))
        window.desk.keep(clock=clock)
        driver.pass_time(0.1)
        most = max(most, sum(thread.name == "light" for thread in threading.enumerate()))
    driver.ready()
    live = window.picture.live
    assert live.stage.sun.azimuth_deg == live.scene.at(clock.time).sun.azimuth_deg
    window.desk.keep(clock=started)
    driver.ready()
    return most


def test_light_is_cast_while_a_live_clock_ticks(driver, monkeypatch):
    """Light takes longer than a tick: it is let come, and cast anew only once the sun has gone on by a degree."""
    from twin.viewer import picture

    window, cast = driver.window, []

    def slow(scene, *, told):
        cast.append(scene.sun)
        for _ in range(10):
            time.sleep(0.1)
            told.check()
        return picture.scene_in_light.real(scene, told=told)

    slow.real = picture.scene_in_light
    monkeypatch.setattr(picture, "scene_in_light", slow)
    started = window.desk.state.clock

    def tick(seconds):
        window.desk.keep(clock=replace(started, time=START + timedelta(seconds=seconds), is_live=True))
        driver.pass_time(0.25)

    for second in range(0, 60, 3):  # a minute: the sun goes on by a quarter of a degree
        tick(second)
    driver.ready()
    assert len(cast) == 1
    assert window.picture.live.stage.sun == cast[0]
    tick(600)
    driver.ready()
    assert len(cast) == 2
    window.desk.keep(clock=started)
    driver.ready()


def test_a_proposal_stands_in_the_plan_and_is_compared_with_today(driver, tmp_path, monkeypatch):
    import trimesh

    window = driver.window
    trimesh.creation.box((12, 10, 30)).export(tmp_path / "tower.obj")
    frame = window.desk.city.buildings
    old = frame[frame["state"] == "built"].sort_values("height_m").iloc[-1]
    window.desk.edit("colour", color_by=ColourBy("height_m"))
    driver.ready()
    window.show_panel("plan")
    today = driver.shot("today", window.canvas)
    streets = window.picture.scene.pack.meta.street_views
    with monkeypatch.context() as patch:
        patch.setattr(
            "twin.scene.viewpoints.street_views", None
        )  # the plan is seen from the streets of today
        window.plan.place(tmp_path / "tower.obj", (old.geometry.centroid.x, old.geometry.centroid.y))
        driver.until(lambda: window.desk.state.shows == "plan")
        driver.ready()
    proposal = window.desk.state.proposals[0]
    views = window.picture.scene.pack.meta.street_views
    assert views
    assert set(views) <= set(streets)
    assert str(old["id"]) in proposal.hidden_buildings
    assert not n_faces(window, str(old["id"]))
    assert window.picture.legend is not None  # the plan is coloured, too
    assert most_lights_at_once(driver) == 1
    planned = driver.shot("plan", window.canvas)
    assert (np.abs(planned.astype(int) - today).max(axis=2) > 30).mean() > 0.001
    window.plan.compare(proposal)
    driver.until(lambda: proposal.id in window.plan.found)
    assert window.plan.found[proposal.id].plan.height_m == pytest.approx(30, abs=0.01)
    driver.shot("compared")
    file = tmp_path / "shared" / "plan.workspace.json"
    assert window.save(file)
    window.desk.file = None
    named = json.loads(file.read_text(encoding="utf-8"))["proposals"][0]["model"]
    assert (file.parent / named).is_file()
    window.plan.show_state("today")
    driver.ready()
    assert n_faces(window, str(old["id"]))
    with monkeypatch.context() as patch:
        patch.setattr(Baker, "sun", None)  # the light of the plan is known by now
        window.plan.show_state("plan")
        driver.ready()
        assert not n_faces(window, str(old["id"]))
        window.plan.show_state("today")
        driver.ready()
    window.plan.ask_place(proposal.id)
    driver.click(middle(driver))
    driver.until(lambda: window.desk.state.proposals[0].position[:2] != proposal.position[:2])
    moved = window.desk.state.proposals[0]
    assert window.steering.lent is None
    assert moved.hidden_buildings != proposal.hidden_buildings
    window.entries["undo"].trigger()
    assert window.desk.state.proposals[0] == proposal


def test_a_section_plane_cuts_the_window_as_its_snapshot_and_is_taken_away(driver, monkeypatch):
    from PySide6.QtCore import QPoint

    from twin.scene.scene import Scene

    window, box = driver.window, driver.window.measure.section
    window.show_panel("measure")
    whole = driver.shot("whole", window.canvas)
    box.places.click()
    driver.click(middle(driver) + QPoint(-80, 10))
    driver.click(middle(driver) + QPoint(80, 10))
    driver.ready()
    assert window.desk.state.section is not None
    assert window.cutting.cut is not None
    assert not window.cutting.cut.dry.earth.is_empty
    cut = driver.shot("cut", window.canvas).astype(int)
    assert (np.abs(cut - whole).max(axis=2) > 30).mean() > 0.05
    scene = Scene.from_workspace(window.desk.city, window.present_workspace())
    wanted = scene.image(size=window.canvas.size_px).astype(int)
    assert np.abs(cut - wanted).mean() < 1.0
    first = window.desk.state.section
    with monkeypatch.context() as patch:
        patch.setattr("twin.viewer.cutting.solids_of", None)  # buildings are read once for a plane that moves
        box.place.setValue(box.place.value() - 40)
        box.place.setValue(box.place.value() - 40)
        driver.ready()
    moved = window.desk.state.section
    assert moved.normal == first.normal
    assert moved.point != first.point
    window.entries["undo"].trigger()
    assert window.desk.state.section == first
    box.off.click()
    driver.ready()
    assert window.desk.state.section is None
    assert window.cutting._solids is None
    np.testing.assert_allclose(driver.shot("whole again", window.canvas), whole, atol=2)


def test_rows_of_layers_stay_as_long_as_there_is_something_to_see(driver):
    """Each row has a slider that Qt lays out and lets go of: all of them anew took a quarter of a second."""
    window, panel = driver.window, driver.window.layers
    rows, sliders = dict(panel._items), dict(panel.sliders)
    assert {"buildings", "terrain", "labels"} <= rows.keys()
    window.opening.open(window.desk.city.path)
    driver.ready()
    assert panel._items == rows
    assert panel.sliders == sliders
    panel.add_over_time((*panel.over_time, "flood"))
    driver.pass_time(0.1)
    assert panel._items.keys() - rows.keys() == {"flood"}
    parent = panel._items["flood"].parent()
    assert parent is panel._parents["over_time"]
    listed = [
        panel.tree.topLevelItem(i).child(k).text(0)
        for i in range(panel.tree.topLevelItemCount())
        for k in range(panel.tree.topLevelItem(i).childCount())
    ]
    before = listed.index(panel._items["labels"].text(0))
    assert listed.index(panel._items["flood"].text(0)) < before, "layers stand in their order"
    panel.add_over_time(())
    driver.pass_time(0.1)
    assert "flood" not in panel._items
    assert "flood" not in panel.sliders
    assert "over_time" not in panel._parents
    assert panel.tree.indexOfTopLevelItem(parent) == -1


def test_the_level_of_detail_is_drawn_as_in_the_snapshot_and_undone(driver):
    from twin.scene.scene import Scene

    window, box = driver.window, driver.window.layers.lod
    fine = window.picture.scene.pack.meta.key
    n_fine = len(window.picture.scene.pack["facet_points"])
    before = driver.shot("fine", window.canvas).astype(int)
    box.setCurrentIndex(box.findText("LoD 1.2"))
    box.activated.emit(box.currentIndex())
    driver.until(lambda: window.picture.is_lit and window.picture.scene.pack.meta.key != fine)
    driver.ready()
    assert len(window.picture.scene.pack["facet_points"]) < n_fine
    coarse = driver.shot("coarse", window.canvas).astype(int)
    assert (np.abs(coarse - before).max(axis=2) > 30).mean() > 0.002
    scene = Scene.from_workspace(window.desk.city, window.present_workspace())
    assert scene.pack.meta.key == window.picture.scene.pack.meta.key
    assert np.abs(coarse - scene.image(size=window.canvas.size_px)).mean() < 1.0
    window.entries["undo"].trigger()
    driver.until(lambda: window.picture.is_lit and window.picture.scene.pack.meta.key == fine)


def test_a_sketchup_file_is_answered_at_once_with_how_to_export_it(driver, tmp_path):
    window = driver.window
    (tmp_path / "house.skp").write_bytes(b"\xff\xfe\xff\x0e\x53\x00\x6b\x00anything")
    window.opening.take([tmp_path / "house.skp"])
    driver.until(lambda: "GLB" in window.status.currentMessage())
    assert "SketchUp" in window.status.currentMessage()
    assert window.steering.lent is None
    assert not window.desk.state.proposals


def test_a_model_that_tells_where_it_stands_is_offered_that_place(driver, tmp_path):
    window = driver.window
    old = window.desk.city.buildings.query("state == 'built'").iloc[0].geometry.centroid
    code = window.desk.city.manifest.crs.removeprefix("EPSG:").split("+")[0]
    model = {
        "type": "CityJSON", "version": "2.0", "metadata": {"referenceSystem": REFERENCE.format(code)},
        "transform": {"scale": [1.0, 1.0, 1.0], "translate": [old.x, old.y, 0.0]},
        "CityObjects": {"tower": {"type": "Building", "geometry": [{"type": "Solid", "lod": "1.2", "boundaries": [
            [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
        ]}]}},
        "vertices": [[x, y, z] for z in (0, 30) for x, y in ((-5, -5), (5, -5), (5, 5), (-5, 5))],
    }  # fmt: skip
    far = {**model, "transform": {**model["transform"], "translate": [old.x + 90_000, old.y, 0.0]}}
    (tmp_path / "far.city.json").write_text(json.dumps(far), encoding="utf-8")
    window.show_panel("plan")
    window.plan.take(tmp_path / "far.city.json")
    driver.until(lambda: "outside of this city" in window.status.currentMessage())
    assert "km outside" in window.status.currentMessage()
    assert not window.plan.told.isVisible()
    window.plan.click(None, add=False)  # beside the city
    assert window.plan.model is not None
    assert "Click a place in the city" in window.status.currentMessage()
    window.plan.cancel()
    (tmp_path / "tower.city.json").write_text(json.dumps(model), encoding="utf-8")
    window.plan.take(tmp_path / "tower.city.json")
    driver.until(window.plan.told.isVisible)
    window.plan.told.click()
    driver.until(lambda: window.desk.state.shows == "plan")
    driver.ready()
    proposal = window.desk.state.proposals[0]
    assert proposal.position[:2] == pytest.approx((old.x, old.y), abs=0.02)
    assert proposal.turn_deg == pytest.approx(0.0, abs=0.01)
    assert not window.plan.told.isVisible()
    window.plan.compare(proposal)
    driver.until(lambda: proposal.id in window.plan.found)
    (view,) = window.plan.found[proposal.id].views
    assert 0 < view.taken < 0.2
    rows = dict(difference_rows(window.plan.found[proposal.id], window.texts, ("here",)))
    assert rows["View blocked from here"] == f"{100 * view.taken:.1f} %"
    driver.pass_time(0.3)
    driver.shot("told")


def test_a_click_on_the_theme_reaches_the_screen_and_leaves_the_panel_in_front(driver):
    """The button that is pressed asks for painting; that must not be the last that the window hears of it."""
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QColor

    window = driver.window
    window.show_panel("water")
    driver.pass_time(0.3)
    place = window.right.mapTo(window, window.right.rect().bottomRight()) - QPoint(6, 6)

    def on_screen():
        shot = window.screen().grabWindow(window.winId()).toImage()
        return QColor(shot.pixel(place)).lightness()

    assert on_screen() > 200
    for is_dark in (True, False):
        window.search.update()  # as a knob does that is let go of
        window.entries["theme"].trigger()
        driver.until(lambda: not window.remaking.is_running)
        driver.until(lambda dark=is_dark: (on_screen() < 80) == dark, seconds=20)
        assert window.right.currentWidget().isAncestorOf(window.water)


def test_another_theme_or_language_leaves_no_panel_behind(driver):
    import gc

    from PySide6.QtCore import QEvent

    from twin.viewer.panels.colour import ColourPanel
    from twin.viewer.panels.water import WaterPanel

    def n_panels() -> list[int]:
        driver.until(lambda: not driver.window.remaking.is_running)
        driver.pass_time(0.3)
        driver.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.unfreeze()
        gc.collect()
        kinds = (ColourPanel, WaterPanel)
        return [sum(isinstance(found, kind) for found in gc.get_objects()) for kind in kinds]

    window, before = driver.window, n_panels()  # windows of other tests may not be gone yet
    for _ in range(2):
        window.entries["theme"].trigger()
        driver.ready()
    window.desk.edit("language", language="fi")
    window.desk.edit("language", language="en")
    driver.ready()
    after = n_panels()
    # Four times made anew; work that has just ended may still hold one that waits for its result.
    assert all(now <= then + 1 for now, then in zip(after, before, strict=True)), (before, after)
    assert min(after) >= 1


def test_another_language_leaves_no_menu_dock_or_handle_behind(driver):
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QWidget

    window = driver.window

    def n_widgets() -> int:
        window.desk.edit("language", language="fi")
        window.desk.edit("language", language="en")
        driver.until(lambda: not window.remaking.is_running)
        driver.ready()
        driver.pass_time(0.3)
        driver.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return len(window.findChildren(QWidget))

    assert n_widgets() == n_widgets()


@pytest.mark.parametrize("turns", [3, 6, 9, 12])
def test_a_language_that_is_given_up_half_way_leaves_nothing_behind(driver, turns):
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QWidget

    window = driver.window

    def n_widgets() -> int:
        driver.until(lambda: not window.remaking.is_running)
        driver.ready()
        driver.pass_time(0.3)
        driver.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return sum(isinstance(widget, QWidget) for widget in driver.app.allWidgets())

    before = n_widgets()
    for _ in range(2):
        window.desk.edit("language", language="fi")
        for _ in range(turns):
            driver.turn()
        window.desk.edit("language", language="en")
    assert n_widgets() <= before + 5


def test_memory_that_work_has_freed_is_given_back_soon_after(driver, monkeypatch):
    from twin.viewer import tasks

    given = []
    monkeypatch.setattr(tasks, "give_back_memory", lambda: given.append(threading.current_thread()))
    driver.window.tasks.run("work", lambda _told: None, lambda _found: None, is_quiet=True)
    driver.until(lambda: given)
    assert given[0] is not threading.main_thread()


def test_what_held_cleared_rows_is_let_go_of(app):
    """A list of rows that is filled anew at each step would grow for ever."""
    from PySide6.QtWidgets import QVBoxLayout, QWidget
    from shiboken6 import isValid

    from twin.viewer.parts import clear, label, row

    page = QWidget()
    box = QVBoxLayout(page)
    line, left = row(label("left"), label("right")), label("alone")
    box.addLayout(line)
    box.addWidget(left)
    held = [line, line.itemAt(0), box.itemAt(1)]
    clear(box)
    assert not any(isValid(item) for item in held)
    assert isValid(left)
    assert box.count() == 0
    page.deleteLater()
