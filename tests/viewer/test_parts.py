"""Parts of the window by themselves: long texts, names of layers, the tree's groups, banners."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("PySide6")

from PySide6.QtCore import QObject, Signal

from twin.core.translations import load_texts
from twin.viewer.adding import NameDialog, free_name, own_name
from twin.viewer.layer_list import layer_groups

LONG = (
    "/media/planner/surveys/2026/kalasatama/tiles/with_a_very_long_name_that_has_no_space_anywhere_at_all_in_it.laz: "
    "footprints reach 120 m beyond the survey; give more tiles"
)


@pytest.fixture
def note(app):
    from twin.viewer.note import Note

    made = Note(LONG, "warn")
    made.resize(300, 40)
    made.show()
    app.processEvents()
    yield made
    made.deleteLater()


def test_a_long_path_wraps_and_can_be_copied(note, app):
    from PySide6.QtGui import QGuiApplication

    document = note.document()
    assert document.idealWidth() <= note.viewport().width() + 1
    assert note.viewport().height() >= document.size().height()
    narrow = note.height()
    note.resize(700, note.height())
    app.processEvents()
    assert note.height() < narrow
    note.selectAll()
    note.copy()
    assert QGuiApplication.clipboard().text() == LONG


def test_names_of_layers_are_proposed_free(app):
    assert own_name(Path("Trees.of.2026.gpkg")) == "Trees"
    assert free_name("water", ["water", "water 2", "roads"]) == "water 3"
    told = []
    dialog = NameDialog(load_texts("en"), "trees.gpkg", "trees 2", {"trees", "trees 3"})
    dialog.chosen.append(told.append)
    assert dialog.name.text() == "trees 2"
    for taken in ("trees", " trees 3 ", "", "a/b"):
        dialog.name.setText(taken)
        assert not dialog.take.isEnabled()
    dialog.name.setText("street trees")
    dialog.take.click()
    assert told == ["street trees"]
    dialog.deleteLater()


def test_files_are_added_one_by_one_and_a_taken_name_is_asked_about(app, monkeypatch):
    from PySide6.QtCore import QObject

    from twin.viewer import adding

    calls, said, asked = [], [], []
    window = QObject()
    window.texts = load_texts("en")
    window.desk = SimpleNamespace(
        city=SimpleNamespace(path=Path("a.twin"), manifest=SimpleNamespace(layers={"zones": 1}))
    )
    window.tasks = SimpleNamespace(
        names=(), run_verb=lambda name, words, done, **given: calls.append((words, done, given))
    )
    window.opening = SimpleNamespace(limit=lambda *_a: None, reload=lambda: said.append("reload"))
    window.say, window.complain = said.append, said.append
    monkeypatch.setattr(
        adding.Adding, "_ask", lambda self, path, name: (asked.append(name), self.run(path, name))
    )
    made = adding.Adding(window)
    made.add([Path("zones.gpkg"), Path("bad.gpkg"), Path("noise.tif")])
    assert asked == ["zones 2"]
    words, done, _ = calls[-1]
    assert words[-3:] == ["--as", "zones 2", "--json"]
    done("")
    assert calls[-1][2]["failed"] is not None
    calls[-1][2]["failed"](ValueError("no layer"))
    assert "--as" not in calls[-1][0]
    assert made.taken >= {"zones", "zones 2", "roads"}
    calls[-1][1]("")
    assert len(calls) == 3
    assert said[-2:] == ["zones 2, noise was added", "reload"]
    assert not made.is_busy


def test_the_tree_has_roads_bridges_and_the_orthophoto_among_what_is_built():
    kinds = {
        "terrain": "terrain", "buildings": "buildings", "roads": "roads", "bridges": "bridges", "trees": "trees",
        "unmapped": "unmapped", "water": "water", "ortho": "ortho", "landcover": "landcover", "benches": "vector",
    }  # fmt: skip
    layers = {name: SimpleNamespace(kind=kind) for name, kind in kinds.items()}
    city = SimpleNamespace(manifest=SimpleNamespace(layers=layers))
    groups = {g.key: g.layers for g in layer_groups(city, over_time=("markers", "flood"), has_points=True)}
    assert groups == {
        "ground": ("terrain", "ortho", "roads"),
        "built": ("buildings", "unmapped", "bridges"),
        "nature": ("trees", "water"),
        "survey": ("survey_points",),
        "over_time": ("markers", "flood"),
        "added": ("benches",),
        "drawing": ("labels",),
    }
    for language in ("en", "ko", "fi"):
        texts = load_texts(language)
        names = [name for layer_names in groups.values() for name in layer_names if name != "benches"]
        assert all(texts.get(f"layer.{name}", "") for name in names)


def test_a_message_that_is_long_is_told_whole_and_an_offer_stays(app):
    from PySide6.QtWidgets import QWidget

    from twin.viewer.banner import Banner

    window = QWidget()
    window.resize(900, 600)
    window.show()
    banner, taken = Banner(window), []
    banner.tell(LONG * 3)
    app.processEvents()
    assert banner.isVisible()
    assert banner.note.viewport().height() >= banner.note.document().size().height()
    assert window.rect().contains(banner.geometry())
    banner.offer("Go on?", "Go on", lambda: taken.append(1))
    banner.tell(LONG)
    assert banner.text.text() == "Go on?"
    assert not banner.note.isVisible()
    banner.take.click()
    assert taken == [1]
    window.deleteLater()


def test_a_city_read_anew_keeps_the_past_and_what_is_not_saved(app):
    from twin.scene.workspace import Workspace
    from twin.viewer.desk import Desk

    def city(build):
        manifest = SimpleNamespace(build_key=build, crs="EPSG:3067", origin=(0, 0, 0))
        return SimpleNamespace(path=Path("a.twin"), manifest=manifest)

    desk, opened = Desk(), []
    desk.open(city("one"), Workspace())
    desk.edit("dark", style="dark")
    desk.opened.connect(lambda: opened.append(1))
    desk.renew(city("two"))
    assert opened == [1]
    assert desk.state.style == "dark"
    assert desk.is_changed
    assert desk.history.can_undo
    desk.undo()
    assert desk.state.style == "light"
    assert desk.state.city.build_key == "two"
    assert not desk.is_changed


def test_a_look_meets_marks_as_they_are_drawn_at_that_moment(app):
    import numpy as np

    from tests.scene.conftest import ORIGIN, village_content
    from twin.scene.camera import Camera, project
    from twin.scene.layers import MarkerView
    from twin.scene.packing import pack_content
    from twin.scene.picking import Kind, prepare_picker
    from twin.viewer.canvas import SceneWidget
    from twin.viewer.sight import Sight

    def station(height_m):
        place = np.array([(-17.0, -28.0, 0.0)]) + ORIGIN
        return MarkerView(("gauge",), place, np.zeros((1, 3), np.uint8), np.zeros(1, np.uint8),
                          height_m=np.array([height_m]))  # fmt: skip

    canvas = SceneWidget()
    canvas.resize(800, 600)
    sight, drawn = Sight(canvas), [station(2.0)]
    sight.picker = prepare_picker(pack_content(village_content()))
    sight.marks = lambda: drawn
    camera = Camera((-17.0, -90.0, 25.0), (-17.0, -15.0, 4.0), 40.0)
    x, y, _ = project(camera, np.array([(-17.0, -28.0, 9.0)]), canvas.size_px)[0]
    assert sight.under(camera, (x, y)).kind == Kind.BUILDING
    drawn[:] = [station(10.0)]  # the water rises, and its column with it
    assert sight.under(camera, (x, y)).id == "gauge"
    drawn[:] = []
    assert sight.under(camera, (x, y)).kind == Kind.BUILDING
    canvas.deleteLater()


@pytest.mark.parametrize("width", [260, 320])
def test_names_and_values_of_several_lines_are_shown_whole(app, width):
    from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

    from twin.viewer.note import Note
    from twin.viewer.parts import clear, fact_rows, scrolled
    from twin.viewer.theme import LIGHT, apply

    list(apply(app, LIGHT))
    page, rows = QWidget(), QVBoxLayout()
    box = QVBoxLayout(page)
    box.addLayout(rows)
    box.addStretch(1)
    area = scrolled(page)
    area.resize(width, 400)
    area.show()
    facts = [
        ("View blocked from the street in the middle", "12.3 %"),
        ("Tarkastelupisteestä keskellä olevalta kadulta peittyvä näkymä", "1 234 → 56 789 m³"),
        (
            "Attribution",
            "one.laz, two.laz, three.laz, a_name_without_any_space_that_is_longer_than_the_panel.laz",
        ),
    ]
    for _ in range(2):
        clear(rows)
        fact_rows(rows, facts)
        for _ in range(4):
            app.processEvents()
    shown = [text for text in page.findChildren(QLabel) if text.isVisible()]
    assert len(shown) == 5
    notes = [note for note in page.findChildren(Note) if note.isVisible()]
    assert [note.toPlainText() for note in notes] == [facts[2][1]]
    assert notes[0].viewport().height() >= notes[0].document().size().height()
    assert page.width() <= width
    for text in shown:
        assert text.height() >= text.heightForWidth(text.width()), text.text()
        assert text.width() <= width
        within = text.fontMetrics().boundingRect(0, 0, text.width(), 10_000, 0x1000, text.text())
        assert within.width() <= text.width(), text.text()
    area.deleteLater()


@pytest.mark.parametrize("name", ["light", "dark"])
def test_what_the_sheet_of_styles_draws_with_is_there(name):
    import re

    from twin.viewer.theme import DARK, LIGHT, sheet

    found = re.findall(r'url\("([^"]+)"\)', sheet(LIGHT if name == "light" else DARK))
    assert len(found) == 2
    assert all(Path(path).is_file() and name in path for path in found)


def test_stations_are_found_by_name_and_id():
    from twin.viewer.moving import Station
    from twin.viewer.panels.search import find, station_places

    places = station_places(
        (Station("g-1", "Harbour gauge", (1.0, 2.0, 3.0)), Station("rain", "rain", (0.0, 0.0, 0.0)))
    )
    assert [p.text for p in places] == ["Harbour gauge · g-1", "rain"]
    assert [p.id for p in find(places, "g-1")] == ["g-1"]
    assert find(places, "harbour")[0].kind == "station"


def test_what_the_window_changes_itself_is_no_news(app, tmp_path):
    from dataclasses import replace

    import numpy as np
    from PySide6.QtCore import QObject

    from tests.flood_city import make_city
    from twin.city.folder import open_manifest
    from twin.city.manifest import MANIFEST, write_manifest
    from twin.viewer.opening import Opening, holds_other

    window = QObject()
    window.desk = SimpleNamespace(city=None)
    window.tasks = SimpleNamespace(names=())
    opening = Opening(window)
    for names, expected in ((), False), (("add",), True), (("sun_keep", "x"), True), (("opening",), True):
        window.tasks.names = names
        assert opening.changes_itself is expected
    city = make_city(tmp_path / "town.twin", np.zeros((4, 4)))
    assert not holds_other(city, follows=False)
    manifest = open_manifest(city.path)
    some = next(iter(manifest.layers.values()))

    def also(name, kind):
        layers = {**manifest.layers, name: replace(some, kind=kind)}
        write_manifest(replace(manifest, layers=layers), city.path / MANIFEST)

    also("live", "observations")
    assert holds_other(city, follows=False)
    assert not holds_other(city, follows=True)
    also("more", "vector")
    assert holds_other(city, follows=True)


def test_a_manifest_is_read_again_only_where_its_file_is_another(tmp_path, monkeypatch):
    from dataclasses import replace

    import numpy as np

    from tests.flood_city import make_city
    from twin.city.manifest import MANIFEST, write_manifest
    from twin.core.commit import JOURNAL
    from twin.viewer import opening

    city = make_city(tmp_path / "town.twin", np.zeros((4, 4)))
    read = []

    def looked(city, follows):
        read.append(city)
        return opening.open_manifest(city.path) != city.manifest

    monkeypatch.setattr(opening, "holds_other", looked)
    first = opening.still_the_same(city, False, None)
    assert opening.still_the_same(city, False, first) is first
    assert len(read) == 1, "the second look takes over what the first has found"
    assert opening.still_the_same(city, True, first) is not None
    assert len(read) == 2, "other things are news where observations are followed"
    manifest = city.path / MANIFEST
    write_manifest(city.manifest, manifest)  # as a build that changes nothing
    again = opening.still_the_same(city, False, first)
    assert again is not None
    assert again != first
    assert len(read) == 3
    manifest.rename(tmp_path / "away.json")
    gone = opening.still_the_same(city, False, again)
    assert gone is not None
    assert gone.mark is None, "in the midst of something: no news, and nothing to rely on"
    assert opening.still_the_same(city, False, gone) == gone
    assert len(read) == 5
    (tmp_path / "away.json").rename(manifest)
    (city.path / JOURNAL).write_text("damaged", encoding="utf-8")
    assert opening.manifest_mark(city.path) is None, "a commit that was cut off is completed by the look"
    (city.path / JOURNAL).unlink()
    write_manifest(replace(city.manifest, name="another"), manifest)
    assert opening.still_the_same(city, False, again) is None


@pytest.mark.parametrize("language", ["en", "ko", "fi"])
def test_the_dialog_of_a_broker_cuts_nothing_off(app, language):
    from PySide6.QtWidgets import QLabel, QLineEdit

    from twin.viewer.feed import FeedState
    from twin.viewer.panels.connect import ConnectDialog
    from twin.viewer.theme import LIGHT, apply

    list(apply(app, LIGHT))
    feed = SimpleNamespace(
        broker=None, state=FeedState.OFF, told=lambda _t: "", stop=lambda: None,
        changed=SimpleNamespace(connect=lambda _slot: None),
    )  # fmt: skip
    dialog = ConnectDialog(load_texts(language), feed)
    dialog.show()
    for _ in range(6):
        app.processEvents()
    for field in dialog.findChildren(QLineEdit):
        assert field.height() >= field.sizeHint().height()
    for text in dialog.findChildren(QLabel):
        assert text.height() >= text.heightForWidth(text.width())
    dialog.close()
    dialog.deleteLater()


@pytest.mark.parametrize(("language", "height"), [("en", 1000), ("fi", 1000), ("en", 480)])
def test_the_dialog_of_a_new_city_grows_with_its_warnings(app, language, height, monkeypatch):
    import json

    from PySide6.QtCore import QPoint, QRect

    from twin.viewer.note import Note
    from twin.viewer.panels.new_city import NewCityDialog
    from twin.viewer.theme import DARK, apply

    list(apply(app, DARK))
    tasks = SimpleNamespace(cancel=lambda _name: None)
    screen = SimpleNamespace(availableGeometry=lambda: QRect(0, 0, 1366, height))
    monkeypatch.setattr(NewCityDialog, "screen", lambda _self: screen)
    dialog = NewCityDialog(SimpleNamespace(texts=load_texts(language), tasks=tasks))
    dialog.move(100, 170)
    dialog.show()
    dialog.files = {
        "points": [Path("a.laz")],
        "footprints": [Path("footprints_of_the_whole_city_of_2026.gpkg")],
    }
    dialog._show_inputs()
    found = {
        "crs": "EPSG:3067+3900", "n_files": 2, "n_points": 4_000_000, "width_m": 800.0, "height_m": 600.0,
        "n_footprints": 10, "n_covered": 9, "notes": [LONG, "footprints.gpkg: 3 are displaced", LONG],
    }  # fmt: skip
    dialog._show_facts(json.dumps(found))
    for _ in range(6):
        app.processEvents()
    notes = [note for note in dialog.findChildren(Note) if note.isVisible() and note.objectName() == "warn"]
    assert [note.toPlainText() for note in notes] == found["notes"]
    for note in notes:
        assert note.viewport().height() >= note.document().size().height()
    for above, below in itertools.pairwise(notes):
        assert above.geometry().bottom() < below.geometry().top()
    assert dialog.rect().contains(dialog.build.geometry())
    assert dialog.frameGeometry().bottom() <= height
    last = notes[-1].mapTo(dialog, QPoint(0, notes[-1].height()))
    scrolls = dialog.told.verticalScrollBar().maximum() > 0
    assert scrolls == (height < 500)
    assert (last.y() < dialog.build.geometry().top()) != scrolls
    dialog.close()
    dialog.deleteLater()


def test_words_of_twin_itself_are_read_out_in_the_language_of_the_window():
    import pandas as pd

    from twin.viewer.facts import building_facts

    frame = pd.DataFrame(
        {
            "id": ["a"],
            "state": ["built"],
            "roof_type": ["multi_level"],
            "source": ["given"],
            "name": ["multi_level"],
        }
    )
    city = SimpleNamespace(buildings=frame, manifest=SimpleNamespace(layers={}))

    def told(language):
        facts = building_facts(city, "a", load_texts(language))
        return [value for group in facts.groups for _, value in group.rows]

    assert told("en") == ["built", "multi level", "given", "multi_level"]
    assert told("fi") == ["mallinnettu", "monitasoinen katto", "annettu", "multi_level"]
    assert told("ko")[:2] == ["모델 생성됨", "다단 지붕"]


def test_a_copy_that_is_dropped_is_not_written_any_more(tmp_path):
    """A disk that takes its time must not bring back what was saved meanwhile: the next start would offer it."""
    from twin.scene.workspace import Workspace
    from twin.viewer.session import Autosave

    copy = Autosave(tmp_path)
    write = copy.writer(Workspace())
    copy.drop()
    assert write() is False
    assert not copy.path.exists()
    assert copy.keep(Workspace())
    assert copy.path.exists()
    assert copy.writer(Workspace()) is None, "it lies safe"
    copy.drop()
    assert not copy.path.exists()
    assert copy.writer(Workspace()) is not None


def test_a_task_is_shown_when_it_takes_longer_than_a_moment(app, monkeypatch):
    from PySide6.QtTest import QTest

    from twin.viewer.panels import status

    class Job(QObject):
        progressed, ended = Signal(str, int, int), Signal()
        name = "opening"

    bar = status.StatusBar()
    bar.show()
    short, long = Job(), Job()
    bar.watch(short)
    short.ended.emit()
    QTest.qWait(status._MOMENT_MS + 100)
    assert not bar.bar.isVisible()
    bar.watch(long)
    assert not bar.bar.isVisible()
    QTest.qWait(status._MOMENT_MS + 100)
    assert bar.bar.isVisible()
    long.ended.emit()
    assert not bar.bar.isVisible()
    bar.deleteLater()
