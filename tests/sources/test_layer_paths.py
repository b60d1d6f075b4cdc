"""One layer of a file, written as QGIS and OGR write it."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path, PureWindowsPath

import pytest

from tests.sources.broken_vectors import CITY_CRS, SURVEY, house, two_houses
from tests.sources.vector_samples import write_spatialite
from twin.core.crs import parse_crs
from twin.core.errors import InputError, UsageError
from twin.core.notices import Notices
from twin.sources.layer_paths import split_layer, with_layer
from twin.sources.vectors import read_vector

CITY = parse_crs(CITY_CRS)


def two_layers(folder: Path) -> Path:
    path = folder / "map.gpkg"
    two_houses().to_file(path, layer="roofs", engine="pyogrio")
    two_houses().iloc[:1].to_file(path, layer="Straße 길", engine="pyogrio")
    return path


@pytest.mark.parametrize("layer", ["streets", "Straße 길", "a|b", "x=1", " padded "])
def test_what_is_joined_is_parted_again(layer: str) -> None:
    text = with_layer("some folder/map.gpkg", layer)
    assert split_layer(text.strip('"')) == (Path("some folder/map.gpkg"), layer)


def test_drive_letters_and_network_names_stay_whole() -> None:
    for name in (r"C:\data\map.gpkg", r"\\server\share\map.gpkg"):
        file, layer = split_layer(f"{name}|layername=streets")
        assert PureWindowsPath(str(file)) == PureWindowsPath(name)
        assert layer == "streets"


def test_a_file_that_is_called_so_is_taken_as_it_is(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("no such names on Windows")
    odd = tmp_path / "a|layername=b"
    odd.touch()
    assert split_layer(odd) == (odd, None)


@pytest.mark.parametrize(
    "more", ["", "|subset=id > 3", "roads|subset=id > 3", "roads|geometrytype=Polygon", "roads|layerid=2"]
)
def test_filters_of_qgis_are_refused_instead_of_left_out(more: str) -> None:
    with pytest.raises(UsageError, match=r"write \"map.gpkg\|layername=(roads|NAME)\""):
        split_layer(f"map.gpkg|layername={more}")


def test_several_layers_are_refused_with_the_notation_that_works(tmp_path: Path) -> None:
    path = two_layers(tmp_path)
    with pytest.raises(UsageError) as caught:
        read_vector(path, crs=CITY, survey=SURVEY, notices=Notices())
    quoted = caught.value.remedy.partition(": ")[2]
    file, layer = split_layer(quoted.strip('"'))
    assert len(read_vector(file, layer=layer, crs=CITY, notices=Notices())) == 2
    assert len(read_vector(file, layer="Straße 길", crs=CITY, notices=Notices())) == 1


def test_tables_of_a_spatialite_base(tmp_path: Path) -> None:
    path = write_spatialite(
        tmp_path / "map.sqlite", {"pand": {"b1": house()}, "weg": {"w1": house(20), "w2": house(0, 14)}}
    )
    assert read_vector(path, layer="weg", crs=CITY, notices=Notices())["id"].tolist() == ["w1", "w2"]


def test_a_layer_in_an_archive_and_one_of_its_data_sets(tmp_path: Path) -> None:
    inner = two_layers(tmp_path)
    two_houses().to_file(tmp_path / "lots.geojson", engine="pyogrio")
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.write(inner, "data/map.gpkg")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.write(tmp_path / "lots.geojson", "lots.geojson")
        archive.write(tmp_path / "lots.geojson", "roofs.geojson")
    with pytest.raises(UsageError) as caught:
        read_vector(tmp_path / "one.zip", crs=CITY, notices=Notices())
    assert f'"{tmp_path / "one.zip"}|layername=' in caught.value.remedy
    assert len(read_vector(tmp_path / "one.zip", layer="roofs", crs=CITY, notices=Notices())) == 2
    with pytest.raises(InputError) as several:
        read_vector(tmp_path / "two.zip", crs=CITY, notices=Notices())
    assert "two.zip|layername=lots" in several.value.remedy
    assert len(read_vector(tmp_path / "two.zip", layer="lots", crs=CITY, notices=Notices())) == 2
