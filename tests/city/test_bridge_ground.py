"""The ground under bridges where the survey has no classes: decks are named by the map, and are not ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from twin.cli.main import run
from twin.core.crs import parse_crs
from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.sources.las_writer import write_las
from twin.sources.points import open_points, read_chunks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ROAD_M, CANAL_M = 20.0, 15.0
WEST, SOUTH = 565_000.0, 5_930_000.0


@dataclass(frozen=True, slots=True)
class Built:
    """Terrain and deck of a city.

    Parameters
    ----------
    dtm : callable
        Elevation of the terrain at places, shape (n, 2).
    decks : GeoDataFrame
    """

    dtm: Any
    decks: gpd.GeoDataFrame


def without_classes(xyz: NDArray[np.float64]) -> PointCloud:
    ones = np.ones(len(xyz), np.uint8)
    return PointCloud(xyz, np.zeros(len(xyz), np.uint8), ones, ones)


def build(folder: Path, cloud: PointCloud, deck: Any, crs: str) -> Built:
    write_las(folder / "survey.laz", cloud, crs=parse_crs(crs))
    gpd.GeoDataFrame({"id": ["d"]}, geometry=[deck], crs=crs).to_file(folder / "deck.gpkg", engine="pyogrio")
    city = folder / "town.twin"
    command = ["build", folder / "survey.laz", "--bridges", folder / "deck.gpkg", "-o", city, "--workers", 1]
    assert run([*map(str, command), "--lod", "1.2"]) == 0
    with rasterio.open(city / "terrain" / "dtm.tif") as source:
        values, inverse = source.read(1), ~source.transform

    def dtm(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        col, row = inverse * xy.T
        return values[np.floor(row).astype(int), np.floor(col).astype(int)]

    return Built(dtm, gpd.read_parquet(city / "map" / "bridges.parquet"))


def test_a_canal_goes_on_under_a_level_deck(tmp_path: Path) -> None:
    """A dry canal 12 m wide and 5 m deep; the road crosses it without a step."""
    rng = np.random.default_rng(4)
    xy = rng.uniform((WEST, SOUTH), (WEST + 80, SOUTH + 60), (80 * 60 * 6, 2))
    in_canal = abs(xy[:, 1] - SOUTH - 30) < 6
    deck = shapely.box(WEST + 30, SOUTH + 23, WEST + 38, SOUTH + 37)
    z = np.where(in_canal & ~shapely.contains_xy(deck, *xy.T), CANAL_M, ROAD_M)
    built = build(tmp_path, without_classes(np.c_[xy, z + rng.normal(0, 0.02, len(xy))]), deck, "EPSG:25832")
    assert built.decks["deck_m"][0] == pytest.approx(ROAD_M, abs=0.1)
    under = np.c_[np.linspace(WEST + 31, WEST + 37, 7), np.full(7, SOUTH + 30)]
    assert built.dtm(under).max() < CANAL_M + 1.5  # the hole is spanned from its rim, roads and canal both
    road = np.c_[np.linspace(WEST + 31, WEST + 37, 7), np.full(7, SOUTH + 45)]
    assert built.dtm(road) == pytest.approx(ROAD_M, abs=0.1)


@pytest.mark.realdata
def test_the_abutments_of_a_real_bridge(shared_data: Path, tmp_path: Path) -> None:
    """A motorway in a cutting; without classes its deck ran on 6 m past the abutments, 1.5 m too high."""
    folder = shared_data / "bridges_fr_lidarhd" / "bridge"
    deck = gpd.read_file(
        folder / "input_operators" / "tabliers" / "NUALHD_1-0_DF_tabliers_pont.shp"
    ).geometry[4]
    near = shapely.box(*deck.buffer(150).bounds)
    files = open_points([folder / "pointcloud"])
    cloud = PointCloud.concatenate([c for f in files for c in read_chunks(f, notices=Notices())])
    cloud = cloud.select(shapely.contains_xy(near, *cloud.xyz[:, :2].T) & (cloud.classification < 60))
    over = shapely.contains_xy(deck, *cloud.xyz[:, :2].T)
    deck_m = np.median(cloud.xyz[over & (cloud.classification == 17), 2])
    built = build(tmp_path, without_classes(cloud.xyz), deck, "EPSG:2154")
    assert built.decks["deck_m"][0] == pytest.approx(deck_m, abs=0.3)
    beside = shapely.contains_xy(deck.buffer(12), *cloud.xyz[:, :2].T) & ~over & (cloud.classification == 2)
    axis = shapely.LineString(_axis(deck))
    at_middle = beside & (shapely.distance(shapely.points(cloud.xyz[:, :2]), axis.centroid) < 14)
    middle = np.array([[axis.centroid.x, axis.centroid.y]])
    assert built.dtm(middle)[0] == pytest.approx(np.median(cloud.xyz[at_middle, 2]), abs=1.0)
    ends = np.array([axis.interpolate(s, normalized=True).coords[0] for s in (0.14, 0.86)])
    assert (built.dtm(ends) < deck_m - 0.8).all()


def _axis(deck: Any) -> NDArray[np.float64]:
    """The middle line of a deck, from end to end."""
    a, b, c, d = shapely.get_coordinates(shapely.minimum_rotated_rectangle(deck))[:4]
    long = np.hypot(*(b - a)) > np.hypot(*(c - b))
    return np.array([(a + d) / 2, (b + c) / 2] if long else [(a + b) / 2, (c + d) / 2])
