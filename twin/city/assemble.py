"""What the passes made, put into the city's files and its manifest."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.judgement import tell_of_buildings
from twin.city.manifest import BUILT_LAYERS, MANIFEST, Layer, Manifest, Provenance, artifact, write_manifest
from twin.city.party_walls import party_walls
from twin.city.plan import parameters
from twin.city.tables import BUILDINGS, write_table
from twin.core.files import guard_storage, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from twin.city.ground_pass import Ground
    from twin.city.object_tile import ObjectTile
    from twin.city.plan import Plan
    from twin.core.grid import Bounds
    from twin.core.notices import Notices

NODATA = -9999.0


@dataclass(frozen=True)
class _Stage:
    """The folder that the files of a new city are written into, and what is known of their origin."""

    folder: Path
    plan: Plan

    def layer(
        self, kind: str, files: Iterable[str], *, roles: tuple[str, ...], counts: dict[str, int | float]
    ) -> Layer:
        """The manifest's entry for files that lie in the stage."""
        options = self.plan.options
        inputs = tuple(s for role in roles for s in self.plan.sources.get(role, ()))
        provenance = Provenance(
            inputs=inputs,
            parameters=parameters(options),
            software=software(),
            attribution=options.attribution,
            licence=options.licence,
        )
        found = tuple(artifact(self.folder, f) for f in files)
        return Layer(kind=kind, files=found, provenance=provenance, counts=counts)


def software() -> dict[str, str]:
    """Versions of what decides the result."""
    from importlib.metadata import version

    return {name: version(name) for name in ("twin", "numpy", "shapely", "pyproj", "rasterio", "pythoncdt")}


def assemble(
    plan: Plan,
    ground: Ground,
    objects: list[ObjectTile],
    folder: Path,
    *,
    old: Manifest | None,
    notices: Notices,
) -> Manifest:
    """Write every file of the city into `folder`, the manifest last.

    Parameters
    ----------
    folder : Path
        The stage; an empty folder.
    old : Manifest or None
        The city before, whose added layers are kept.
    """
    stage = _Stage(folder, plan)
    layers = {"terrain": _write_terrain(stage, ground, objects)}
    if any(tile.n_buildings for tile in objects):
        layers["buildings"] = _write_buildings(stage, objects, notices)
    layers |= _write_map(stage, ground, objects)
    if "ortho" in plan.options.rasters:
        layers["ortho"] = _write_ortho(stage, ground, notices)
    kept = {} if old is None else {k: v for k, v in old.layers.items() if k not in BUILT_LAYERS}
    bounds = _bounds(ground)
    manifest = Manifest(
        name=plan.name,
        crs=_crs_name(plan),
        crs_wkt=plan.crs.to_wkt(),
        origin=_origin(bounds),
        bounds=bounds,
        build_key=plan.key,
        layers={**layers, **kept},
        notices=tuple(_without_folders(plan, notices).as_json()),
    )
    write_manifest(manifest, folder / MANIFEST)
    return manifest


def _without_folders(plan: Plan, notices: Notices) -> Notices:
    """What was noticed, each file called by its name alone: where it lay is nobody else's business."""
    from twin.core.notices import Notice, Notices

    paths = sorted(plan.stamps, key=lambda p: -len(str(p)))

    def bare(text: str) -> str:
        for path in paths:
            text = text.replace(str(path), path.name)
        return text

    return Notices([Notice(n.cause, bare(n.message), bare(n.subject)) for n in notices.items])


def _crs_name(plan: Plan) -> str:
    from twin.core.crs import crs_name

    return crs_name(plan.crs)


def _bounds(ground: Ground) -> tuple[float, float, float, float, float, float]:
    edge = ground.mosaic.grid.bounds
    low, high = ground.mosaic.range_of("dtm")[0], ground.mosaic.range_of("dsm")[1]
    return (edge.x_min, edge.y_min, round(low, 3), edge.x_max, edge.y_max, round(high, 3))


def _origin(bounds: tuple[float, float, float, float, float, float]) -> tuple[int, int, int]:
    """Whole metres near the middle, so that float32 coordinates keep tenths of a millimetre."""
    x0, y0, z0, x1, y1, _ = bounds
    return (round((x0 + x1) / 2), round((y0 + y1) / 2), int(np.floor(z0)))


def _write_terrain(stage: _Stage, ground: Ground, objects: list[ObjectTile]) -> Layer:
    from twin.sources.rasters import write_geotiff

    make_folder(stage.folder / "terrain")
    crs, mosaic = stage.plan.crs, ground.mosaic
    for name in ("dtm", "dsm"):
        write_geotiff(
            stage.folder / f"terrain/{name}.tif", mosaic.band(name), mosaic.grid, crs=crs, nodata=NODATA
        )
    filled = mosaic.band("filled").view(np.uint8)
    write_geotiff(stage.folder / "terrain/filled.tif", filled, mosaic.grid, crs=crs, nodata=None)
    counts: dict[str, int | float] = {
        "points": 0 if ground.points is None else ground.points.n_points,
        "building points": sum(t.n_building_points for t in objects),
        "unexplained points": sum(t.n_unexplained for t in objects),
        "cells": int(filled.size),
        "filled share": round(float(filled.mean()), 4),
    }
    files = ("terrain/dtm.tif", "terrain/dsm.tif", "terrain/filled.tif")
    return stage.layer("terrain", files, roles=("points", "dtm", "dsm"), counts=counts)


def _write_buildings(stage: _Stage, objects: list[ObjectTile], notices: Notices) -> Layer:
    """The table in the order of the footprints, and the shapes by tile."""
    import geopandas as gpd
    import pandas as pd

    make_folder(stage.folder / "buildings")
    files = [BUILDINGS]
    for tile in objects:
        if tile.n_buildings:
            name = f"buildings/{tile.name}.city.jsonl"
            with guard_storage(stage.folder / name):
                shutil.copyfile(tile.cityjson, stage.folder / name)
            files.append(name)
    rows = pd.concat([pd.read_parquet(t.rows) for t in objects if t.n_buildings]).sort_values("row")
    outlines = gpd.GeoSeries.from_wkb(rows.pop("outline"), crs=stage.plan.crs)
    frame = gpd.GeoDataFrame(rows.drop(columns="row"), geometry=outlines)
    shared = party_walls(frame, [stage.folder / name for name in files[1:]])
    frame.insert(frame.columns.get_loc("wall_area_m2") + 1, "party_wall_m2", shared)
    write_table(frame, stage.folder / BUILDINGS)
    options = stage.plan.options
    tell_of_buildings(
        frame,
        footprints=options.footprints or options.buildings or "buildings",
        survey=stage.plan.survey_name,
        has_points=bool(stage.plan.files),
        has_heights=options.height_field is not None or options.footprints is None,
        notices=notices,
    )
    counts = {str(state): int(n) for state, n in frame["state"].value_counts().sort_index().items()}
    return stage.layer(
        "buildings",
        files,
        roles=("points", "footprints", "buildings"),
        counts={"buildings": len(frame), **counts},
    )


def _write_map(stage: _Stage, ground: Ground, objects: list[ObjectTile]) -> dict[str, Layer]:
    make_folder(stage.folder / "map")
    layers: dict[str, Layer] = {}
    waters = {} if ground.waters is None else {"water": ground.waters}
    for kind, frame in {**stage.plan.vectors, **waters, **_found(objects, stage.plan)}.items():
        if not len(frame):
            continue
        path = f"map/{kind}.parquet"
        write_table(frame, stage.folder / path)
        roles = (kind,) if kind in stage.plan.sources else ("points",)
        layers[kind] = stage.layer(kind, (path,), roles=roles, counts={_unit(kind): len(frame)})
    return layers


def _write_ortho(stage: _Stage, ground: Ground, notices: Notices) -> Layer:
    """The orthophoto over the city, in its CRS, at its own resolution."""
    from twin.sources.pictures import read_picture
    from twin.sources.rasters import write_geotiff

    options, crs = stage.plan.options, stage.plan.crs
    assumed = crs if options.crs else None
    picture = read_picture(options.rasters["ortho"], crs=crs, assume_crs=assumed, notices=notices)
    _require_over(options.rasters["ortho"], picture.grid.bounds, ground)
    write_geotiff(stage.folder / "map/ortho.tif", picture.rgba, picture.grid, crs=crs)
    cells = picture.grid.nx * picture.grid.ny
    return stage.layer("ortho", ("map/ortho.tif",), roles=("ortho",), counts={"cells": cells})


def _require_over(path: Path, bounds: Bounds, ground: Ground) -> None:
    from twin.sources.overlap import check_overlap

    check_overlap(bounds, ground.mosaic.grid.bounds, path, "the city")


def _unit(kind: str) -> str:
    return {"trees": "trees", "unmapped": "masses"}.get(kind, "features")


def _found(objects: list[ObjectTile], plan: Plan) -> dict[str, Any]:
    """Trees, masses and decks of all tiles as tables."""
    import geopandas as gpd
    import pandas as pd

    tables: dict[str, Any] = {}
    for kind in ("trees", "unmapped", "bridges"):
        frames = [gpd.read_parquet(path) for t in objects if (path := t.tables.get(kind)) is not None]
        if frames:
            tables[kind] = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=plan.crs)
    return tables
