"""The format is told by the bytes; what could reach elsewhere or run code is refused by name."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from twin.core.errors import InputError, InputNotFoundError, TwinError, UnsafeInputError
from twin.sources.formats import VECTOR_FORMATS, Format
from twin.sources.sniff import require_format, sniff, top_level

if TYPE_CHECKING:
    from pathlib import Path

GEOJSON = json.dumps({"type": "FeatureCollection", "features": []}).encode()


def xlsx() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


def npz(array: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.asarray(array))
    return buffer.getvalue()


KNOWN = {
    "a.gpkg": (b"SQLite format 3\0" + bytes(52) + b"GPKG" + bytes(40), Format.GPKG),
    "a.sqlite": (b"SQLite format 3\0" + bytes(100), Format.SQLITE),
    "a.geojson": (GEOJSON, Format.GEOJSON),
    "bom.geojson": (b"\xef\xbb\xbf\n " + GEOJSON, Format.GEOJSON),
    "utf16.geojson": (GEOJSON.decode().encode("utf-16"), Format.GEOJSON),
    "no_suffix": (GEOJSON, Format.GEOJSON),
    "type_last.json": (b'{"features": [{"type": "Feature", "properties": {"type": "x"}}', Format.GEOJSON),
    "lines.geojsons": (b'\x1e{"type": "Feature", "geometry": null}\n', Format.GEOJSON),
    "a.shp": (b"\0\0\x27\x0a" + bytes(96), Format.SHAPEFILE),
    "a.fgb": (b"fgb\x03fgb\0" + bytes(8), Format.FLATGEOBUF),
    "a.parquet": (b"PAR1" + bytes(8), Format.PARQUET),
    "a.tif": (b"II*\0" + bytes(8), Format.GEOTIFF),
    "big.tif": (b"MM\0+" + bytes(8), Format.GEOTIFF),
    "a.asc": (b"NCOLS 3\nNROWS 2\n", Format.ASCII_GRID),
    "a.jpg": (b"\xff\xd8\xff\xe0" + bytes(8), Format.JPEG),
    "a.png": (b"\x89PNG\r\n\x1a\n", Format.PNG),
    "a.city.json": (b'{"type": "CityJSON", "version": "2.0"}', Format.CITYJSON),
    "a.city.jsonl": (
        b'{"type": "CityJSON", "CityObjects": {}}\n{"type": "CityJSONFeature"}\n',
        Format.CITYJSON_SEQ,
    ),
    "a.glb": (b"glTF" + bytes(8), Format.GLB),
    "a.gltf": (b'{"asset": {"version": "2.0"}, "meshes": []}', Format.GLTF),
    "a.obj": (b"# a cube\nv 0 0 0\n", Format.OBJ),
    "a.ply": (b"ply\nformat ascii 1.0\n", Format.PLY),
    "ascii.stl": (b"solid cube\n facet normal 0 0 1\n", Format.STL),
    "binary.stl": (b"solid but binary".ljust(80, b" ") + struct.pack("<I", 1) + bytes(50), Format.STL),
    "a.csv": (b"id;h\n1;2,5\n", Format.CSV),
    "a.xlsx": (xlsx(), Format.XLSX),
    "a.laz": (b"LASF" + bytes(8), Format.LAS),
}
REFUSED = {
    "empty.gpkg": (b"", InputError, ("empty",)),
    "page.laz": (b"<!DOCTYPE html><html><body>Log in", InputError, ("web page", "LAS")),
    "page.geojson": (b"\n<html><head>", InputError, ("web page", "GeoJSON")),
    "vrt.tif": (b"<VRTDataset><SourceFilename>/etc/passwd", UnsafeInputError, ("VRT", "GeoTIFF")),
    "late.geojson": (b"{}" + b" " * 9000 + b"<OGRVRTDataSource>", UnsafeInputError, ("VRT", "GeoJSON")),
    "utf16.gml": ("<?xml?><!DOCTYPE a>".encode("utf-16"), UnsafeInputError, ("DOCTYPE",)),
    "late.gml": (b"<gml>" + b" " * 60_000 + b"<!doctype x>", UnsafeInputError, ("DOCTYPE",)),
    "city.gml": (
        b'<?xml version="1.0"?><CityModel xmlns="citygml/2.0">',
        InputError,
        ("citygml-tools to-cityjson",),
    ),
    "plain.gml": (b"<gml:FeatureCollection>", InputError, ("ogr2ogr out.gpkg plain.gml",)),
    "model.skp": (b"\xff\xfe\xff\x0eS\0k\0e\0t\0c\0h\0", InputError, ("SketchUp", "GLB")),
    "model.fbx": (b"Kaydara FBX Binary  \0", InputError, ("FBX", "GLB")),
    "model.dae": (b"<?xml?><COLLADA>", InputError, ("GLB",)),
    "topo.json": (b'{"type": "Topology"}', InputError, ("TopoJSON", "ogr2ogr")),
    "other.json": (b'{"a": 1}', InputError, ("neither GeoJSON nor CityJSON nor glTF",)),
    "text.tif": (b"hello", InputError, ("not a GeoTIFF", "b'hello'")),
    "a.dbf": (b"\x03" + bytes(31), InputError, ("a.shp",)),
    "a.shx": (b"\0\0\x27\x0a" + bytes(96), InputError, ("a.shp",)),
    "cut.zip": (b"PK\x03\x04" + bytes(20), InputError, ("damaged zip",)),
    "a.pkl": (b"cos\nsystem\n", UnsafeInputError, ("pickle",)),
    "hidden.parquet": (b"\x80\x04\x95abc", UnsafeInputError, ("pickle",)),
    "objects.npz": (npz([{"a": 1}]), UnsafeInputError, ("pickle",)),
    "numbers.npz": (npz([1.0]), InputError, ("GeoTIFF",)),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1", InputError, (".xlsx",)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_formats(name: str, tmp_path: Path) -> None:
    data, expected = KNOWN[name]
    (tmp_path / name).write_bytes(data)
    assert sniff(tmp_path / name) is expected


@pytest.mark.parametrize("name", REFUSED)
def test_refused_files_are_named_with_a_remedy(name: str, tmp_path: Path) -> None:
    data, error, words = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(error) as caught:
        sniff(tmp_path / name)
    assert type(caught.value) is error
    assert str(caught.value).startswith(str(tmp_path / name))
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="not found"):
        sniff(tmp_path / "nope.gpkg")
    (tmp_path / "folder.shp").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        sniff(tmp_path / "folder.shp")


def test_a_sound_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(KNOWN["a.tif"][0])
    with pytest.raises(InputError, match=r"GeoTIFF, not a vector file.*GeoPackage"):
        require_format(tmp_path / "a.tif", VECTOR_FORMATS, kind="a vector file")


def test_a_marker_deep_in_binary_data_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """A GeoPackage from QGIS keeps styles, which are XML with a document type."""
    style = b"<!DOCTYPE qgis PUBLIC 'x'><VRTDataset>"
    (tmp_path / "styled.gpkg").write_bytes(KNOWN["a.gpkg"][0] + style)
    assert sniff(tmp_path / "styled.gpkg") is Format.GPKG


def test_top_level_reads_past_nested_objects_and_torn_ends() -> None:
    text = '{"a": {"type": "no"}, "b": ["{", "\\"}"], "type": "yes", "c": 1, "d"'
    assert top_level(text) == {"a": "", "b": "", "type": "yes", "c": ""}


def test_damaged_bytes_raise_only_our_errors(tmp_path: Path) -> None:
    rng = random.Random(4)
    samples = [data for data, _ in KNOWN.values()] + [data for data, *_ in REFUSED.values() if data]
    for i in range(600):
        data = bytearray(rng.choice(samples))
        for _ in range(rng.choice([1, 2, 8])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path = tmp_path / f"x{i % 7}.{rng.choice(['json', 'tif', 'gml', 'stl', 'zip'])}"
        path.write_bytes(data)
        try:
            sniff(path)
        except TwinError:
            continue


@pytest.mark.realdata
def test_real_files(shared_data: Path) -> None:
    kinds = {
        "delft/cjio_delft_cityjson20.json": Format.CITYJSON,
        "delft/3dbag_v210908_tile5908_lod22.city.jsonl": Format.CITYJSON_SEQ,
        "cityjson_extra/vienna.jsonl": Format.CITYJSON_SEQ,
        "cityjson_extra/5870_ext.jsonl": Format.CITYJSON_SEQ,
        "cityjson_extra/zurich_subset_lod2.json": Format.CITYJSON,
        "cityjson_extra/3-20-DELFSHAVEN.city.json": Format.CITYJSON,
        "delft/bgt/bgt_pand.sqlite": Format.SQLITE,
        "delft/ahn3/ahn3_cropped_1.laz": Format.LAS,
        "merewether_flood/topography1.asc": Format.ASCII_GRID,
        "merewether_flood/houses/house000.csv": Format.CSV,
        "autzen_usft/attributes.shp": Format.SHAPEFILE,
        "autzen_usft/autzen.jpg": Format.JPEG,
        "sensors/paris_bike/paris_bike_stations.geojson": Format.GEOJSON,
    }
    assert {name: sniff(shared_data / name) for name in kinds} == kinds
    with pytest.raises(InputError, match=r"GML|XML"):
        sniff(shared_data / "ifc_indoor" / "FZK-Haus_full.gml")
    with pytest.raises(InputError, match=r"IFC.*GLB"):
        sniff(shared_data / "ifc_indoor" / "AC20-FZK-Haus.ifc")
