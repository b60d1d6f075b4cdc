"""Heights between two datums of which the geoid grid is missing, through the whole command line.

Korea's grid is not open: PROJ knows only a guess there, 20 to 30 m off. Nothing is built on a guess.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from pyproj import CRS, Transformer
from rasterio.transform import from_origin

from tests.faults.fault_harness import Twin, assert_told, snapshot
from tests.sources.broken_vectors import frame
from tests.sources.point_samples import SIDE_M, SOUTH, WEST, town, write_version
from twin.core.crs import horizontal, parse_crs
from twin.core.points import PointCloud

if TYPE_CHECKING:
    from pathlib import Path

CITY = "EPSG:5187+5193"
"""Korea 2000, east belt, with the heights of Incheon (KVD1964)."""
CORNER = 200_000.0, 290_000.0
GROUND_M, GEOID_M = 20.0, 28.5
UTM_3D = CRS("EPSG:32652").to_3d()


@dataclass(frozen=True, slots=True)
class Foreign:
    """A survey whose heights are not the city's.

    Parameters
    ----------
    crs : CRS
        What the file says.
    words : tuple of str
        What the refusal must name.
    """

    crs: CRS
    words: tuple[str, ...]


FOREIGN = {
    "degrees above the ellipsoid": Foreign(parse_crs("EPSG:4979"), ("ellipsoid", "KNGeoid18.gri")),
    "Korean degrees above the ellipsoid": Foreign(parse_crs("EPSG:4927"), ("ellipsoid", "KNGeoid18.gri")),
    "UTM above the ellipsoid": Foreign(UTM_3D, ("ellipsoid", "KNGeoid18.gri")),
    "EGM96": Foreign(parse_crs("EPSG:5187+5773"), ("EGM96 height", "KNGeoid18.gri", "us_nga_egm96_15.tif")),
}


@pytest.fixture(autouse=True)
def no_grids(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No grid beside PROJ's own base, no network: as on a machine that was never prepared."""
    monkeypatch.setenv("PROJ_NETWORK", "OFF")
    monkeypatch.setenv("PROJ_USER_WRITABLE_DIRECTORY", str(tmp_path_factory.mktemp("no_grids")))


def korean_town() -> PointCloud:
    """The town of the samples in Korea, its ground at 20 m."""
    cloud = town(3000)
    xyz = cloud.xyz + np.array([CORNER[0] - WEST, CORNER[1] - SOUTH, GROUND_M - 500])
    return PointCloud(xyz, cloud.classification, cloud.return_number, cloud.n_returns)


def survey(folder: Path, crs: CRS, *, raised_m: float = 0.0, name: str = "survey.laz") -> Path:
    """The town as a file in another CRS, its heights counted from `raised_m` lower down."""
    cloud = korean_town()
    way = Transformer.from_crs(horizontal(parse_crs(CITY)), horizontal(crs), always_xy=True)
    x, y = way.transform(*cloud.xyz[:, :2].T)
    moved = PointCloud(
        np.c_[x, y, cloud.xyz[:, 2] + raised_m], cloud.classification, cloud.return_number, cloud.n_returns
    )
    scale = 1e-8 if crs.is_geographic or horizontal(crs).is_geographic else 1e-3
    (folder / "in").mkdir(exist_ok=True)
    return write_version(folder / "in" / name, moved, version="1.4", point_format=6, crs=crs, scale=scale)


def command(folder: Path, *inputs: Path | str) -> list[Any]:
    return ["build", *inputs, "--crs", CITY, "-o", folder / "town.twin", "--workers", 1]


def ground_m(city: Path) -> float:
    """The middle elevation of the terrain."""
    with rasterio.open(city / "terrain" / "dtm.tif") as source:
        return float(np.median(source.read(1)))


@pytest.mark.parametrize("case", FOREIGN.values(), ids=list(FOREIGN))
def test_a_guess_ends_the_build_with_the_grid_and_the_remedy(
    case: Foreign, twin: Twin, tmp_path: Path
) -> None:
    path = survey(tmp_path, case.crs, raised_m=GEOID_M)
    before = snapshot(tmp_path)
    done = twin(*command(tmp_path, path))
    assert done.code == 2
    assert_told(done.error, str(path), "KVD1964", "missing grid", "--height-offset M", *case.words)
    assert not done.out
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "town.twin").exists()


@pytest.mark.parametrize("case", FOREIGN.values(), ids=list(FOREIGN))
def test_an_offset_builds_it_and_the_city_says_so(case: Foreign, twin: Twin, tmp_path: Path) -> None:
    path = survey(tmp_path, case.crs, raised_m=GEOID_M)
    assert twin(*command(tmp_path, path), "--height-offset", -GEOID_M).code == 0
    assert ground_m(tmp_path / "town.twin") == pytest.approx(GROUND_M + 0.8, abs=0.1)
    told = twin("info", tmp_path / "town.twin", "--json")
    assert json.loads(told.out)["layers"]["terrain"]["parameters"]["height_offset_m"] == -GEOID_M


@pytest.mark.parametrize("name", [CITY, "EPSG:5187", "EPSG:5186+5193"])
def test_what_is_in_the_citys_own_heights_passes(name: str, twin: Twin, tmp_path: Path) -> None:
    done = twin(*command(tmp_path, survey(tmp_path, parse_crs(name))))
    assert done.code == 0
    assert "height" not in done.notes
    assert ground_m(tmp_path / "town.twin") == pytest.approx(GROUND_M + 0.8, abs=0.1)


def test_degrees_that_name_no_heights_are_taken_on_trust_and_told(twin: Twin, tmp_path: Path) -> None:
    done = twin(*command(tmp_path, survey(tmp_path, parse_crs("EPSG:4326"))))
    assert done.code == 0
    assert_told(done.notes, "survey.laz", "EPSG:4326", "KVD1964", "--height-offset")


def test_one_foreign_file_among_many_ends_the_build_before_any_is_read(twin: Twin, tmp_path: Path) -> None:
    files = [
        survey(tmp_path, parse_crs(CITY), name="a.laz"),
        survey(tmp_path, parse_crs("EPSG:4979"), name="b.laz"),
    ]
    done = twin(*command(tmp_path, *files))
    assert done.code == 2
    assert_told(done.error, "b.laz", "KNGeoid18.gri")
    assert "reading point clouds" not in done.err
    assert not (tmp_path / "town.twin").exists()


def dtm(folder: Path, crs: str, elevation_m: float) -> Path:
    """A level terrain model over the town."""
    corner = from_origin(CORNER[0] - 10, CORNER[1] + SIDE_M + 10, 1.0, 1.0)
    values = np.full((100, 100), elevation_m, np.float32)
    with rasterio.open(
        folder / "dtm.tif", "w", driver="GTiff", width=100, height=100, count=1, dtype="float32",
        crs=rasterio.crs.CRS.from_wkt(parse_crs(crs).to_wkt()), transform=corner,
    ) as out:  # fmt: skip
        out.write(values, 1)
    return folder / "dtm.tif"


def test_an_offset_for_the_survey_leaves_a_terrain_model_in_the_citys_heights_alone(
    twin: Twin, tmp_path: Path
) -> None:
    points = survey(tmp_path, parse_crs("EPSG:4979"), raised_m=GEOID_M)
    given = dtm(tmp_path, CITY, 20.5)
    done = twin(*command(tmp_path, points, "--dtm", given), "--height-offset", -GEOID_M)
    assert done.code == 0, done.err
    assert_told(done.notes, "dtm.tif", "-28.5 m of --height-offset were not added")
    assert ground_m(tmp_path / "town.twin") == pytest.approx(20.5, abs=1e-3)


def test_a_foreign_terrain_model_is_refused_before_anything_is_read(twin: Twin, tmp_path: Path) -> None:
    points = survey(tmp_path, parse_crs(CITY))
    given = dtm(tmp_path, "EPSG:5187+5773", 20.5)
    done = twin(*command(tmp_path, points, "--dtm", given))
    assert done.code == 2
    assert_told(done.error, "dtm.tif", "EGM96 height", "us_nga_egm96_15.tif", "--height-offset M")
    assert "reading point clouds" not in done.err
    assert not (tmp_path / "town.twin").exists()


def test_an_added_layer_in_three_dimensions_takes_an_offset_too(twin: Twin, tmp_path: Path) -> None:
    """GeoJSON with elevations counts them from the ellipsoid, by its standard."""
    assert twin(*command(tmp_path, survey(tmp_path, parse_crs(CITY)))).code == 0
    back = Transformer.from_crs(horizontal(parse_crs(CITY)), parse_crs("EPSG:4326"), always_xy=True)
    lon, lat = back.transform(CORNER[0] + 40, CORNER[1] + 40)
    frame([shapely.Point(lon, lat, 58.5)], crs="EPSG:4979").to_file(
        tmp_path / "gauge.gpkg", driver="GPKG", engine="pyogrio"
    )
    city = tmp_path / "town.twin"
    refused = twin("add", city, tmp_path / "gauge.gpkg")
    assert refused.code == 2
    assert_told(refused.error, "gauge.gpkg", "KNGeoid18.gri", "--height-offset M")
    assert twin("add", city, tmp_path / "gauge.gpkg", "--height-offset", -GEOID_M).code == 0
    found = gpd.read_parquet(city / "layers" / "gauge.parquet").geometry
    assert shapely.get_coordinates(found.array, include_z=True)[0] == pytest.approx(
        [CORNER[0] + 40, CORNER[1] + 40, 30.0], abs=1e-3
    )
