"""Buildings from footprints and points: time by step and by number, accuracy on Delft, one core.

    python tests/benchmarks/bench_buildings.py

Reference in the same run: trimesh extrudes the same footprints to one height, without points, holes in roofs, checks
or surface kinds.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import shapely
import trimesh

from twin.core.points import PointCloud
from twin.reconstruct.building import reconstruct_building
from twin.reconstruct.extrude import extrude, flat_planes
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.heights import ground_heights
from twin.reconstruct.lod1 import one_height, stepped_roof
from twin.reconstruct.party_walls import party_wall_areas
from twin.reconstruct.roof_points import select_roof_points
from twin.reconstruct.triangulate import join_solids, triangulate
from twin.reconstruct.validity import check_solid

DELFT = Path(__file__).resolve().parents[3] / "shared" / "data" / "delft"


def delft() -> tuple[list[shapely.Polygon], list[PointCloud]]:
    """Footprints of Delft and the points around each."""
    import geopandas
    import laspy

    files = [laspy.read(path) for path in sorted((DELFT / "ahn3").glob("*.laz"))]
    xyz = np.concatenate([np.column_stack([f.x, f.y, f.z]) for f in files])
    names = ("classification", "return_number", "number_of_returns")
    columns = [np.concatenate([np.asarray(f[c]) for f in files]).astype(np.uint8) for c in names]
    points = PointCloud(xyz, *columns)
    footprints = list(geopandas.read_file(DELFT / "bgt" / "bgt_pand.sqlite").geometry)
    tree = shapely.STRtree(shapely.points(xyz[:, :2]))
    return footprints, [points.select(tree.query(shapely.envelope(f.buffer(4)))) for f in footprints]


def suburb(n: int) -> tuple[list[shapely.Polygon], list[PointCloud]]:
    """Small houses in rows: two levels, 6 points per m2 on the roof, some ground around."""
    rng = np.random.default_rng(n)
    footprints, clouds = [], []
    for k in range(n):
        x, y = 20.0 * (k % 100), 20.0 * (k // 100)
        footprints.append(shapely.box(x, y, x + 9, y + 8))
        xy = rng.uniform((x - 3, y - 3), (x + 12, y + 11), (900, 2))
        roof = (np.abs(xy - (x + 4.5, y + 4)) < (4.5, 4)).all(axis=1)
        z = np.where(roof, np.where(xy[:, 0] < x + 6, 8.0, 5.0), 0.0) + rng.normal(0, 0.03, 900)
        ones = np.ones(900, np.uint8)
        clouds.append(PointCloud(np.column_stack([xy, z]), np.where(roof, 6, 2).astype(np.uint8), ones, ones))
    return footprints, clouds


def best_of(runs: int, work: object) -> float:
    """Least time of several runs, seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return min(times)


def by_trimesh(footprints: list[shapely.Polygon]) -> None:
    for shape in footprints:
        for part in shapely.get_parts(shapely.force_2d(shape)):
            trimesh.creation.extrude_polygon(part, 8.0)


def steps(footprints: list[shapely.Polygon], clouds: list[PointCloud]) -> dict[str, float]:
    """Seconds for all buildings, step by step."""
    local = [localize_footprint(f) for f in footprints]
    ground = [ground_heights(f, c) for f, c in zip(local, clouds, strict=True)]
    roofs = [select_roof_points(f, c, ground_m=0.0) for f, c in zip(local, clouds, strict=True)]
    flat = [one_height(f, 20.0) for f in local]
    stepped = [stepped_roof(f, p) for f, p in zip(local, roofs, strict=True)]
    made = [extrude(r.partition, flat_planes(r.heights_m), ground_m=-9.0) for r in (*flat, *stepped)]
    solids = [s for group in made for s in group]
    joined, _ = join_solids(solids)
    work = {
        "footprints made ready": lambda: [localize_footprint(f) for f in footprints],
        "ground": lambda: [ground_heights(f, c) for f, c in zip(local, clouds, strict=True)],
        "roof points": lambda: [
            select_roof_points(f, c, ground_m=g.ground_m)
            for f, c, g in zip(local, clouds, ground, strict=True)
        ],
        "flat parts": lambda: [stepped_roof(f, p) for f, p in zip(local, roofs, strict=True)],
        "solids, both levels": lambda: [
            extrude(r.partition, flat_planes(r.heights_m), ground_m=-9.0) for r in (*flat, *stepped)
        ],
        "validity, both levels": lambda: [check_solid(s) for s in solids],
        "triangles of all solids at once": lambda: triangulate(joined),
        "party walls": lambda: party_wall_areas(made[: len(footprints)]),
    }
    return {name: best_of(3, call) for name, call in work.items()}


def main() -> None:
    """Print the tables."""
    small = suburb(1000)
    for f, c in list(zip(*small, strict=True))[:2]:
        reconstruct_building(f, c)  # compiles, or reads what was compiled
    sets = {"1,000 small houses": small, "10,000 small houses": suburb(10_000)}
    if DELFT.is_dir():
        sets = {"Delft, 160 buildings": delft(), **sets}
    print(
        "| buildings, LoD1.2 and 1.3 with validity | s | ms each | trimesh, one height, s | times trimesh |"
    )
    print("|---|---|---|---|---|")
    for name, (footprints, clouds) in sets.items():
        pairs = list(zip(footprints, clouds, strict=True))
        ours = best_of(2, lambda pairs=pairs: [reconstruct_building(f, c) for f, c in pairs])
        theirs = best_of(2, lambda footprints=footprints: by_trimesh(footprints))
        print(f"| {name} | {ours:.2f} | {1e3 * ours / len(pairs):.2f} | {theirs:.2f} | {ours / theirs:.1f} |")
    name, (footprints, clouds) = next(iter(sets.items()))
    print(f"\n| step, {name} | s |\n|---|---|")
    for step, seconds in steps(footprints, clouds).items():
        print(f"| {step} | {seconds:.3f} |")


if __name__ == "__main__":
    main()
