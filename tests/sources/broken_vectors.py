"""Broken vector files, one defect each, and what must be said about them.

The city is in EPSG:25832; its survey covers 565,000 to 565,200 east and 5,930,000 to 5,930,200 north.
"""

from __future__ import annotations

import io
import json
import math
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from twin.core.errors import (
    CrsError,
    InputError,
    LimitError,
    OverlapError,
    TwinError,
    UnsafeInputError,
    UsageError,
)
from twin.core.grid import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable

CITY_CRS = "EPSG:25832"
SURVEY = Bounds(565_000, 5_930_000, 565_200, 5_930_200)
X, Y = 565_050.0, 5_930_050.0


def house(
    dx: float = 0.0, dy: float = 0.0, *, width_m: float = 10.0, depth_m: float = 8.0
) -> shapely.Polygon:
    """A rectangle inside the survey."""
    return shapely.box(X + dx, Y + dy, X + dx + width_m, Y + dy + depth_m)


def frame(
    geometry: list[Any], ids: list[Any] | None = None, *, crs: str | None = CITY_CRS, **columns: list[Any]
) -> gpd.GeoDataFrame:
    ids = [f"b{i + 1}" for i in range(len(geometry))] if ids is None else ids
    return gpd.GeoDataFrame({"id": ids, **columns}, geometry=geometry, crs=crs)


def at_home(ring: list[tuple[float, float]], *holes: list[tuple[float, float]]) -> shapely.Polygon:
    def shift(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(X + x, Y + y) for x, y in points]

    return shapely.Polygon(shift(ring), [shift(hole) for hole in holes])


def two_houses(**kwargs: Any) -> gpd.GeoDataFrame:
    return frame([house(), house(20)], **kwargs)


def gpkg(folder: Path, name: str, data: gpd.GeoDataFrame) -> Path:
    data.to_file(folder / name, driver="GPKG", engine="pyogrio")
    return folder / name


def geojson(folder: Path, name: str, features: list[dict[str, Any]]) -> Path:
    (folder / name).write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return folder / name


def feature(geometry: shapely.Geometry, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(geometry)}


def in_degrees() -> list[shapely.Polygon]:
    return list(gpd.GeoSeries([house(), house(20)], crs=CITY_CRS).to_crs("EPSG:4326"))


def shapefile(folder: Path, *, drop: tuple[str, ...] = (), name: str = "buildings") -> Path:
    folder.mkdir(exist_ok=True)
    two_houses().to_file(folder / f"{name}.shp", engine="pyogrio")
    for suffix in drop:
        (folder / f"{name}{suffix}").unlink()
    return folder / f"{name}.shp"


def zipped_shapefile(folder: Path) -> Path:
    shp = shapefile(folder / "parts")
    with zipfile.ZipFile(folder / "buildings.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(shp.parent.iterdir()):
            archive.write(part, f"data/{part.name}")
    return folder / "buildings.zip"


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def _no_rows(folder: Path) -> Path:
    return gpkg(folder, "no_rows.gpkg", two_houses().iloc[:0])


def _metres_called_wgs84(folder: Path) -> Path:
    return geojson(folder, "metres_called_wgs84.geojson", [feature(house(), id="b1")])


def _lat_lon(folder: Path) -> Path:
    flipped = [shapely.transform(g, lambda xy: xy[:, ::-1]) for g in in_degrees()]
    return geojson(folder, "lat_lon.geojson", [feature(g, id=f"b{i}") for i, g in enumerate(flipped)])


def _wrong_zone(folder: Path) -> Path:
    return gpkg(folder, "wrong_zone.gpkg", two_houses(crs="EPSG:25833"))


def _lines_and_points(folder: Path) -> Path:
    shapes = [shapely.LineString([(X, Y), (X + 9, Y)]), shapely.Point(X, Y)]
    return gpkg(folder, "lines_and_points.gpkg", frame(shapes))


def _nan_coordinate(folder: Path) -> Path:
    ring = [(0, 0), (10, 0), (math.nan, 8), (0, math.inf)]
    return gpkg(folder, "nan_coordinate.gpkg", frame([at_home(ring), house(20)]))


def _two_layers(folder: Path) -> Path:
    two_houses().to_file(folder / "two_layers.gpkg", layer="roofs", engine="pyogrio")
    two_houses().to_file(folder / "two_layers.gpkg", layer="parcels", engine="pyogrio")
    return folder / "two_layers.gpkg"


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(text, "utf-8")
        return folder / name

    return make


def _bytes(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def _slip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "slip.zip", "w") as archive:
        archive.writestr("../../escaped.shp", b"x")
    return folder / "slip.zip"


def _bomb(folder: Path) -> Path:
    with (
        zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("b.shp", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(b"\0" * 1_000_000)
    return folder / "bomb.zip"


def _tar(name: str, member: tarfile.TarInfo) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with tarfile.open(folder / name, "w") as archive:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
        return folder / name

    return make


def _link_to_root() -> tarfile.TarInfo:
    info = tarfile.TarInfo("out")
    info.type, info.linkname = tarfile.SYMTYPE, "/"
    return info


def _absolute_member() -> tarfile.TarInfo:
    info = tarfile.TarInfo("/tmp/escaped.txt")
    info.size = 1
    return info


def _vrt(folder: Path) -> Path:
    canary = gpkg(folder, "canary.gpkg", two_houses())
    text = (
        f'<OGRVRTDataSource><OGRVRTLayer name="canary"><SrcDataSource>{canary}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    (folder / "ogr_vrt_in_disguise.geojson").write_text(text)
    return folder / "ogr_vrt_in_disguise.geojson"


def _pipeline(folder: Path) -> Path:
    canary = gpkg(folder, "canary.gpkg", two_houses())
    command = f"gdal vector pipeline ! read {canary} ! write --of=stream streamed_dataset"
    path = folder / "pipeline_in_disguise.geojson"
    path.write_text(json.dumps({"type": "gdal_streamed_alg", "command_line": command}))
    return path


def _virtual_table(folder: Path) -> Path:
    """A window on another file; the module need not be here for the definition to be written."""
    import sqlite3

    path = gpkg(folder, "virtual_table.sqlite", two_houses())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute(
            "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES ('table', 'w', 'w', 0,"
            " 'CREATE VIRTUAL TABLE w USING VirtualShape(''/etc/passwd'', UTF-8, 4326)')"
        )
    connection.close()
    return path


XXE = '<?xml version="1.0"?><!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/passwd">]><gml:g>&x;</gml:g>'
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    + "]><l>&j;</l>"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that must not be read: what is raised, and the words of the message."""

    row: str
    make: Callable[[Path], Path]
    error: type[TwinError]
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.row


REFUSED = [
    Refused("FP-05", _no_rows, InputError, ("no_rows.gpkg", "no footprints")),
    Refused("FP-06", lambda f: gpkg(f, "no_crs.gpkg", two_houses(crs=None)), CrsError, ("CRS", "--crs")),
    Refused("FP-07", _metres_called_wgs84, InputError, ("EPSG:4326", "range")),
    Refused("FP-08", _lat_lon, OverlapError, ("overlap", "axis")),
    Refused("FP-10", _wrong_zone, OverlapError, ("overlap", "EPSG:25833", "would fit EPSG:25832")),
    Refused("FP-12", _lines_and_points, InputError, ("polygon", "1 LineString", "1 Point")),
    Refused(
        "FP-14",
        lambda f: gpkg(f, "same_id.gpkg", two_houses(ids=["b1", "b1"])),
        InputError,
        ("'b1'", "column id"),
    ),
    Refused("FP-18", _nan_coordinate, InputError, ("b1", "finite")),
    Refused(
        "FP-21",
        lambda f: cut(gpkg(f, "truncated.gpkg", two_houses()), 0.5),
        InputError,
        ("corrupt", "truncated"),
    ),
    Refused("FP-22", lambda f: shapefile(f / "no_dbf", drop=(".shx", ".dbf")), InputError, (".shx", ".dbf")),
    Refused(
        "FP-23",
        lambda f: cut(geojson(f, "syntax.geojson", [feature(house(), id="b1")]), 0.4),
        InputError,
        ("syntax.geojson", "JSON", "column"),
    ),
    Refused("FP-24", _two_layers, UsageError, ("roofs", "parcels")),
    Refused("FP-27", _text("xxe.gml", XXE), UnsafeInputError, ("xxe.gml", "DOCTYPE")),
    Refused("FP-28", _text("billion_laughs.gml", LAUGHS), UnsafeInputError, ("DOCTYPE",)),
    Refused("FP-30", _slip, UnsafeInputError, ("slip.zip", "escaped.shp")),
    Refused("FP-31", _bomb, LimitError, ("bomb.zip", "limit")),
    Refused("FP-32", _vrt, UnsafeInputError, ("VRT", "not a GeoJSON")),
    Refused("pipeline", _pipeline, UnsafeInputError, ("pipeline", "GeoJSON")),
    Refused("virtual table", _virtual_table, UnsafeInputError, ("VirtualShape", "'w'")),
    Refused("SE-01", _bytes("cache.pkl", b"\x80\x04\x95."), UnsafeInputError, ("pickle",)),
    Refused("SE-03", _tar("link_escape.tar", _link_to_root()), UnsafeInputError, ("'out'", "link")),
    Refused("SE-04", _tar("absolute.tar", _absolute_member()), UnsafeInputError, ("outside", "escaped.txt")),
    Refused(
        "SE-05", _text("xxe.city.gml", XXE.replace("gml:g", "CityModel")), UnsafeInputError, ("DOCTYPE",)
    ),
]


@dataclass(frozen=True, slots=True)
class Tolerated:
    """Footprints that are read with a word of warning, or with none: which rows can be built, and what is told."""

    row: str
    make: Callable[[Path], Path]
    states: dict[str, str | None]
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.row


def _bowtie(folder: Path) -> Path:
    return gpkg(folder, "bowtie.gpkg", frame([at_home([(0, 0), (10, 10), (10, 0), (0, 10)]), house(20)]))


def _null_and_empty(folder: Path) -> Path:
    return gpkg(folder, "null_and_empty.gpkg", frame([house(), None, shapely.Polygon(), house(20)]))


def _multi_with_hole(folder: Path) -> Path:
    court = at_home([(0, 0), (20, 0), (20, 20), (0, 20)], [(5, 5), (5, 15), (15, 15), (15, 5)])
    return gpkg(folder, "multi.gpkg", frame([shapely.MultiPolygon([court, house(30)]), house(0, 30)]))


def _hostile_ids(folder: Path) -> Path:
    return gpkg(folder, "hostile_ids.gpkg", frame([house(20 * i) for i in range(5)], ids=list(HOSTILE)))


HOSTILE = ("../../etc/passwd", "<script>alert(1)</script>", "a\\x00b", "C:\\con", "=cmd|'/c calc'!A1")


def _slivers(folder: Path) -> Path:
    tiny, strip = house(40, width_m=0.2, depth_m=0.1), house(50, width_m=0.03, depth_m=40)
    return gpkg(folder, "slivers.gpkg", frame([house(), tiny, strip]))


def _hole_outside(folder: Path) -> Path:
    shell, hole = [(0, 0), (10, 0), (10, 8), (0, 8)], [(20, 0), (22, 0), (22, 2), (20, 2)]
    return gpkg(folder, "hole_outside.gpkg", frame([at_home(shell, hole)]))


def _spike(folder: Path) -> Path:
    return gpkg(
        folder, "spike.gpkg", frame([at_home([(0, 0), (10, 0), (9e5, 4), (10, 8), (0, 8)]), house(20)])
    )


def _many_vertices(folder: Path) -> Path:
    angle = np.linspace(0, 2 * math.pi, 50_000, endpoint=False)
    ring = np.column_stack([X + 40 * np.cos(angle), Y + 40 * np.sin(angle)])
    return gpkg(folder, "many_vertices.gpkg", frame([shapely.Polygon(ring)]))


def _sound_degrees(folder: Path) -> Path:
    shapes = [feature(g, id=f"b{i + 1}") for i, g in enumerate(in_degrees())]
    return geojson(folder, "wgs84_sound.geojson", shapes)


def _no_id(folder: Path) -> Path:
    return gpkg(folder, "no_id.gpkg", two_houses().rename(columns={"id": "street"}))


BUILDABLE = {"b1": None, "b2": None}
TOLERATED = [
    Tolerated("FP-01", _bowtie, BUILDABLE, ("b1", "self-intersection")),
    Tolerated(
        "FP-02",
        lambda f: gpkg(f, "duplicate.gpkg", frame([house(), house()])),
        {"b1": None, "b2": "duplicate"},
        ("b1", "b2", "duplicate"),
    ),
    Tolerated(
        "FP-03", lambda f: gpkg(f, "overlap.gpkg", frame([house(), house(6)])), BUILDABLE, ("overlap", "40 %")
    ),
    Tolerated(
        "FP-04",
        _null_and_empty,
        {"b1": None, "b2": "invalid_footprint", "b3": "invalid_footprint", "b4": None},
        ("b2", "b3", "no geometry"),
    ),
    Tolerated("FP-09", _sound_degrees, BUILDABLE),
    Tolerated("FP-11", _multi_with_hole, BUILDABLE),
    Tolerated("FP-13", _no_id, {"1": None, "2": None}, ("no id column", "--id-field")),
    Tolerated("FP-15", _hostile_ids, dict.fromkeys(HOSTILE)),
    Tolerated(
        "FP-16",
        _slivers,
        {"b1": None, "b2": "invalid_footprint", "b3": "invalid_footprint"},
        ("area of 0.02 m2", "b3", "0.03 m wide"),
    ),
    Tolerated("FP-17", _hole_outside, {"b1": None}, ("b1", "hole lies outside shell")),
    Tolerated("FP-19", _spike, BUILDABLE, ("b1", "extent of 900.0 km")),
    Tolerated("FP-20", _many_vertices, {"b1": None}),
]
