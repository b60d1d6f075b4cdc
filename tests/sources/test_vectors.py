"""Vector files of every kind end in the city's coordinates with their attributes intact."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import struct
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.broken_vectors import (
    CITY_CRS,
    SURVEY,
    X,
    Y,
    feature,
    frame,
    geojson,
    gpkg,
    house,
    in_degrees,
    shapefile,
    two_houses,
    zipped_shapefile,
)
from tests.sources.vector_samples import write_spatialite
from twin.core.crs import parse_crs
from twin.core.errors import CrsError, InputError, LimitError, OverlapError, UsageError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.sources.footprint_ids import exact_text
from twin.sources.overlap import check_overlap, distance
from twin.sources.text import codec_name, guess_encoding
from twin.sources.vectors import list_layers, read_vector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CITY = parse_crs(CITY_CRS)
KOREAN = ["해운대구청", "부산역"]


def read(path: Path, **kwargs: Any) -> gpd.GeoDataFrame:
    return read_vector(path, crs=kwargs.pop("crs", CITY), notices=kwargs.pop("notices", Notices()), **kwargs)


def _parquet(folder: Path) -> Path:
    two_houses().to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def _written(name: str, driver: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        options = {"layer": "a"} if driver == "GPKG" else {}
        two_houses().to_file(folder / name, driver=driver, engine="pyogrio", **options)
        return folder / name

    return make


def _awkward(folder: Path) -> Path:
    """GDAL's wrapper would take the part behind the exclamation mark for the file; here that is another one."""
    _written("a.gpkg", "GPKG")(folder).rename(folder / AWKWARD)
    return folder / AWKWARD


AWKWARD = (
    "naïve 東京 'quoted' & spaced #1%20?!b.gpkg"
    if sys.platform != "win32"
    else "naïve 東京 'q' & #1%20!b.gpkg"
)
FORMATS: dict[str, Callable[[Path], Path]] = {
    "GeoPackage": _written("a.gpkg", "GPKG"),
    "SQLite": _written("a.sqlite", "SQLite"),
    "GeoJSON": _written("a.geojson", "GeoJSON"),
    "Shapefile": lambda folder: shapefile(folder / "shp"),
    "FlatGeobuf": _written("a.fgb", "FlatGeobuf"),
    "GeoParquet": _parquet,
    "zip": zipped_shapefile,
    "awkward name": _awkward,
}


@pytest.mark.skipif(sys.platform == "win32", reason="names there hold no line breaks")
def test_a_name_with_a_line_break_opens_no_other_file(tmp_path: Path) -> None:
    shp = shapefile(tmp_path / "s", name="ab")
    for part in list(shp.parent.iterdir()):
        part.with_stem("a\nb").write_bytes(part.read_bytes())
        part.unlink()
    assert read(shp.with_stem("a\nb"))["id"].tolist() == ["b1", "b2"]
    shapefile(tmp_path / "s", name="ab")
    frame([house()]).to_file(tmp_path / "s" / "ab.shp")
    assert read(shp.with_stem("a\nb"))["id"].tolist() == ["b1", "b2"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_features(name: str, tmp_path: Path) -> None:
    path = FORMATS[name](tmp_path)
    found = read(path).sort_values("id", ignore_index=True)
    assert found["id"].tolist() == ["b1", "b2"]
    assert found.crs == CITY
    expected = two_houses().geometry
    assert shapely.equals(shapely.normalize(found.geometry.array), shapely.normalize(expected.array)).all()
    assert len(list_layers(path)) == 1
    assert set(found.columns) == {"id", "geometry"}


def test_spatialite_blobs_are_read_without_its_library(tmp_path: Path) -> None:
    path = write_spatialite(tmp_path / "a.sqlite", {"pand": {"b1": house()}})
    found = read(path)
    assert found.geometry[0].equals(house())
    assert found.crs == CITY


def test_degrees_feet_and_a_prj_without_code_come_home(tmp_path: Path) -> None:
    crs = {"degrees": "EPSG:4326", "zone": "EPSG:25833", "prj": "EPSG:25832"}
    for name, code in crs.items():
        (tmp_path / name).mkdir()
        two_houses().to_crs(code).to_file(tmp_path / name / "a.shp")
    plain = (
        'PROJCS["no code",GEOGCS["x",DATUM["D_ETRS_1989",SPHEROID["GRS_1980",6378137,298.257222101]],'
        'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
        'PARAMETER["False_Easting",500000],PARAMETER["False_Northing",0],PARAMETER["Central_Meridian",9],'
        'PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0],UNIT["Meter",1]]'
    )
    (tmp_path / "prj" / "a.prj").write_text(plain)
    for name in crs:
        found = read(tmp_path / name / "a.shp")
        corners = shapely.get_coordinates(shapely.normalize(found.geometry[0]))
        assert np.abs(corners - shapely.get_coordinates(shapely.normalize(house()))).max() < 1e-3, name


def test_feet_become_metres(tmp_path: Path) -> None:
    """EPSG:2263 counts in US survey feet, EPSG:32118 is the same projection in metres."""
    square = shapely.box(984_250, 200_000, 984_350, 200_100)
    path = gpkg(tmp_path, "feet.gpkg", frame([square], crs="EPSG:2263"))
    found = read(path, crs=parse_crs("EPSG:32118"))
    assert found.geometry[0].area == pytest.approx((100 * 1200 / 3937) ** 2, rel=1e-6)


def test_no_crs_is_an_error_unless_one_is_assumed(tmp_path: Path) -> None:
    path = gpkg(tmp_path, "a.gpkg", two_houses(crs=None))
    with pytest.raises(CrsError, match="names no CRS"):
        read(path)
    notices = Notices()
    assert read(path, assume_crs=CITY, notices=notices).crs == CITY
    assert "EPSG:25832" in notices.items[0].message


def test_attributes_keep_their_types(tmp_path: Path) -> None:
    """A whole number of 60 bits beside a gap stays what it is; floats, texts, dates and truth values too."""
    data = frame(
        [house(), house(20)],
        big=pd.array([2**60 + 1, None], "Int64"),
        height=[1.5, None],
        name=["각산", None],
        old=[True, False],
        when=pd.to_datetime(["2024-02-29", "2024-03-01"]),
    )
    found = read(gpkg(tmp_path, "a.gpkg", data))
    assert found["big"].iloc[0] == 2**60 + 1
    assert pd.isna(found["big"].iloc[1])
    assert found["height"].iloc[0] == 1.5
    assert found["name"].iloc[0] == "각산"
    assert found["old"].tolist() == [True, False]
    assert pd.Timestamp(found["when"].iloc[0]).date() == dt.date(2024, 2, 29)


def test_numbers_longer_than_any_integer_stay_exact(tmp_path: Path) -> None:
    long = 12_345_678_901_234_567_890_123
    near, far = in_degrees()
    features = [feature(near, id=long, n=1), feature(far, id=None, n=2), feature(near, id=7, n=3)]
    found = read(geojson(tmp_path, "long.geojson", features), bounds=SURVEY)
    assert found["id"].tolist() == [str(long), None, "7"]
    assert found["n"].tolist() == [1, 2, 3]
    lines = tmp_path / "long.geojsonl"
    lines.write_text("\n".join(json.dumps(f) for f in features))
    assert read(lines)["id"].tolist() == [str(long), None, "7"]


def test_long_numbers_of_a_dbf_stay_exact(tmp_path: Path) -> None:
    path = shapefile(tmp_path / "s")
    dbf = path.with_suffix(".dbf")
    row = b" " + b"12345678901234567890123".rjust(24)
    field = b"PNU".ljust(11, b"\0") + b"N" + bytes(4) + bytes([24, 0]) + bytes(14)
    head = struct.pack("<4BIHH", 3, 124, 1, 1, 2, 32 + 32 + 1, 25) + bytes(20)
    dbf.write_bytes(head + field + b"\r" + row + b" " + b"7".rjust(24) + b"\x1a")
    assert read(path)["PNU"].tolist() == ["12345678901234567890123", "7"]


@pytest.mark.parametrize(
    ("encoding", "texts", "expected"),
    [
        ("cp949", KOREAN, KOREAN),
        ("utf-8", KOREAN, KOREAN),
        ("cp1252", ["Müllerstraße", "x"], ["Müllerstraße", "x"]),
    ],
)
def test_a_dbf_without_cpg_is_read_in_its_encoding(
    encoding: str, texts: list[str], expected: list[str], tmp_path: Path
) -> None:
    frame([house(), house(20)], 이름=texts).rename(
        columns={} if encoding != "cp1252" else {"이름": "name"}
    ).to_file(tmp_path / "k.shp", encoding=encoding)
    (tmp_path / "k.cpg").unlink()
    notices = Notices()
    found = read(tmp_path / "k.shp", notices=notices)
    name = "name" if encoding == "cp1252" else "이름"
    assert found[name].tolist() == expected
    assert bool(notices.items) == (encoding != "utf-8")


def test_the_named_encoding_wins_over_cpg_and_guess(tmp_path: Path) -> None:
    frame([house(), house(20)], name=KOREAN).to_file(tmp_path / "k.shp", encoding="cp949")
    (tmp_path / "k.cpg").write_text("UTF-8")
    assert read(tmp_path / "k.shp", encoding="euc-kr")["name"].tolist() == KOREAN
    (tmp_path / "k.cpg").write_text("949")
    assert read(tmp_path / "k.shp")["name"].tolist() == KOREAN
    with pytest.raises(UsageError, match="klingon"):
        read(tmp_path / "k.shp", encoding="klingon")
    notices = Notices()
    path = gpkg(tmp_path, "k.gpkg", frame([house()], name=KOREAN[:1]))
    assert read(path, encoding="cp949", notices=notices)["name"].tolist() == KOREAN[:1]
    assert "UTF-8 by its standard" in notices.items[0].message


def test_a_full_field_may_end_in_half_a_character(tmp_path: Path) -> None:
    frame([house()], name=["가" * 30]).to_file(tmp_path / "k.shp", encoding="utf-8")
    (tmp_path / "k.cpg").unlink()
    dbf = tmp_path / "k.dbf"
    data = bytearray(dbf.read_bytes())
    data[-3:-1] = b"\xea\xb0"
    dbf.write_bytes(data)
    notices = Notices()
    assert read(tmp_path / "k.shp", notices=notices)["name"].iloc[0].startswith("가" * 10)
    assert not notices.items


def test_a_geojson_in_korean_encoding_is_read_when_named(tmp_path: Path) -> None:
    text = json.dumps(
        {"type": "FeatureCollection", "features": [feature(house(), name=KOREAN[0])]}, ensure_ascii=False
    )
    text = text.replace(
        '"features"', '"crs": {"type": "name", "properties": {"name": "EPSG:25832"}}, "features"'
    )
    (tmp_path / "k.geojson").write_bytes(text.encode("cp949"))
    assert read(tmp_path / "k.geojson", encoding="cp949")["name"].tolist() == KOREAN[:1]


@pytest.mark.parametrize(
    "name", ["utf-8", "UTF8", "949", "ms949", "EUC-KR", "ks_c_5601-1987", "ANSI 1252", "8859-1"]
)
def test_names_of_encodings(name: str) -> None:
    assert codec_name(name) in {"utf-8", "cp949", "cp1252", "iso8859-1"}


@given(st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1, max_size=20))
def test_hangul_is_recognised_in_both_encodings(text: str) -> None:
    """CP949 holds every syllable; two bytes of it are never one syllable of UTF-8, which takes three."""
    assert guess_encoding([text.encode("cp949")]) in {"cp949", "utf-8"}
    assert guess_encoding([text.encode("cp949"), "가나다라".encode("cp949")]) == "cp949"
    assert guess_encoding([text.encode()]) == "utf-8"


def circular(arc: list[tuple[float, float]]) -> bytes:
    """A CurvePolygon around one CircularString, as well-known binary."""
    ring = struct.pack("<BII", 1, 8, len(arc)) + b"".join(struct.pack("<2d", *p) for p in arc)
    return struct.pack("<BII", 1, 10, 1) + ring


def test_arcs_are_broken_into_lines_and_ids_stay_whole(tmp_path: Path) -> None:
    import pyogrio.raw

    arc = [(X, Y), (X + 10, Y + 10), (X + 20, Y), (X + 10, Y - 10), (X, Y)]
    wkb = np.array([circular(arc), shapely.to_wkb(house(50))], object)
    pyogrio.raw.write(
        tmp_path / "arc.gpkg", wkb, [np.array([2**60 + 1, 2**60 + 3])], ["id"],
        geometry_type="Unknown", crs=CITY_CRS, driver="GPKG",
    )  # fmt: skip
    found = read(tmp_path / "arc.gpkg")
    assert found["id"].tolist() == [2**60 + 1, 2**60 + 3]
    assert found.geom_type.tolist() == ["Polygon", "Polygon"]
    assert found.geometry[0].area == pytest.approx(np.pi * 100, rel=2e-3)
    assert found.geometry[1].equals(house(50))


def test_elevations_go_or_stay(tmp_path: Path) -> None:
    line = shapely.LineString([(X, Y, 3.0), (X + 5, Y, 4.0)])
    path = gpkg(tmp_path, "z.gpkg", frame([line, shapely.LineString([(X, Y), (X, Y + 5)])]))
    assert not read(path).has_z.any()
    kept = read(path, keep_z=True)
    assert kept.has_z.tolist() == [True, False]
    assert shapely.get_coordinates(kept.geometry[0], include_z=True)[:, 2].tolist() == [3.0, 4.0]


def test_elevations_in_feet_become_metres(tmp_path: Path) -> None:
    line = shapely.LineString([(984_250, 200_000, 100.0), (984_350, 200_000, 100.0)])
    path = gpkg(tmp_path, "feet.gpkg", frame([line], crs="EPSG:2263"))
    kept = read(path, crs=parse_crs("EPSG:32118"), keep_z=True)
    assert shapely.get_coordinates(kept.geometry[0], include_z=True)[0, 2] == pytest.approx(30.48, abs=1e-3)


@pytest.mark.parametrize("driver", ["GPKG", "GeoJSON"])
def test_only_features_that_touch_the_bounds(driver: str, tmp_path: Path) -> None:
    many = frame([house(20 * i) for i in range(9)]).to_crs("EPSG:4326")
    many.to_file(tmp_path / "many", driver=driver)
    found = read(tmp_path / "many", bounds=Bounds(X + 39, Y, X + 65, Y + 5))
    assert sorted(found["id"]) == ["b3", "b4"]


def test_layers_are_listed_and_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    two_houses().to_file(path, layer="roofs")
    frame([shapely.Point(X, Y)]).to_file(path, layer="trees")
    assert [(i.name, i.geometry) for i in list_layers(path)] == [("roofs", "Polygon"), ("trees", "Point")]
    assert len(read(path, layer="trees")) == 1
    with pytest.raises(
        UsageError, match=r"no layer 'cars'; its layers are: roofs \(Polygon\), trees \(Point\)"
    ):
        read(path, layer="cars")
    with pytest.raises(UsageError, match="roofs"):
        read(path)


def test_a_table_beside_the_only_layer_does_not_ask_for_a_choice(tmp_path: Path) -> None:
    path = gpkg(tmp_path, "a.gpkg", two_houses())
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, style TEXT)")
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('layer_styles', 'attributes')"
        )
    base.close()
    assert len(read(path)) == 2


def test_an_empty_layer_is_told(tmp_path: Path) -> None:
    notices = Notices()
    found = read(gpkg(tmp_path, "a.gpkg", two_houses().iloc[:0]), notices=notices)
    assert len(found) == 0
    assert "holds no features" in notices.items[0].message


def test_messages_about_an_archive_name_it_and_its_member(tmp_path: Path) -> None:
    gpkg(tmp_path, "a.gpkg", two_houses(crs=None))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.gpkg", "a.gpkg")
    with pytest.raises(CrsError) as caught:
        read(tmp_path / "a.zip")
    assert str(caught.value).startswith(str(tmp_path / "a.zip" / "a.gpkg"))
    notices = Notices()
    read(tmp_path / "a.zip", assume_crs=CITY, notices=notices)
    assert notices.items[0].subject == str(tmp_path / "a.zip" / "a.gpkg")


def test_an_archive_that_lies_about_its_size_is_stopped_while_unpacking(tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.shp", bytes(100_000))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(mark) + offset, 10)
    path.write_bytes(data)
    with pytest.raises((LimitError, InputError)):
        read(path)


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        (b"pandas", b'"numpy_type"', b'"numpy_tipe"'),
        (b"geo", b'"code"', b'"cide"'),
        (b"geo", b'"primary_column"', b'"primary_column_"'),
    ],
)
def test_damaged_metadata_of_a_geoparquet_are_told(
    key: bytes, old: bytes, new: bytes, tmp_path: Path
) -> None:
    """They are JSON inside the file, which no checksum guards and the readers take as it comes."""
    table = pq.read_table(_parquet(tmp_path))
    metadata = dict(table.schema.metadata)
    assert old in metadata[key]
    metadata[key] = metadata[key].replace(old, new)
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "a.parquet")
    with pytest.raises((InputError, CrsError), match=r"a\.parquet"):
        read(tmp_path / "a.parquet")


def test_limits_hold_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = gpkg(tmp_path, "a.gpkg", two_houses())
    monkeypatch.setenv("TWIN_MAX_VECTOR_FEATURES", "1")
    with pytest.raises(LimitError, match="2 features, the limit is 1"):
        read(path)


@given(
    a=st.tuples(*[st.floats(-1e6, 1e6)] * 2),
    b=st.tuples(*[st.floats(-1e6, 1e6)] * 2),
    size=st.floats(0, 1e5),
)
@settings(max_examples=60)
def test_overlap_and_distance_agree(a: tuple[float, float], b: tuple[float, float], size: float) -> None:
    first, second = (Bounds(x, y, x + size, y + size) for x, y in (a, b))
    assert distance(first, second) == distance(second, first)
    if distance(first, second) == 0:
        check_overlap(first, second, "a", "b")
    else:
        with pytest.raises(OverlapError, match="a: does not overlap b"):
            check_overlap(first, second, "a", "b")


@pytest.mark.parametrize("value", [7, 2**63 - 1, "007", " x ", 12.0, 0.5, True, np.int64(5)])
def test_exact_texts(value: object) -> None:
    expected = {12.0: "12"}.get(value, str(value)) if isinstance(value, float) else str(value)
    assert exact_text(value) == expected


def test_no_indirect_driver_is_left_in_either_gdal() -> None:
    code = (
        "from twin.sources.gdal import *\n"
        "ogr, rio = load_pyogrio(), load_rasterio()\n"
        "with rio.Env() as env: names = set(env.drivers()) | set(ogr.list_drivers())\n"
        "assert 'GPKG' in names and 'GTiff' in names\n"
        "print(sorted(names & set(INDIRECT_DRIVERS)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.realdata
def test_real_layers_of_delft(shared_data: Path) -> None:
    rd = parse_crs("EPSG:7415")
    counts = {f.stem: len(read(f, crs=rd)) for f in sorted((shared_data / "delft" / "bgt").glob("*.sqlite"))}
    assert counts["bgt_pand"] == 160
    assert counts["bgt_wegdeel"] == 151
    assert (counts["bgt_waterdeel"], counts["bgt_overbruggingsdeel"], counts["bgt_tunneldeel"]) == (3, 3, 0)


@pytest.mark.realdata
def test_real_files_of_other_places(shared_data: Path) -> None:
    bridges = shared_data / "bridges_fr_lidarhd" / "bridge" / "input_operators"
    deck = read(bridges / "tabliers" / "NUALHD_1-0_DF_tabliers_pont.shp", crs=parse_crs("EPSG:2154"))
    assert len(deck) == 17
    lines = bridges / "lignes_contraintes" / "test_constraint_lines_3D_OE.geojson"
    assert read(lines, crs=parse_crs("EPSG:2154"), keep_z=True).has_z.all()
    bikes = read(
        shared_data / "sensors" / "paris_bike" / "paris_bike_stations.geojson", crs=parse_crs("EPSG:2154")
    )
    assert len(bikes) == 1226
    assert Bounds(*bikes.total_bounds).overlaps(Bounds(640_000, 6_855_000, 665_000, 6_870_000))
    feet = shared_data / "autzen_usft"
    shapes = [read(feet / n, crs=parse_crs("EPSG:32126")) for n in ("attributes.json", "attributes.shp")]
    assert (shapes[0].geometry.hausdorff_distance(shapes[1].geometry) < 0.01).all()
    with pytest.raises(InputError, match="out of the range of degrees"):
        read(feet / "autzen-selection.json", crs=parse_crs("EPSG:32126"))
