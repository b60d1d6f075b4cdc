"""RT-27 for what is drawn: hostile names in films, sidecars, contact sheets and captions are text and nothing else."""

from __future__ import annotations

import json
import subprocess
from hashlib import sha256
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.outputs.web.hostile_village import CLOSER, CONTROL, FORMULA, IMAGE, SCRIPT, STYLE
from tests.scene.conftest import ORIGIN, village_content
from twin.city.manifest import Artifact, Layer, Manifest, Provenance, Source
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.outputs.captions import Shown
from twin.outputs.contact_sheet import write_contact_sheets
from twin.outputs.ffmpeg import ffmpeg_program
from twin.outputs.film import write_film
from twin.outputs.film_marks import caption_patches
from twin.outputs.film_plan import FilmOptions, plan_film
from twin.outputs.sidecar import describe, write_sidecar
from twin.scene.furniture import Sheet
from twin.scene.graphics import probe_graphics
from twin.scene.model import Label
from twin.scene.scene import Furniture, Scene
from twin.scene.style import load_style

HOSTILE = (SCRIPT, IMAGE, CONTROL, FORMULA, STYLE, CLOSER, "a\nb", "-y /etc/passwd", "%d'\\;:,[]", "x" * 3000)
needs_graphics = pytest.mark.skipif(probe_graphics() is not None, reason="this machine draws nothing")


@needs_graphics
@pytest.mark.parametrize("name", [CONTROL, "%d'\\;:,[]\n-y"], ids=["control", "marks"])
def test_a_film_of_a_city_with_a_hostile_name_plays_and_names_it(tmp_path, name) -> None:
    labels = (Label(name, (ORIGIN[0] - 10.0, ORIGIN[1] + 22.0, 0.0), "water"),)
    scene = Scene(village_content(name=name, attribution=(name, CLOSER), labels=labels))
    plan = plan_film(scene, FilmOptions(size=(64, 36), fps=2, seconds=1, orbits=True))
    folder = tmp_path / "it's 50 % [of] it"
    write_film(plan, folder / "film.mp4", notices=Notices(), progress=Silent())
    assert [p.name for p in folder.iterdir()] == ["film.mp4"]
    told = subprocess.run(
        [ffmpeg_program(), "-i", str(folder / "film.mp4")], capture_output=True, text=True, check=False
    ).stderr
    (title,) = [line.split(": ", 1)[1] for line in told.splitlines() if line.strip().startswith("title")]
    assert title.startswith(name[:5])
    assert "\x00" not in title
    assert "\x1b" not in title


def test_a_sidecar_keeps_hostile_names_as_text(tmp_path) -> None:
    sources = tuple(Source(f"{n}.laz", 1, "d") for n in HOSTILE)
    layer = Layer("vector", (Artifact("a.parquet", 1, "abc"),), Provenance(sources, licence=SCRIPT))
    manifest = Manifest(CONTROL, "EPSG:28992", "", ORIGIN, (0, 0, 0, 1, 1, 1), "key", {IMAGE: layer})
    scene = Scene(village_content(name=CONTROL, attribution=(CLOSER, CONTROL)))
    city = SimpleNamespace(manifest=manifest, path=tmp_path)
    told = describe(
        city, scene, scene.camera("overview", (64, 36)), size=(64, 36), color_by=None, furniture=Furniture()
    )
    path = write_sidecar(tmp_path / "street.png", told, sha256=sha256(b"").hexdigest())
    read = json.loads(path.read_text(encoding="utf-8"))
    assert read["city"]["name"] == CONTROL
    assert set(read["city"]["inputs"]) == {f"{n}.laz" for n in HOSTILE}
    assert not any(ord(c) < 32 and c != "\n" for c in path.read_text(encoding="utf-8"))


def test_a_contact_sheet_draws_hostile_names_beside_their_picture(tmp_path) -> None:
    names = [f"{n.replace('/', '_').replace(chr(0), '')[:80]}.png" for n in HOSTILE[:-1]]
    pictures = [tmp_path / name for name in names]
    for picture in pictures:
        Image.new("RGB", (96, 54), (200, 30, 30)).save(picture, format="PNG")
    (sheet,) = write_contact_sheets(pictures, tmp_path / "sheet.png", load_style("light"))
    drawn = np.asarray(Image.open(sheet).convert("RGB"))
    assert (drawn == (200, 30, 30)).all(axis=2).sum() == len(names) * 384 * 216


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_captions_stay_within_the_picture(text) -> None:
    sheet = Sheet((640, 360), load_style("light"), Notices())
    (patch,) = caption_patches(sheet, [Shown(text[:200], "caption", 1.0)])
    left, _, right, _ = patch.box
    assert 0 <= left < right <= 640
