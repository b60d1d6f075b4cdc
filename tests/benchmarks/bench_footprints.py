"""Derived and displaced footprints against the truth of a demo district.

    python tests/benchmarks/bench_footprints.py [BUILDINGS [DENSITY]]

Outlines are compared with the walls of the truth, which lie inside the eaves that the points show.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

import twin
from twin.demo import FootprintDefects, generate_district

EXACT = FootprintDefects(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
SMALLEST_M2 = 8.0


def built(files: Any, footprints: gpd.GeoDataFrame | None, folder: Path, **more: bool) -> tuple[Any, float]:
    """The buildings of a city, and the seconds that it took."""
    folder.mkdir()
    path = folder / "footprints.gpkg"
    if footprints is not None:
        footprints.to_file(path)
    start = time.perf_counter()
    given = None if footprints is None else path
    bridges = {"bridges": files.bridges}
    city = twin.build(files.survey, given, folder / "c.twin", lod="1.2", vectors=bridges, workers=1, **more)
    return city.buildings, time.perf_counter() - start


def likeness(truth: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best intersection over union of each true outline, and the part of each found one over any true one."""
    one, two = shapely.STRtree(found).query(truth, predicate="intersects")
    common = shapely.area(shapely.intersection(truth[one], found[two]))
    best, over = np.zeros(len(truth)), np.zeros(len(found))
    np.maximum.at(best, one, common / (shapely.area(truth[one]) + shapely.area(found[two]) - common))
    np.add.at(over, two, common)
    return best, over / shapely.area(found)


def derived_rows(files: Any, truth: gpd.GeoDataFrame, folder: Path) -> None:
    """Table of what is outlined where footprints are missing."""
    print(
        "| footprints taken away | true > 8 m2 | outlined | found (IoU > 0.5) | missed | false | IoU median |"
    )
    print("|---|---|---|---|---|---|---|")
    outlines = np.asarray(truth.geometry.array)
    for share in (0.05, 0.2, 1.0):
        gone = np.random.default_rng(0).random(len(truth)) < share
        left = None if gone.all() else truth.loc[~gone, ["id", "geometry"]]
        table, _ = built(files, left, folder / f"derived{share}", derive_footprints=True)
        found = np.asarray(table.geometry[table["source"] == "derived"].array)
        _, over = likeness(outlines, found)
        best, _ = likeness(outlines[gone & (truth.area > SMALLEST_M2)], found)
        row = (len(best), len(found), f"{(best > 0.5).mean():.0%}", (best < 0.1).sum(), (over < 0.3).sum())
        print(f"| {share:.0%} | {' | '.join(map(str, row))} | {np.median(best):.2f} |", flush=True)


def aligned_rows(files: Any, truth: gpd.GeoDataFrame, folder: Path) -> None:
    """Table of what is moved where footprints are displaced."""
    print("\n| displaced | moved | of the others moved | left, median | p90 |\n|---|---|---|---|---|")
    rng = np.random.default_rng(1)
    single = rng.random(len(truth)) < 0.1
    turn, far = rng.uniform(0, 2 * np.pi, len(truth)), rng.uniform(0.5, 2.0, len(truth))
    apart = np.column_stack([np.cos(turn), np.sin(turn)]) * (far * single)[:, None]
    whole = np.tile([1.2, -0.9], (len(truth), 1))
    still = np.zeros_like(whole)
    for name, by in (("none", still), ("a tenth, 0.5 to 2 m", apart), ("all, 1.5 m", whole)):
        shapes = [shapely.affinity.translate(g, *d) for g, d in zip(truth.geometry, by, strict=True)]
        frame = gpd.GeoDataFrame({"id": truth["id"]}, geometry=shapes, crs=truth.crs)
        table, _ = built(files, frame, folder / f"aligned {name[:3]}", align=True)
        table = table.set_index("id").loc[truth["id"]]
        off = shapely.distance(shapely.centroid(table.geometry.array), shapely.centroid(truth.geometry.array))
        is_off, moved = by.any(axis=1), table["aligned"].to_numpy(bool)
        hit = is_off & moved
        left = f"{np.median(off[hit]):.2f} m | {np.quantile(off[hit], 0.9):.2f} m" if hit.any() else "| "
        print(f"| {name} | {hit.sum()} of {is_off.sum()} | {(moved & ~is_off).sum()} | {left} |", flush=True)


def main() -> None:
    """Make a district, take footprints away and move them."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    density = float(sys.argv[2]) if len(sys.argv) > 2 else 8.0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = generate_district(folder / "d", n_buildings=n, density=density, seed=5, defects=EXACT)
        truth = gpd.read_file(files.truth / "buildings.gpkg")
        derived_rows(files, truth, folder)
        aligned_rows(files, truth, folder)


if __name__ == "__main__":
    main()
