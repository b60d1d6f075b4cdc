"""The verbs of floods: their options are documented, and what they say is what they kept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import pytest

from tests.flood_city import box, grid_of, make_city
from twin.cli.flood import command
from twin.cli.main import run
from twin.water.flood_store import read_flood

if TYPE_CHECKING:
    from twin.city.model import City

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference/command-line.md"


@pytest.fixture
def city(tmp_path: Path) -> City:
    z = np.full((20, 30), 1.0)
    z[:, :6] = 0.2
    water = {"class": ["river"], "geometry": [box(grid_of(z), slice(None), slice(0, 6))]}
    return make_city(tmp_path / "town.twin", z, water=water)


@pytest.mark.parametrize("verb", sorted(command.commands))
def test_every_option_is_in_the_reference(verb: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    section = re.search(rf"^## twin flood {verb}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    cells = " ".join(re.findall(r"^\| (`[^|]+) \|", section[1], re.MULTILINE))
    told = set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", cells))
    assert told == {o for p in command.commands[verb].params if isinstance(p, click.Option) for o in p.opts}
    assert command.commands[verb].epilog


def test_a_level_is_kept_and_told(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["flood", "level", str(city.path), "--eta", "2", "--name", "high", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["is_preview"]
    assert told["counts"]["m2 wet"] == 600.0
    assert run(["info", str(city.path)]) == 0
    assert "high" in capsys.readouterr().out


def test_a_storm_is_kept_with_its_tables(city: City, tmp_path: Path) -> None:
    (tmp_path / "rain.csv").write_text("minutes,mm_h\n0,30\n3,0\n")
    (tmp_path / "tide.csv").write_text("hours,level\n0,0.4\n1,0.4\n")
    words = ["--rain", str(tmp_path / "rain.csv"), "--tide", str(tmp_path / "tide.csv"), "--hours", "0.05"]
    assert run(["flood", "simulate", str(city.path), *words, "--name", "storm"]) == 0
    from twin.city.model import open_city

    stored = open_city(city.path)
    entry = stored.manifest.layers["storm"]
    assert {s.name for s in entry.provenance.inputs} == {"rain.csv", "tide.csv"}
    assert entry.provenance.parameters["rain"] == "rain.csv"
    assert read_flood(stored, "storm").n_steps == 25


def test_an_inflow_by_table_is_balanced_and_its_steps_told(
    city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = city.manifest.bounds
    x, y = b[0] + 15.5, b[1] + 10.5
    text = f"seconds,x,y,m3_per_s\n0,{x},{y},0.5\n60,{x},{y},0.5\n"
    (tmp_path / "inflow.csv").write_text(text)
    words = ["flood", "simulate", str(city.path), "--inflow", str(tmp_path / "inflow.csv"), "--hours", "0.02"]
    assert run([*words, "--edges", "closed", "--name", "spring"]) == 0
    said = capsys.readouterr().out
    assert "36.0 m3 in, 0.0 out, 36.0 at the end" in said
    cell = re.search(r"the cell at ([\d.]+), ([\d.]+) allows no longer", said)
    assert cell is not None
    assert abs(float(cell[1]) - x) < 15
    assert abs(float(cell[2]) - y) < 10


def test_roads_and_buildings_are_told_with_the_flood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    z = np.full((20, 30), 1.0)
    grid = grid_of(z)
    road = {"class": ["street"], "geometry": [box(grid, slice(9, 12), slice(0, 30))]}
    houses = [box(grid, slice(2, 6), slice(4, 10)), box(grid, slice(14, 18), slice(4, 10))]
    city = make_city(tmp_path / "r.twin", z, layers={"roads": road}, footprints=houses).path
    place = f"{grid.x_min + 15},{grid.y_max - 10}"
    words = ["flood", "level", str(city), "--eta", "1.5", "--source", place, "--name", "f"]
    assert run([*words, "--standard", "nobody"]) != 0
    assert run([*words, "--json"]) == 0
    out = capsys.readouterr().out
    told = json.loads(out)["exposure"]
    assert told == {"roads": {"closed": 1}, "buildings": {"wet": 2, "all": 2}}
    assert run(["flood", "exposure", str(city), "--name", "f", "--standard", "small-car-2011", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["road_standard"] == "small-car-2011"
    assert run([*words[:-1], "g", "--no-exposure", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exposure"] == {}
    assert not (city / "water/g/roads.parquet").exists()


def test_what_an_unstable_run_had_computed_is_kept(
    city: City, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A computation that breaks off ends with an error, and its first moments stand in the city."""
    from twin.city.model import open_city
    from twin.water import simulation
    from twin.water.model import UnstableError

    whole = simulation.run

    def breaks_off(setup: simulation.Setup, **given: object) -> object:
        done = whole(setup, **given)  # type: ignore[arg-type]
        raise UnstableError("water", "no step leads on at row 3, column 4, 12 s", "", done)

    monkeypatch.setattr(simulation, "run", breaks_off)
    words = ["flood", "simulate", str(city.path), "--rain", "30", "--hours", "0.02", "--name", "f"]
    assert run(words) == 3
    said = capsys.readouterr().err
    assert "row 3, column 4" in said
    assert "kept" in said
    assert read_flood(open_city(city.path), "f").n_steps == 25


def test_a_flood_goes_on_from_another(city: City) -> None:
    from twin.city.model import open_city

    first = ["flood", "simulate", str(city.path), "--rain", "30", "--hours", "0.02", "--name", "a"]
    assert run(first) == 0
    second = ["flood", "simulate", str(city.path), "--after", "a", "--hours", "0.02", "--name", "b"]
    assert run(second) == 0
    a, b = (read_flood(open_city(city.path), n) for n in "ab")
    assert b.times[0] == a.times[-1]
    np.testing.assert_allclose(b.depth_m(0), a.depth_m(24), atol=1e-6)
    assert run([*second[:-1], "c", "--cell-size", "2"]) == 2
