"""Batches: each with each, the same bytes again, what is there is kept, names are safe."""

from __future__ import annotations

import json
from hashlib import sha256
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.drawing import needs_graphics
from tests.scene.conftest import village_content
from twin.city.manifest import Artifact, Layer, Manifest, Provenance, Source
from twin.core.errors import (
    ConfigError,
    InputNotFoundError,
    LimitError,
    OutputExistsError,
    StorageError,
    UsageError,
)
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.outputs import batch as batch_module
from twin.outputs.batch import CONTACT_SHEET, write_batch
from twin.outputs.batch_file import read_batch, require_city, safe_text
from twin.outputs.contact_sheet import write_contact_sheets
from twin.scene import store
from twin.scene.scene import Scene
from twin.scene.shot import Furniture
from twin.scene.style import load_style

SHOTS = """
views = ["overview", "top"]
times = ["2026-07-01T17:00+02:00", ""]
styles = ["light", "dark"]
sizes = ["96x54"]
legend = false
labels = false
"""
NAMES = [
    f"{view}_{time}_{style}.png"
    for view in ("overview", "top")
    for time in ("20260701T1700+0200", "now")
    for style in ("light", "dark")
]


@pytest.fixture
def city(monkeypatch, tmp_path):
    """The village as a city with a manifest, drawn from content that lies in memory."""
    layer = Layer(
        "vector",
        (Artifact("a.parquet", 1, "abc"),),
        Provenance((Source("survey.laz", 3, "def"),), licence="CC0-1.0"),
    )
    manifest = Manifest(
        "Village", "EPSG:28992", "", (84_000, 447_000, 0), (0, 0, 0, 1, 1, 1), "key", {"map": layer}
    )
    made = SimpleNamespace(manifest=manifest, path=tmp_path / "none")
    content = village_content()
    stored = store.Stored(store._make(content, ""), tmp_path / "cache")
    monkeypatch.setattr("twin.scene.scene.stored_pack", lambda *a, **k: stored)
    return made


def asked(tmp_path, text=SHOTS, name="shots.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_batch(path)


def write(city, batch, **options):
    return write_batch(city, batch, **{"notices": Notices(), "progress": Silent(), **options})


def test_each_goes_with_each(tmp_path) -> None:
    batch = asked(tmp_path)
    assert [s.name for s in batch.shots] == NAMES
    assert batch.shots[1].style == "dark"
    assert batch.out == tmp_path
    assert [s.name for s in asked(tmp_path, "").shots] == ["view.png"]


@needs_graphics
def test_every_picture_is_the_snapshot_and_tells_what_it_was_made_from(tmp_path, city) -> None:
    batch = asked(tmp_path, SHOTS + 'out = "p"\n')
    found = write(city, batch)
    assert [p.rpartition("/")[2] for p in found["drawn"]] == NAMES
    assert found["kept"] == []
    scene = Scene(village_content(), time="2026-07-01T17:00+02:00", style="dark")
    bare = Furniture(legend=False, labels=False)
    shot = scene.snapshot(tmp_path / "s.png", size=(96, 54), view="top", furniture=bare)
    picture = tmp_path / "p" / "top_20260701T1700+0200_dark.png"
    assert picture.read_bytes() == shot.read_bytes()
    told = json.loads((tmp_path / "p" / f"{picture.name}.json").read_text(encoding="utf-8"))
    assert told["sha256"] == sha256(picture.read_bytes()).hexdigest()
    assert (told["crs"], told["time"], told["style"]) == ("EPSG:28992", "2026-07-01T17:00:00+02:00", "dark")
    assert told["city"]["files"] == {"a.parquet": "abc"}
    assert told["city"]["inputs"] == {"survey.laz": "def"}
    assert told["city"]["licences"] == ["CC0-1.0"]
    assert told["attribution"] == ["Survey of the village"]
    assert set(told["camera"]) == {"eye", "target", "parallel_height_m"}
    assert {"twin", "python", "vtk"} <= set(told["versions"])
    with Image.open(tmp_path / "p" / CONTACT_SHEET) as sheet:
        assert len(np.unique(np.asarray(sheet).reshape(-1, 3), axis=0)) > 200


@needs_graphics
def test_a_batch_in_another_language_is_drawn_anew(tmp_path, city) -> None:
    small = SHOTS + "contact_sheet = false\n"
    write(city, asked(tmp_path, small))
    again = asked(tmp_path, small + 'language = "ko"\n')
    assert again.language == "ko"
    assert len(write(city, again, force=True)["drawn"]) == len(NAMES)
    told = json.loads((tmp_path / f"{NAMES[0]}.json").read_text(encoding="utf-8"))
    assert told["language"] == "ko"


@needs_graphics
def test_a_second_run_draws_what_is_missing_changed_or_spoilt(tmp_path, city, monkeypatch) -> None:
    batch = asked(tmp_path, SHOTS + "contact_sheet = false\n")
    write(city, batch)
    before = {p.name: p.read_bytes() for p in tmp_path.glob("*.png*")}
    (tmp_path / NAMES[0]).unlink()
    (tmp_path / f"{NAMES[1]}.json").unlink()
    (tmp_path / NAMES[1]).unlink()
    assert [p.rpartition("/")[2] for p in write(city, batch)["drawn"]] == NAMES[:2]
    assert {p.name: p.read_bytes() for p in tmp_path.glob("*.png*")} == before
    (tmp_path / NAMES[2]).write_bytes(b"somebody's")
    with pytest.raises(OutputExistsError, match=NAMES[2].replace("+", r"\+")):
        write(city, batch)
    assert (tmp_path / NAMES[2]).read_bytes() == b"somebody's"
    assert len(write(city, batch, force=True)["drawn"]) == 1
    assert {p.name: p.read_bytes() for p in tmp_path.glob("*.png*")} == before
    monkeypatch.setattr("twin.outputs.sidecar.__version__", "9.9")
    assert len(write(city, batch, force=True)["drawn"]) == 8


@needs_graphics
def test_a_batch_that_is_cut_short_goes_on(tmp_path, city, monkeypatch) -> None:
    batch, n = asked(tmp_path, SHOTS), []
    real = batch_module._write
    monkeypatch.setattr(batch_module, "_write", lambda *a: n.append(1) or (real(*a) if len(n) < 4 else 1 / 0))
    with pytest.raises(ZeroDivisionError):
        write(city, batch)
    monkeypatch.setattr(batch_module, "_write", real)
    found = write(city, batch)
    assert (len(found["kept"]), len(found["drawn"])) == (3, 5)


@needs_graphics
def test_a_disk_that_fills_leaves_whole_pictures_alone(tmp_path, city) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    write(city, asked(tmp_path, 'sizes = ["32x18"]\nout = "warm"', "warm.toml"))  # caches are written before
    batch = asked(tmp_path, 'views = ["top"]\nsizes = ["32x18", "640x360"]\nlegend = false\nout = "out"')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))
    try:
        with pytest.raises(StorageError, match="disk full") as told:
            write(city, batch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told.value.exit_code == 5
    for picture in (tmp_path / "out").iterdir():
        assert picture.suffix in {".png", ".json"}
        if picture.suffix == ".png":
            Image.open(picture).load()
    write(city, batch)
    assert (tmp_path / "out" / CONTACT_SHEET).exists()


def test_nothing_is_drawn_where_one_shot_cannot_be_meant(tmp_path, city) -> None:
    for text in (
        'views = ["overview", "nowhere"]',
        'times = ["yesterday"]',
        'color_by = ["colour"]',
        'sizes = ["x"]',
    ):
        with pytest.raises(UsageError):
            write(city, asked(tmp_path, text))
    assert [p.name for p in tmp_path.iterdir()] == ["shots.toml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("view = 'top'", "did you mean 'views'"),
        ("views = 'top'", "views"),
        ("views = []", "views"),
        ("views = [1]", "views.0"),
        ("legend = 1", "legend"),
        ("name = 'a.png'\nviews = ['top', 'north']", "two pictures the name"),
        ("name = '{veiw}.png'", "did you mean {view}"),
        ("name = '../{view}.png'", "no name of a file"),
        ("name = '{view}.jpg'", "no name of a file"),
        ("name = '{view}/{time}.png'", "no name of a file"),
        ("views = [", "no TOML"),
        ("a = " + "[" * 5000, "no TOML"),
    ],
)
def test_files_that_cannot_be_meant(tmp_path, text, words) -> None:
    with pytest.raises(ConfigError, match="(?s).*" + words.replace("{", r"\{").replace("'", ".")):
        asked(tmp_path, text)


def test_too_many_and_missing(tmp_path) -> None:
    many = ", ".join(f'"{i}x{i}"' for i in range(200))
    with pytest.raises(LimitError, match="40,000"):
        asked(tmp_path, f"sizes = [{many}]\ncolor_by = [{many}]")
    with pytest.raises(InputNotFoundError):
        read_batch(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="names no city"):
        require_city(asked(tmp_path, ""), None)
    assert require_city(asked(tmp_path, 'city = "a.twin"'), None) == tmp_path / "a.twin"


def test_names_are_safe_and_keep_their_script(tmp_path) -> None:
    text = 'views = ["a/b:c.json", "강.json"]\ncolor_by = ["h*?|m", ""]\nname = "{view}_{color_by}.png"'
    names = [s.name for s in asked(tmp_path, text).shots]
    assert names == ["b-c_h-m.png", "b-c_plain.png", "강_h-m.png", "강_plain.png"]
    assert safe_text("...") == "x"
    long = asked(tmp_path, f'color_by = ["{"x" * 400}"]\nname = "{{color_by}}.png"').shots[0].name
    assert len(long) < 160


def test_sheets_hold_all_pictures(tmp_path) -> None:
    paths = []
    for i in range(9):
        paths.append(tmp_path / f"{'long' * 30}{i}.png")
        Image.new("RGB", (64, 36), (20 * i, 0, 0)).save(paths[-1])
    (sheet,) = write_contact_sheets(paths, tmp_path / "sheet.png", load_style("light"))
    with Image.open(sheet) as image:
        reds = {int(p[0]) for p in np.asarray(image).reshape(-1, 3) if p[1] == 0 and p[2] == 0}
    assert {20 * i for i in range(9)} <= reds
