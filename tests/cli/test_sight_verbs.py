"""`twin sight` and `twin measure`: figures, files, and what cannot be meant."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.flood_city import NORTH, WEST, make_city
from twin.cli.main import run


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> str:
    z = np.full((40, 60), 1.0)
    z[:, 30:32] = 5.0
    return str(make_city(tmp_path_factory.mktemp("sight") / "town.twin", z).path)


def place(column: float, row: float, *height: float) -> str:
    return ",".join(f"{v:.2f}" for v in (WEST + column, NORTH - row, *height))


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict:
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_wall_hides_what_lies_behind_it(
    city: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import rasterio

    told = answer(["sight", city, "--eye", place(10.5, 20.5), str(tmp_path / "seen.tif")], capsys)
    with rasterio.open(tmp_path / "seen.tif") as raster:
        seen = raster.read(1)
    assert told["seen_m2"] == (seen == 1).sum()
    assert (seen[:, :30] == 1).all()
    assert (seen[20, 33:] == 0).all()
    assert run(["sight", city, "--eye", place(10.5, 20.5), str(tmp_path / "seen.tif")]) == 5
    hidden = answer(["sight", city, "--eye", place(10.5, 20.5), "--to", place(50.5, 20.5, 1)], capsys)
    assert hidden["visible"] is False
    assert hidden["blocked_by"] == "ground"
    assert answer(["sight", city, "--eye", place(10.5, 20.5), "--to", place(20.5, 20.5, 1)], capsys)[
        "visible"
    ]


def test_lines_and_areas_are_measured(city: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"{place(5.5, 20.5)} {place(25.5, 20.5)}"
    told = answer(["measure", city, "--line", line, str(tmp_path / "p.csv")], capsys)
    assert told["plan_m"] == pytest.approx(20)
    assert told["terrain_m"] == pytest.approx(20)
    assert (tmp_path / "p.csv").read_text().count("\n") > 40
    square = " ".join(place(c, r) for c, r in ((5, 5), (15, 5), (15, 15), (5, 15)))
    told = answer(["measure", city, "--area", square, "--level", "3"], capsys)
    assert told == {"plan_m2": 100.0, "surface_m2": 100.0, "above_level_m3": 0.0, "below_level_m3": 200.0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["measure"], "one of --line"),
        (["measure", "--line", "1,2 x"], "2 or more places"),
        (["measure", "--area", "1,2 3,4"], "3 or more places"),
        (["measure", "--where", "height_m ~ 3"], "cannot be read"),
        (["sight", "--eye", "1,2"], "either OUT or --to"),
        (["sight", "--eye", "1;2", "--to", "1,2"], "is not X,Y"),
        (["sight", "--eye", "1,2", "--to", "1,2"], "outside the city"),
        (["sight", "--eye", "1,2", "out.tif"], "outside the city"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake_of_usage(
    city: str,
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([words[0], city, *words[1:]]) == 2
    assert said in capsys.readouterr().err


def test_without_json_they_tell_sentences_with_units(
    city: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> str:
        assert run([words[0], city, *words[1:]]) == 0
        return capsys.readouterr().out

    out = tmp_path / "seen.tif"
    assert f"m2 are seen from an elevation of 2.60 m; written to {out}" in told(
        "sight", "--eye", place(10.5, 20.5), str(out)
    )
    assert told("sight", "--eye", place(10.5, 20.5), "--to", place(20.5, 20.5, 1)) == "seen, 10.02 m away\n"
    hidden = told("sight", "--eye", place(10.5, 20.5), "--to", place(50.5, 20.5, 1))
    assert hidden.startswith("not seen, 40.00 m away: the ground at ")
    assert hidden.endswith(" m is in the way\n")
    line = f"{place(5.5, 20.5)} {place(25.5, 20.5)}"
    assert told("measure", "--line", line).splitlines()[0] == "on the map      20.00 m"
    beyond = f"{place(5.5, 20.5)} {place(500, 20.5)}"
    assert "over the ground unknown, as it leaves the terrain" in told("measure", "--line", beyond)
    square = " ".join(place(c, r) for c, r in ((5, 5), (15, 5), (15, 15), (5, 15)))
    assert "room below      200.0 m3" in told("measure", "--area", square, "--level", "3")
