"""What a visitor is handed: one of everything, with an index in three languages."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.small_town import small_town
from twin.core.errors import OutputExistsError
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.outputs import ffmpeg, takeaway
from twin.outputs.captions import read_captions
from twin.outputs.ffmpeg import count_frames
from twin.outputs.takeaway import storm_of, write_takeaway
from twin.outputs.takeaway_texts import LANGUAGES, notebook_text, readme_text, shots_text
from twin.scene.fonts import can_write
from twin.water.flood_store import store_flood

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "takeaway"


def test_every_file_has_words_in_every_language() -> None:
    texts = tomllib.loads((ASSETS / "readme.toml").read_text(encoding="utf-8"))
    named = {"page.html", "film.mp4", "film.gif", "table.usdz", "city.glb", "print.3mf", "print.stl"}
    assert set(texts) == {"heading", "about", "stills", "notebook.ipynb", *named}
    assert all(set(words) == set(LANGUAGES) for words in texts.values())
    index = readme_text(["film.mp4", "stills"], city="Eco {Delta}", attribution="")
    assert index.count("film.mp4") == index.count("Eco {Delta}") == 3
    assert "page.html" not in index


def test_the_captions_fill_the_film_and_can_be_written() -> None:
    captions = read_captions(ASSETS / "captions.toml")
    assert captions[-1].end_s == takeaway.FILM_S
    assert all(can_write(c.text["en"].replace("\n", "")) for c in captions)


def test_the_list_of_stills_and_the_notebook_can_be_read() -> None:
    data = tomllib.loads(shots_text(city='a "b".twin', views=["뷰.json"], times=[""], layers=["", "typhoon"]))
    assert (data["city"], data["views"], data["layers"]) == ('a "b".twin', ["뷰.json"], ["", "typhoon"])
    cells = json.loads(notebook_text(city="../a'b.twin", flood="typhoon", moment="2026-08-28T15:00+09:00"))[
        "cells"
    ]
    for cell in cells:
        if cell["cell_type"] == "code":
            compile(cell["source"], "cell", "exec")
            assert cell["outputs"] == []


@pytest.fixture(scope="module")
def stormy(tmp_path_factory):
    """The small town with twenty minutes of heavy rain, and a view."""
    import twin

    town = small_town(tmp_path_factory) / "town.twin"
    folder = tmp_path_factory.mktemp("stormy")
    city = twin.open_city(shutil.copytree(town, folder / "town.twin"))
    flood = twin.water.simulate(
        city, rain=80.0, hours=1 / 3, cell_size_m=4.0, output_every_s=300.0, name="storm"
    )
    city = store_flood(city, flood, run={}, notices=Notices())
    x0, y0, x1, y1 = city.bounds.x_min, city.bounds.y_min, city.bounds.x_max, city.bounds.y_max
    view = {"eye": [x0 - 50, y0 - 50, 90.0], "target": [(x0 + x1) / 2, (y0 + y1) / 2, 0.0]}
    (folder / "corner.json").write_text(json.dumps(view))
    return city


@pytest.mark.slow
def test_a_takeaway_holds_one_of_everything(tmp_path, stormy, monkeypatch) -> None:
    for name, value in {
        "FILM_FPS": 1.0,
        "FILM_SIZE": (192, 108),
        "GIF_FPS": 1.0,
        "GIF_SIZE": (96, 54),
    }.items():
        monkeypatch.setattr(takeaway, name, value)
    monkeypatch.setattr(takeaway, "STILL_SIZE", "192x108")
    out, notices = tmp_path / "out", Notices()
    told = {"flood": "storm", "utc_offset_h": 9.0, "notices": notices, "progress": Silent()}
    views = [stormy.path.parent / "corner.json"]
    made = write_takeaway(stormy, out, views=views, **told)
    assert sorted(made) == sorted(p.name for p in out.iterdir())
    assert {"README.txt", "film.mp4", "film.gif", "page.html", "city.glb", "stills", "notebook.ipynb"} <= set(
        made
    )
    assert count_frames(out / "film.mp4") == 10
    with Image.open(out / "film.gif") as gif:
        assert gif.n_frames == 6
    dry, wet = (np.asarray(Image.open(out / "stills" / f"corner_{k}.png")) for k in ("all", "storm"))
    assert not np.array_equal(dry, wet)
    assert (out / "stills" / "contact-sheet.png").exists()
    index = (out / "README.txt").read_text(encoding="utf-8")
    assert all(index.count(name) >= 3 for name in made if name != "README.txt")
    with pytest.raises(OutputExistsError):
        write_takeaway(stormy, out, **told)


@pytest.mark.slow
def test_what_cannot_be_made_is_left_out_and_told(tmp_path, stormy, monkeypatch) -> None:
    monkeypatch.setattr(takeaway, "_models", lambda storm: {})
    monkeypatch.setattr(takeaway, "_stills", lambda job, path: path.mkdir())
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(ffmpeg.shutil, "which", lambda name: None)
    notices = Notices()
    made = write_takeaway(stormy, tmp_path / "out", notices=notices, progress=Silent())
    assert made == ["README.txt", "stills", "notebook.ipynb"]
    assert 'pip install "twin[expo]"' in notices.lines()[0]
    assert "film" not in (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_storm_is_greatest_when_most_water_stands(stormy) -> None:
    storm = storm_of(stormy, "storm", 9.0)
    assert storm.start < storm.peak <= storm.end
    assert storm.peak.utcoffset() == timedelta(hours=9)
