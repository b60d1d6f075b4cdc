"""Some buildings as a file: those that were chosen and no others, in every format."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest

import twin
from tests.small_town import small_town
from twin.core.errors import OutputExistsError, UsageError
from twin.outputs.selection import SUFFIXES, export_selection


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return twin.open_city(small_town(tmp_path_factory) / "town.twin")


@pytest.fixture
def some(town):
    frame = town.buildings
    return sorted(frame[frame["state"] == "built"]["id"].astype(str))[:3]


def ids_in(path):
    """Ids of the buildings of a file."""
    if path.suffix == ".csv":
        return sorted(pd.read_csv(path, dtype=str)["id"])
    if path.suffix == ".gpkg":
        return sorted(gpd.read_file(path, layer="buildings")["id"].astype(str))
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.name.endswith(".jsonl"):
        return sorted(json.loads(line)["id"] for line in lines[1:])
    objects = json.loads(path.read_text(encoding="utf-8"))["CityObjects"]
    return sorted(name for name, thing in objects.items() if thing["type"] == "Building")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_what_was_chosen(town, some, tmp_path, suffix):
    path = tmp_path / f"some{suffix}"
    assert export_selection(town, some, path) == len(some)
    assert ids_in(path) == some
    with pytest.raises(OutputExistsError):
        export_selection(town, some, path)


@pytest.mark.slow
@pytest.mark.parametrize(("ids", "name"), [(["nobody"], "a.csv"), ([], "a.gpkg"), (["x"], "a.dwg")])
def test_what_cannot_be_meant_is_refused(town, tmp_path, ids, name):
    with pytest.raises(UsageError):
        export_selection(town, ids, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_table_holds_no_formulas(town, some, tmp_path):
    frame = town.buildings.copy()
    frame["name"] = '=HYPERLINK("http://example.org")'
    hostile = twin.City(town.path, town.manifest)
    hostile.__dict__["buildings"] = frame
    path = tmp_path / "some.csv"
    export_selection(hostile, some, path)
    assert all(cell.startswith("'=") for cell in pd.read_csv(path)["name"])
