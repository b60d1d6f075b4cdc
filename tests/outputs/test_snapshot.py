"""Snapshots as files."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.drawing import needs_graphics
from twin.core.errors import InputError, OutputExistsError, UsageError
from twin.core.notices import Notices
from twin.outputs.snapshot import write_snapshot
from twin.scene.facets import facets_from_solids
from twin.scene.model import SceneContent

SIZE = (160, 100)

pytestmark = needs_graphics


def house():
    from twin.core.mesh import Solid

    corners = np.array([(0, 0), (12, 0), (12, 8), (0, 8)], dtype=np.float64)
    points = np.concatenate([np.column_stack([corners, np.full(4, z)]) for z in (0.0, 7.0)])
    faces = [[3, 2, 1, 0], [4, 5, 6, 7], *([i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4] for i in range(4))]
    starts = np.arange(0, 25, 4, dtype=np.int32)
    kinds = np.array([0, 2, 1, 1, 1, 1], np.uint8)
    return Solid(points, np.concatenate(faces).astype(np.int32), starts, np.arange(7, dtype=np.int32), kinds)


@pytest.fixture
def content():
    return SceneContent(
        name="One house",
        crs="EPSG:28992",
        origin=(0, 0, 0),
        buildings=facets_from_solids([house()], [0]),
        building_ids=("a",),
        attribution=("Survey of one house",),
    )


def test_a_snapshot_says_what_it_shows(tmp_path, content):
    out = write_snapshot(
        content, tmp_path / "house.png", size=SIZE, time="2026-07-01T14:00+02:00", notices=Notices()
    )
    with Image.open(out) as image:
        assert image.size == SIZE
        assert image.mode == "RGB"
        texts = image.text
    assert texts["twin:crs"] == "EPSG:28992"
    assert texts["Title"] == "One house"
    assert texts["Source"] == "Survey of one house"
    assert set(json.loads(texts["twin:camera"])) == {"eye", "target", "view_angle_deg"}
    assert json.loads(texts["twin:sun"])["time"] == "2026-07-01T14:00:00+02:00"


def test_the_same_snapshot_is_the_same_bytes(tmp_path, content):
    one, two = (
        write_snapshot(content, tmp_path / n, size=SIZE, notices=Notices()) for n in ("1.png", "2.png")
    )
    assert one.read_bytes() == two.read_bytes()


def test_the_camera_of_a_snapshot_takes_it_again(tmp_path, content):
    out = write_snapshot(content, tmp_path / "house.png", size=SIZE, view="east", notices=Notices())
    with Image.open(out) as image:
        camera = image.text["twin:camera"]
        pixels = np.asarray(image).astype(int)
    (tmp_path / "camera.json").write_text(camera)
    again = write_snapshot(
        content, tmp_path / "again.png", size=SIZE, view=str(tmp_path / "camera.json"), notices=Notices()
    )
    with Image.open(again) as image:
        # The file keeps millimetres.
        assert np.abs(np.asarray(image).astype(int) - pixels).mean() < 0.5


def test_an_existing_picture_is_kept_unless_forced(tmp_path, content):
    out = tmp_path / "house.png"
    out.write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match="--force"):
        write_snapshot(content, out, size=SIZE, notices=Notices())
    assert out.read_bytes() == b"mine"
    write_snapshot(content, out, size=SIZE, force=True, notices=Notices())
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_refused_snapshot_leaves_nothing_behind(tmp_path, content):
    for options, words in (
        ({"view": "moon"}, "no view"),
        ({"style": "sepia"}, "no style"),
        ({"time": "noon"}, "no time"),
        ({"layers": ("x",)}, "no added layer"),
        ({"color_by": "height_m"}, "no building has an attribute"),
        ({"size": (4, 4)}, "no picture"),
    ):
        with pytest.raises((UsageError, InputError), match=words):
            write_snapshot(content, tmp_path / "out.png", **{"size": SIZE, "notices": Notices(), **options})
    with pytest.raises(UsageError, match=r"house\.png"):
        write_snapshot(content, tmp_path / "house.jpg", size=SIZE, notices=Notices())
    assert list(tmp_path.iterdir()) == []


def test_legend_and_scale_speak_the_language_that_is_asked_for(tmp_path, content, monkeypatch):
    import twin.scene.furniture as furniture

    written = []
    kept = furniture.text_patch
    monkeypatch.setattr(
        furniture, "text_patch", lambda sheet, text, **o: written.append(text) or kept(sheet, text, **o)
    )
    pictures = {}
    for language, words in (("ko", "건물"), ("fi", "Rakennus"), ("en", "Building"), (None, "Building")):
        written.clear()
        out = tmp_path / f"{language}.png"
        write_snapshot(content, out, size=SIZE, language=language, notices=Notices())
        assert words in written
        pictures[language] = out.read_bytes()
    assert pictures["en"] == pictures[None]
    assert len(set(pictures.values())) == 3
    with pytest.raises(UsageError, match="not spoken here"):
        write_snapshot(content, tmp_path / "de.png", size=SIZE, language="de", notices=Notices())


def test_without_furniture_title_there_is_less_in_the_picture(tmp_path, content):
    titled, bare = (
        np.asarray(
            Image.open(write_snapshot(content, tmp_path / f"{i}.png", size=SIZE, title=t, notices=Notices()))
        )
        for i, t in enumerate((None, ""))
    )
    assert (titled != bare).any(axis=2).sum() > 20
