"""Layers of one file in every part that a build and an addition take: command line, twin.toml, Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
import shapely

import twin
from tests.faults.small_city import CRS, SITE, outlines, write_small
from twin.cli.main import run
from twin.core.errors import EXIT_INPUT, EXIT_OK, EXIT_USAGE

KINDS = ("roads", "water", "bridges", "landcover")


@pytest.fixture(scope="module")
def base_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey, and one GeoPackage with everything else."""
    folder = tmp_path_factory.mktemp("in")
    write_small(folder)
    strips = {
        kind: shapely.box(SITE.x_min + 35 + i, SITE.y_min, SITE.x_min + 36 + i, SITE.y_max)
        for i, kind in enumerate(KINDS)
    }
    path = folder / "base map.gpkg"
    outlines().to_file(path, layer="houses", engine="pyogrio")
    for kind, area in strips.items():
        frame = gpd.GeoDataFrame({"id": [kind], "kind": [f"of {kind}"]}, geometry=[area], crs="EPSG:25832")
        frame.to_file(path, layer=f"my {kind}", engine="pyogrio")
    return path


def layers(path: Path) -> dict[str, str]:
    return {"footprints": f"{path}|layername=houses"} | {k: f"{path}|layername=my {k}" for k in KINDS}


def assert_built(city: Path) -> None:
    built = twin.open_city(city)
    assert len(built.buildings) == 4
    for kind in KINDS:
        assert built.layer(kind)["id"].tolist() == [kind]
    data: dict[str, Any] = json.loads((city / "twin.json").read_text(encoding="utf-8"))
    expected = {"footprints": "houses"} | {k: f"my {k}" for k in KINDS}
    assert data["layers"]["buildings"]["provenance"]["parameters"]["layers"] == expected


def test_on_the_command_line(base_map: Path, tmp_path: Path) -> None:
    named = [part for kind, text in layers(base_map).items() for part in (f"--{kind}", text)]
    points = str(base_map.parent / "survey.laz")
    assert run(["build", points, *named, "-o", str(tmp_path / "town.twin"), "--workers", "1"]) == EXIT_OK
    assert_built(tmp_path / "town.twin")


def test_in_a_twin_toml_and_relative_to_it(base_map: Path, tmp_path: Path) -> None:
    lines = [f'{kind} = "{text}"' for kind, text in layers(Path(base_map.name)).items()]
    toml = base_map.parent / "twin.toml"
    toml.write_text(
        "\n".join(["[project]", f'crs = "{CRS}"', "[sources]", 'points = "survey.laz"', *lines]), "utf-8"
    )
    assert run(["build", str(toml), "-o", str(tmp_path / "town.twin"), "--workers", "1"]) == EXIT_OK
    assert_built(tmp_path / "town.twin")


def test_in_python(base_map: Path, tmp_path: Path) -> None:
    named = layers(base_map)
    footprints = named.pop("footprints")
    twin.build(
        base_map.parent / "survey.laz", footprints, tmp_path / "town.twin", vectors=dict(named), workers=1
    )
    assert_built(tmp_path / "town.twin")


def test_another_layer_is_another_city(
    base_map: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is the same, so only the name tells that something is to be done."""
    command = [
        "build",
        str(base_map.parent / "survey.laz"),
        "-o",
        str(tmp_path / "town.twin"),
        "--workers",
        "1",
    ]
    for layer, fresh in (("houses", True), ("houses", False), ("my water", True)):
        assert run([*command, "--footprints", f"{base_map}|layername={layer}"]) == EXIT_OK
        assert ("unchanged" in capsys.readouterr().out) != fresh


@pytest.mark.parametrize("layer", ["", "|layername=none"])
def test_a_layer_that_is_not_there_and_none_named(
    layer: str, base_map: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = str(base_map.parent / "survey.laz")
    command = ["build", points, "--roads", f"{base_map}{layer}", "-o", str(tmp_path / "town.twin")]
    assert run(command) == EXIT_USAGE
    told = capsys.readouterr().err
    assert "houses" in told
    assert "my water" in told
    assert not (tmp_path / "town.twin").exists()


def test_layers_of_one_file_are_added_under_their_names(base_map: Path, tmp_path: Path) -> None:
    city = tmp_path / "town.twin"
    points = str(base_map.parent / "survey.laz")
    assert run(["build", points, "-o", str(city), "--workers", "1"]) == EXIT_OK
    named = [f"{base_map}|layername={name}" for name in ("houses", "my water")]
    assert run(["add", str(city), *named]) == EXIT_OK
    built = twin.open_city(city)
    assert len(built.layer("houses")) == 4
    assert built.layer("my water")["kind"].tolist() == ["of water"]
    assert run(["add", str(city), f"{tmp_path / 'none.gpkg'}|layername=x"]) == EXIT_INPUT
    assert run(["add", str(city), f"{points}|layername=x"]) in {EXIT_USAGE, EXIT_INPUT}


def test_a_table_without_rows_is_refused(
    base_map: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city = tmp_path / "town.twin"
    assert run(["build", str(base_map.parent / "survey.laz"), "-o", str(city), "--workers", "1"]) == EXIT_OK
    (tmp_path / "empty.csv").write_text("x,y,name\n")
    assert run(["add", str(city), str(tmp_path / "empty.csv")]) == EXIT_INPUT
    assert "no rows" in capsys.readouterr().err


def test_a_sheet_of_a_workbook_is_named_the_same_way(base_map: Path, tmp_path: Path) -> None:
    city = tmp_path / "town.twin"
    assert run(["build", str(base_map.parent / "survey.laz"), "-o", str(city), "--workers", "1"]) == EXIT_OK
    book = openpyxl.Workbook()
    for n in (1, 2):
        page = book.create_sheet(f"year {n}")
        page.append(["name", "value"])
        page.append(["a", n])
    book.save(tmp_path / "table.xlsx")
    assert run(["add", str(city), str(tmp_path / "table.xlsx")]) == EXIT_USAGE
    assert run(["add", str(city), f"{tmp_path / 'table.xlsx'}|layername=year 2"]) == EXIT_OK
    assert twin.open_city(city).layer("year 2")["value"].tolist() == [2]
