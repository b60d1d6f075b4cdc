"""Workspaces: values, their files, what is refused."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path

import pytest

from twin.core.errors import InputError, InputNotFoundError, LimitError, StorageError, UnsafeInputError
from twin.core.notices import Notices
from twin.scene import workspace_json
from twin.scene.colour import ColourBy
from twin.scene.shot import Furniture
from twin.scene.workspace import (
    Bookmark,
    CityRef,
    Clock,
    FloodState,
    LayerState,
    Measurement,
    Note,
    Pick,
    Proposal,
    Section,
    SunHoursState,
    SurveyState,
    Tour,
    TourStop,
    Viewpoint,
    Workspace,
    layer_state,
    replace,
    with_layer,
)
from twin.scene.workspace_json import parse_workspace, read_workspace, workspace_text, write_workspace
from twin.scene.workspace_paths import adopt_file, city_folder, own_file, relative_text

NOON = datetime.fromisoformat("2026-07-01T12:00+09:00")
HERE = Viewpoint((84_000.0, 447_000.0, 50.0), (84_100.0, 447_100.25, 0.0), 40.0)
EVERYTHING = Workspace(
    city=CityRef("town.twin", "abc", "EPSG:7415"),
    view="street",
    camera=HERE,
    clock=Clock(NOON, NOON, NOON.replace(hour=18), 600.0, is_live=True),
    layers=(LayerState("terrain"), LayerState("나무", is_visible=False, opacity=0.5, lod="1.2")),
    flood=FloodState("typhoon", "hazard", 2.5, (84_000.0, 447_000.0)),
    color_by=ColourBy("height_m", method="given", breaks=(5.0, 10.0), categories={"built": (1, 2, 3)}),
    style="dark",
    language="ko",
    furniture=Furniture("제목", legend=False, text_scale=1.5),
    section=Section((0.0, 0.0, 5.0), (0.0, 0.0, 1.0)),
    survey=SurveyState("height", 5_000, ("survey/a.laz",)),
    sun_hours=SunHoursState(date(2026, 12, 21), on_walls=False),
    bookmarks=(Bookmark("silta", HERE, NOON),),
    notes=(Note("1", "<script>alert(1)</script>\nline", (1.0, 2.0, 3.0), "Ä", NOON, "b1"),),
    tours=(Tour("round", (TourStop(HERE, 3.0, 1.0, NOON, {"ko": "부산"}), TourStop(HERE)), is_closed=True),),
    measurements=(Measurement("m", "area", ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)), "yard"),),
    proposals=(Proposal("p", "Tower", "tower.glb", (1.0, 2.0, 3.0), 45.0, 0.01, ("b1",)),),
    shows="plan",
    selection=(Pick("buildings", "b1"),),
    window={"tree": True, "width": 300, "share": 0.5, "panel": "sun"},
)


def document(**changes) -> str:
    return json.dumps({"kind": "twin workspace", "format": 1, **changes})


def test_every_part_of_a_workspace_comes_back_from_its_text() -> None:
    assert all(getattr(EVERYTHING, f.name) != getattr(Workspace(), f.name) for f in fields(Workspace))
    text = workspace_text(EVERYTHING)
    assert parse_workspace(text) == EVERYTHING
    assert workspace_text(parse_workspace(text)) == text
    assert "부산" in text


def test_an_empty_document_is_a_workspace() -> None:
    assert parse_workspace(document()) == Workspace()


def test_layers_change_by_value_and_keep_their_order() -> None:
    before = with_layer(with_layer(Workspace(), "a"), "b")
    after = with_layer(before, "a", opacity=0.25)
    assert [layer.name for layer in after.layers] == ["a", "b"]
    assert (layer_state(after, "a").opacity, layer_state(before, "a").opacity) == (0.25, 1.0)
    assert layer_state(after, "c") == LayerState("c")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stylle": "dark"}, "did you mean 'style'"),
        ({"layers": [{"name": "a", "opacty": 1}]}, "layers.0.opacty: unknown key; did you mean 'opacity'"),
        ({"layers": [{"name": "a", "opacity": 2}]}, "0 to 1"),
        ({"layers": [{"name": "a"}, {"name": "a"}]}, "two named 'a'"),
        ({"layers": [{}]}, "layers.0.name"),
        ({"layers": [{"name": "a\u0007"}]}, "control"),
        ({"clock": {"time": "2026-07-01T14:00"}}, "offset from UTC"),
        ({"clock": {"time": 5}}, "clock.time"),
        ({"clock": {"speed": True}}, "clock.speed"),
        ({"clock": {"start": "2026-07-01T14:00Z"}}, "start and end"),
        ({"camera": {"eye": [1, 2], "target": [1, 2, 3]}}, "camera.eye"),
        ({"camera": {"eye": [1, 2, 3], "target": [1, 2, 3]}}, "must differ"),
        ({"camera": {"eye": [1e300, 2, 3], "target": [1, 2, 3]}}, "metres"),
        ({"color_by": {"attribute": "h", "n_classes": 99}}, "99 classes"),
        ({"language": "de"}, "language"),
        ({"tours": [{"name": "t", "stops": []}]}, "two stops"),
        ({"notes": [{"id": "1", "text": "x" * 20_001, "position": [0, 0, 0]}]}, "20001"),
        ({"selection": "b1"}, "selection"),
        ({"format": 0}, "format"),
        ({"format": "1"}, "format"),
    ],
)
def test_what_cannot_be_meant_is_named(changes, words) -> None:
    with pytest.raises(InputError, match="(?s)" + words.replace("'", ".")):
        parse_workspace(document(**changes))


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "[1]",
        "null",
        '{"kind": "another"}',
        "[" * 100_000,
        b"\xff\xfe",
        document()[:-1] + ', "style": "a", "style": "b"}',
        document()[:-1] + ', "clock": {"speed": NaN}}',
        document()[:-1] + ', "clock": {"speed": 1e999}}',
        document()[:-1] + ', "clock": {"speed": ' + "9" * 5000 + "}}",
        document()[:-1] + ', "style": "\\ud800"}',
    ],
)
def test_damaged_and_hostile_texts_are_refused(raw) -> None:
    with pytest.raises(InputError, match="workspace"):
        parse_workspace(raw)


def test_a_newer_format_asks_for_an_upgrade() -> None:
    with pytest.raises(StorageError, match=r"format 2, written by a newer twin.*upgrade"):
        parse_workspace(document(format=2, unheard_of=1))


def test_an_earlier_format_is_brought_here_step_by_step(monkeypatch) -> None:
    monkeypatch.setattr(workspace_json, "FORMAT", 3)
    monkeypatch.setitem(workspace_json.MIGRATIONS, 1, lambda d: {**d, "style": d["style"] + "r"})
    monkeypatch.setitem(workspace_json.MIGRATIONS, 2, lambda d: {**d, "style": d["style"] + "k"})
    assert parse_workspace(document(style="da")).style == "dark"


def test_files_are_whole_limited_and_found(tmp_path: Path) -> None:
    path = tmp_path / "a.workspace.json"
    write_workspace(EVERYTHING, path)
    assert read_workspace(path) == EVERYTHING
    path.write_bytes(b" " * (workspace_json.MAX_BYTES + 1))
    with pytest.raises(LimitError, match="8 MiB"):
        read_workspace(path)
    with pytest.raises(InputNotFoundError):
        read_workspace(tmp_path / "none.json")


def test_files_of_a_workspace_lie_beside_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file, outside = home / "a.json", tmp_path / "tower.glb"
    outside.write_bytes(b"model")
    (home / "link.glb").symlink_to(outside)
    for hostile in (
        *("../tower.glb", "link.glb", str(outside)),
        *("https://example.org/a", r"\\server\share\a", "a\0"),
    ):
        with pytest.raises(UnsafeInputError):
            own_file(hostile, file)
    with pytest.raises(InputNotFoundError):
        own_file("missing.glb", file)
    kept = adopt_file(outside, file)
    assert (kept, own_file(kept, file).read_bytes()) == ("a.files/tower.glb", b"model")
    assert adopt_file(outside, file) == kept
    outside.write_bytes(b"another")
    assert adopt_file(outside, file) == "a.files/tower-2.glb"


def test_a_city_elsewhere_is_opened_but_told(tmp_path: Path) -> None:
    file, notices = tmp_path / "home" / "a.json", Notices()
    beside = relative_text(tmp_path / "home" / "town.twin", file)
    assert beside == "town.twin"
    assert city_folder(CityRef(beside), file, notices=notices) == tmp_path / "home" / "town.twin"
    assert not notices.items
    away = relative_text(tmp_path / "town.twin", file)
    assert city_folder(CityRef(away), file, notices=notices).resolve() == (tmp_path / "town.twin").resolve()
    assert "outside its own folder" in notices.items[0].message
    with pytest.raises(InputNotFoundError):
        city_folder(CityRef(), file, notices=notices)


def test_replace_checks_again() -> None:
    with pytest.raises(ValueError, match="offset"):
        replace(EVERYTHING.clock, time=datetime.fromisoformat("2026-07-01T12:00"))
