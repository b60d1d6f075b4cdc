"""Buildings and points of a whole district, cut into tasks: by cells of the street net, by tiles of the survey."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.city.cityjson import ModelMetadata, VertexTransform, feature_line, header_line
from twin.core.crs import parse_crs
from twin.core.files import atomic_path, canonical_json, make_folder, write_text
from twin.core.points import Classification, PointCloud
from twin.core.tasks import Task, run_tasks
from twin.demo import skeleton as sk
from twin.demo.cadastre import cell_entries
from twin.demo.geofiles import DAY, layer_sink
from twin.demo.layout import cell_plan
from twin.demo.plan import SPECIES
from twin.demo.survey import survey_tile, tiles_of
from twin.demo.truth import truth_of
from twin.sources.las_writer import PulseNotes, write_las

if TYPE_CHECKING:
    from pathlib import Path

    from twin.core.grid import Bounds
    from twin.core.progress import Progress
    from twin.demo.cadastre import FootprintDefects
    from twin.demo.flight import Flight
    from twin.demo.layout import Layout

    Row = dict[str, Any]

CELLS_PER_TASK = 8
TITLE = "Eco Delta (procedural), exact"


class CellRows(NamedTuple):
    """What some cells give to the files about buildings and trees."""

    footprints: list[Row]
    buildings: list[Row]
    features: bytes
    defects: list[Row]
    trees: list[Row]


def write_buildings(
    layout: Layout,
    defects: FootprintDefects,
    footprints: Path,
    truth: Path,
    *,
    workers: int,
    progress: Progress,
) -> None:
    """Write the cadastre, and the truth about buildings and trees."""
    cells = list(layout.cells)
    batches = [cells[k : k + CELLS_PER_TASK] for k in range(0, len(cells), CELLS_PER_TASK)]
    tasks = [Task(f"cells {batch[0]}", (layout, defects, batch)) for batch in batches]
    progress.stage("raising buildings", len(tasks))
    wrong: list[Row] = []
    with (
        layer_sink(footprints) as footprint_sink,
        layer_sink(truth / "buildings.gpkg") as building_sink,
        layer_sink(truth / "trees.gpkg") as tree_sink,
        atomic_path(truth / "solids.city.jsonl") as solids,
        solids.open("wb") as out,
    ):
        out.write(header_line(ModelMetadata(sk.CRS, title=TITLE), _transform()))
        for rows in run_tasks(describe_cells, tasks, workers=workers, progress=progress):
            footprint_sink.add(rows.footprints)
            building_sink.add(rows.buildings)
            tree_sink.add(rows.trees)
            out.write(rows.features)
            wrong += rows.defects
    write_text(truth / "defects.json", canonical_json(wrong))


def _transform() -> VertexTransform:
    return VertexTransform((int(sk.ORIGIN[0]), int(sk.ORIGIN[1]), 0))


def describe_cells(layout: Layout, defects: FootprintDefects, cells: list[tuple[int, int]]) -> CellRows:
    """Everything about the buildings and trees of some cells; runs in any process."""
    rows = CellRows([], [], b"", [], [])
    features = []
    for i, j in cells:
        for entry in cell_entries(layout, defects, i, j):
            truth = truth_of(entry)
            rows.footprints.extend(entry.rows)
            rows.buildings.append(truth.row)
            features.append(feature_line(truth.geometry, _transform()))
            if entry.defect:
                rows.defects.append(
                    {
                        "kind": entry.defect,
                        "building": entry.building.id,
                        "footprint": entry.footprint_id,
                        "rows": [row["id"] for row in entry.rows],
                    }
                )
        rows.trees.extend(_tree_rows(layout, i, j))
    return rows._replace(features=b"".join(features))


def _tree_rows(layout: Layout, i: int, j: int) -> list[Row]:
    import shapely

    trees = cell_plan(layout, i, j).trees
    places = np.round(sk.to_world(trees[:, :2]), 3)
    return [
        {
            "id": f"ED-T-{i:03d}{j:03d}{k:04d}",
            "species_ko": SPECIES[int(tree[6])][0],
            "species": SPECIES[int(tree[6])][1],
            "ground_z_m": round(float(tree[2]), 3),
            "height_m": round(float(tree[3]), 2),
            "crown_radius_m": round(float(tree[4]), 2),
            "crown_base_m": round(float(tree[5]), 2),
            "geometry": shapely.Point(place),
        }
        for k, (tree, place) in enumerate(zip(trees, places, strict=True))
    ]


def deliver_survey(
    layout: Layout,
    flight: Flight,
    folder: Path,
    truth: Path,
    *,
    workers: int,
    progress: Progress,
) -> tuple[Path, ...]:
    """Write the survey's tiles, and the true class and strip of each of their points."""
    make_folder(folder)
    make_folder(truth / "points")
    tasks = [
        Task(
            f"survey tile {name}",
            (layout, flight, tile, folder / f"{name}.laz", truth / "points" / name),
        )
        for name, tile in tiles_of(layout, flight.settings.density)
    ]
    progress.stage("flying the survey", len(tasks))
    written = run_tasks(deliver_tile, tasks, workers=workers, progress=progress)
    return tuple(task.arguments[3] for task, n in zip(tasks, written, strict=True) if n)


def deliver_tile(layout: Layout, flight: Flight, tile: Bounds, path: Path, truth: Path) -> int:
    """Trace and write one tile of the survey; how many points it holds. Empty tiles are not written."""
    points = survey_tile(layout, flight, tile)
    cloud, notes = points.cloud, PulseNotes(*points[1:])
    if not len(cloud):
        return 0
    with atomic_path(truth.with_name(f"{truth.name}.npz")) as temporary:
        np.savez_compressed(temporary, classification=cloud.classification, strip=points.strip)
    if not flight.settings.is_classified:
        unknown = np.full(len(cloud), Classification.UNCLASSIFIED, np.uint8)
        cloud = PointCloud(cloud.xyz, unknown, cloud.return_number, cloud.n_returns)
    write_las(path, cloud, crs=parse_crs(sk.CRS), notes=notes, day=date.fromisoformat(DAY))
    return len(cloud)
