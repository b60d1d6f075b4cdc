"""Exports of a city of boxes, against trimesh and the json module in the same run.

``python tests/benchmarks/bench_exports.py [--buildings 100000]`` prints a table in Markdown. trimesh writes the same
triangles as GLB in one mesh, without ids, attributes or materials; json dumps and parses the same CityJSON document.
Ours also syncs to disk and reads every file back before it takes its name.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import trimesh

from twin.city.building_geometry import BuildingGeometry
from twin.city.cityjson import (
    ModelMetadata,
    VertexTransform,
    iter_buildings,
    write_cityjson,
    write_cityjsonseq,
)
from twin.core.mesh import Solid
from twin.core.notices import Notices
from twin.outputs.export_content import BuildingMeshes, ExportContent, building_meshes, local
from twin.outputs.glb import write_glb
from twin.outputs.obj import write_obj
from twin.outputs.ply import write_ply
from twin.outputs.stl import write_stl

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = (84_000, 447_000, 0)
FACES = np.array(
    [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]], dtype=np.int32
)
SURFACES = np.array([0, 2, 1, 1, 1, 1], dtype=np.uint8)


def city(n: int) -> list[BuildingGeometry]:
    """Boxes in rows with a footprint, one solid and five attributes each."""
    side = int(np.ceil(np.sqrt(n)))
    unit = np.array([[x, y, z] for z in (0, 1) for x, y in ((0, 0), (10, 0), (10, 8), (0, 8))], dtype=float)
    starts, faces = np.arange(0, 25, 4, dtype=np.int32), np.arange(7, dtype=np.int32)
    result = []
    for i in range(n):
        height = 3 + i % 40 / 2
        vertices = unit * [1, 1, height] + [ORIGIN[0] + 15 * (i % side), ORIGIN[1] + 15 * (i // side), 0.5]
        solid = Solid(vertices, FACES.ravel(), starts, faces, SURFACES)
        attributes = {
            "height_m": height,
            "storeys": int(height // 3),
            "state": "built",
            "roof_type": "flat",
            "n": i,
        }
        rings = ((vertices[:4],),)
        result.append(BuildingGeometry(f"NL.IMBAG.Pand.{i:016d}", attributes, rings, {"1.2": (solid,)}))
    return result


def as_content(
    buildings: list[BuildingGeometry], meshes: BuildingMeshes, ids: tuple[str, ...]
) -> ExportContent:
    """What the writers of triangles take."""
    names = buildings[0].attributes
    table = {name: [b.attributes[name] for b in buildings] for name in names}
    return ExportContent("boxes", "EPSG:7415", ORIGIN, meshes, ids, table)


def trimesh_glb(path: Path, meshes: BuildingMeshes) -> None:
    """One bare mesh by trimesh."""
    mesh = trimesh.Trimesh(local(meshes.vertices, ORIGIN), meshes.triangles, process=False)
    path.write_bytes(trimesh.exchange.gltf.export_glb(mesh.scene()))


def seconds(work: Callable[[], object], *, rounds: int) -> float:
    """Median wall time."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(folder: Path, n: int, rounds: int) -> list[tuple[str, float, str, float]]:
    """Rows of what, seconds, file, seconds of the yardstick."""
    buildings = city(n)
    meshes, ids = building_meshes(buildings)
    content = as_content(buildings, meshes, ids)
    told = {"metadata": ModelMetadata("EPSG:7415"), "transform": VertexTransform(ORIGIN)}
    bare = seconds(lambda: trimesh_glb(folder / "bare.glb", meshes), rounds=rounds)
    rows = [("GLB by trimesh, bare", bare, "bare.glb", bare)]
    writers = {"GLB": write_glb, "PLY": write_ply, "STL": write_stl, "OBJ": write_obj}
    for name, write in writers.items():
        path = folder / f"a.{name.lower()}"
        rows.append(
            (name, seconds(lambda w=write, p=path: w(p, content, force=True), rounds=rounds), path.name, bare)
        )
    document, sequence = folder / "a.city.json", folder / "a.city.jsonl"
    wrote = seconds(lambda: write_cityjson(document, buildings, **told), rounds=rounds)
    lines = seconds(lambda: write_cityjsonseq(sequence, buildings, **told), rounds=rounds)
    text = document.read_text(encoding="utf-8")
    parsed = json.loads(text)
    dumped = seconds(lambda: json.dumps(parsed, separators=(",", ":")), rounds=rounds)
    loaded = seconds(lambda: [json.loads(line) for line in sequence.open("rb")], rounds=rounds)
    read = seconds(lambda: sum(1 for _ in iter_buildings(sequence, notices=Notices())), rounds=rounds)
    rows += [
        ("CityJSON, against json.dumps", wrote, document.name, dumped),
        ("CityJSONSeq, against json.dumps", lines, sequence.name, dumped),
        ("CityJSONSeq read, against json.loads", read, sequence.name, loaded),
    ]
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = measure(folder, given.buildings, given.rounds)
        print(f"{given.buildings:,} boxes, median of {given.rounds} rounds\n")
        print("| what | seconds | MB | times the yardstick |\n|---|---|---|---|")
        for what, taken, file, yardstick in rows:
            print(
                f"| {what} | {taken:.2f} | {(folder / file).stat().st_size / 1e6:.1f} | {taken / yardstick:.2f} |"
            )


if __name__ == "__main__":
    main()
