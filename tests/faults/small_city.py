"""A small sound survey of 42 x 35 m with four houses and a tree, and the files that a build takes.

It lies where the broken vector files of the suite put their houses, and inside the grid of the broken rasters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from tests.sources.broken_vectors import house
from twin.core.crs import parse_crs
from twin.core.grid import Bounds
from twin.core.points import PointCloud
from twin.sources.las_writer import write_las

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:25832+7837"
SITE = Bounds(565_044.0, 5_930_044.0, 565_086.0, 5_930_079.0)
GROUND_M = 60.0
DENSITY = 8.0
HOUSES = {
    "b1": (house(), "flat", 6.0),
    "b2": (house(20), "gable", 5.0),
    "b3": (house(0, 14), "gable", 4.0),
    "b4": (house(20, 14), "flat", 9.0),
}
"""Outline, kind of roof, height of the eaves above the ground."""
OTHER = ("--detail", "0.4")
"""Options that make another city of the same inputs."""
TREE = (565_065.0, 5_930_061.0)


@dataclass(frozen=True, slots=True)
class SmallInputs:
    """Files of one small survey.

    Parameters
    ----------
    points : tuple of Path
    footprints : Path
    """

    points: tuple[Path, ...]
    footprints: Path

    def arguments(self, city: Path, *more: str | Path, workers: int = 1) -> list[str]:
        """A command line that builds `city` from them."""
        named = [*self.points, "--footprints", self.footprints, "-o", city, "--workers", workers, *more]
        return ["build", *map(str, named)]


def small_cloud(site: Bounds = SITE, *, density: float = DENSITY, seed: int = 3) -> PointCloud:
    """Ground, roofs and a tree over a site; houses stand where the site holds them."""
    rng = np.random.default_rng(seed)
    n = int(density * site.width * site.height)
    x, y = rng.uniform(site.x_min, site.x_max, n), rng.uniform(site.y_min, site.y_max, n)
    order = np.lexsort((x, np.floor(y)))
    x, y = x[order], y[order]
    z = GROUND_M + 0.01 * (x - SITE.x_min) + rng.normal(0, 0.01, n)
    classes, returns = np.full(n, 2, np.uint8), np.ones(n, np.uint8)
    for outline, kind, eaves_m in HOUSES.values():
        inside = shapely.contains_xy(outline, x, y)
        z[inside] = GROUND_M + eaves_m + _roof(outline, kind, y[inside]) + rng.normal(0, 0.01, inside.sum())
        classes[inside] = 6
    crown = np.hypot(x - TREE[0], y - TREE[1]) < 2.0
    z[crown] = GROUND_M + 4.0 + rng.uniform(-1.5, 1.5, crown.sum())
    classes[crown] = 5
    return PointCloud(np.c_[x, y, z], classes, returns, returns)


def _roof(outline: shapely.Polygon, kind: str, y: np.ndarray) -> np.ndarray:
    """Height above the eaves: none, or a ridge along the middle at 40 degrees."""
    _, south, _, north = outline.bounds
    half = (north - south) / 2
    return (
        np.zeros_like(y) if kind == "flat" else (half - abs(y - (south + north) / 2)) * np.tan(np.radians(40))
    )


def outlines(ids: tuple[str, ...] = tuple(HOUSES)) -> gpd.GeoDataFrame:
    """The houses' footprints."""
    return gpd.GeoDataFrame({"id": list(ids)}, geometry=[HOUSES[i][0] for i in ids], crs="EPSG:25832")


def write_small(folder: Path, cloud: PointCloud | None = None, *, crs: str | None = CRS) -> SmallInputs:
    """The survey in one file, and the footprints."""
    folder.mkdir(parents=True, exist_ok=True)
    cloud = small_cloud() if cloud is None else cloud
    write_las(folder / "survey.laz", cloud, crs=parse_crs(crs) if crs else None)
    return SmallInputs((folder / "survey.laz",), write_footprints(folder / "houses.gpkg"))


def write_footprints(path: Path, frame: gpd.GeoDataFrame | None = None) -> Path:
    """A GeoPackage of outlines."""
    (outlines() if frame is None else frame).to_file(path, driver="GPKG", engine="pyogrio")
    return path
