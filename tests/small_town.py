"""A small demo town under the names that the documentation uses, built once for all tests that ask for it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.built_once import built_once

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CRS = "EPSG:5187+5193"
LAYERS = {
    "footprints": "houses",
    "roads": "roads",
    "water": "water",
    "bridges": "bridges",
    "landcover": "landcover",
}


def small_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``town.twin``, its inputs by the names of the documentation, and ``base.gpkg`` with two layers."""
    return built_once(tmp_path_factory, "town", _build_town)


def _build_town(folder: Path) -> None:
    import geopandas as gpd

    import twin
    from twin.demo.district import generate_district

    files = generate_district(folder / "made", n_buildings=12, density=2.0, seed=3)
    shutil.copytree(folder / "made" / "survey", folder / "survey")
    for layer, name in LAYERS.items():
        shutil.copy(getattr(files, layer), folder / f"{name}.gpkg")
    for layer, name in {"roads": "roads", "water": "lakes"}.items():
        gpd.read_file(folder / f"{layer}.gpkg").to_file(folder / "base.gpkg", layer=name)
    maps = {k: folder / f"{k}.gpkg" for k in ("roads", "water", "bridges", "landcover")}
    city = twin.build(
        folder / "survey", folder / "houses.gpkg", folder / "town.twin", vectors=maps, workers=1
    )
    shutil.rmtree(folder / "made")
    twin.Scene(city).image(size=(64, 36))  # light and pack are kept in the cache, so that copies start warm
