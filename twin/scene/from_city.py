"""A city folder as scene content: solids to facets, tables to trees, labels and overlays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from twin.scene.added_layers import lines_on_ground, overlays, plain_elevation, terrain_heights
from twin.scene.facets import facets_from_solids
from twin.scene.model import (
    AttributeTable,
    FacetMesh,
    Label,
    SceneContent,
    Terrain,
    TreeKind,
    Trees,
)
from twin.scene.store import OVER_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.scene.model import LabelKind, Lines

BASE_DEPTH_M = 6.0
"""Thickness of the block of earth under the lowest ground."""
NAME_COLUMNS = ("name", "name_ko", "name_en", "straatnaam", "openbareruimtenaam", "tekst", "nimi")
MAX_SOURCE_NAMES = 6
CONIFER_SLENDERNESS = 7.5
"""Height over crown radius from which a tree is drawn as a conifer."""


def scene_content(city: City, *, lod: str | None = None) -> SceneContent:
    """All that pictures of a city can show; buildings at no finer level of detail than `lod`."""
    from twin.city.meshes import city_solids

    manifest = city.manifest
    found = city_solids(city.path, manifest, at_most=lod)
    return SceneContent(
        name=manifest.name,
        crs=manifest.crs,
        origin=manifest.origin,
        buildings=facets_from_solids(found.solids, found.owner.tolist()),
        building_ids=found.ids,
        terrain=_terrain(city),
        bridges=_bridges(city),
        context=_context(city),
        trees=_trees(city),
        overlays=overlays(city),
        labels=_labels(city),
        attributes=_attributes(city),
        attribution=_attribution(city),
        unbuilt=_unbuilt(city, np.setdiff1d(np.arange(len(found.ids)), found.owner)),
    )


def _unbuilt(city: City, rows: NDArray[np.int64]) -> Lines | None:
    """Outlines of the buildings in these rows, which have no shape, on the ground."""
    if not len(rows):
        return None
    frame = city.buildings.iloc[rows]
    frame = frame[frame["state"] != "duplicate"]
    rings = shapely.get_rings(np.asarray(frame.geometry.dropna().array))
    return lines_on_ground(city, rings) if len(rings) else None


def _terrain(city: City) -> Terrain | None:
    from twin.city.ground_surface import city_surface
    from twin.reconstruct.cover import Cover
    from twin.reconstruct.skirt import block_skirt

    if "terrain" not in city.manifest.layers:
        return _plain_ground(city)
    surface = city_surface(city.path, city.manifest)
    base_m = float(surface.mesh.vertices[:, 2].min()) - BASE_DEPTH_M
    skirt = block_skirt(surface.mesh, bounds=city.bounds, base_m=base_m)
    vertices = np.concatenate([surface.mesh.vertices, skirt.vertices])
    triangles = np.concatenate([surface.mesh.triangles, skirt.triangles + len(surface.mesh.vertices)])
    cover = np.concatenate([surface.cover, np.full(len(skirt.triangles), Cover.SKIRT, np.uint8)])
    return Terrain(vertices, triangles.astype(np.int32), cover)


def _plain_ground(city: City) -> Terrain | None:
    """A flat plate below what has no ground of its own, such as stations alone; None where nothing has a place."""
    from twin.core.mesh import TriangleMesh
    from twin.reconstruct.cover import Cover
    from twin.reconstruct.skirt import block_skirt

    b, z = city.bounds, plain_elevation(city)
    if not (b.width > 0 and b.height > 0):
        return None
    corners = np.array(
        [(b.x_min, b.y_min, z), (b.x_max, b.y_min, z), (b.x_max, b.y_max, z), (b.x_min, b.y_max, z)]
    )
    plate = TriangleMesh(corners, np.array([(0, 1, 2), (0, 2, 3)], np.int32))
    skirt = block_skirt(plate, bounds=b, base_m=z - BASE_DEPTH_M)
    cover = np.repeat(np.array([Cover.GROUND, Cover.SKIRT], np.uint8), [2, len(skirt.triangles)])
    triangles = np.concatenate([plate.triangles, skirt.triangles + len(corners)]).astype(np.int32)
    return Terrain(np.concatenate([corners, skirt.vertices]), triangles, cover)


def _bridges(city: City) -> FacetMesh:
    from twin.city.decks import deck_solids

    if "bridges" not in city.manifest.layers:
        return FacetMesh.empty()
    solids = deck_solids(city.layer("bridges"))
    return facets_from_solids(solids, list(range(len(solids)))) if solids else FacetMesh.empty()


def _context(city: City) -> FacetMesh:
    """Plain masses of buildings that no footprint tells of."""
    from twin.city.masses import mass_solids

    if "unmapped" not in city.manifest.layers:
        return FacetMesh.empty()
    solids = mass_solids(city.layer("unmapped"))
    return facets_from_solids(solids, list(range(len(solids)))) if solids else FacetMesh.empty()


def _trees(city: City) -> Trees | None:
    if "trees" not in city.manifest.layers:
        return None
    frame = city.layer("trees")
    foot = np.column_stack([frame.geometry.x, frame.geometry.y, frame["ground_m"]]).astype(np.float64)
    height, radius = frame["height_m"].to_numpy(float), frame["crown_radius_m"].to_numpy(float)
    slender = height > CONIFER_SLENDERNESS * np.maximum(radius, 0.1)
    kind = np.where(slender, TreeKind.CONIFER, TreeKind.BROADLEAF).astype(np.uint8)
    return Trees(foot, height, radius, kind)


def _labels(city: City) -> tuple[Label, ...]:
    """Names of streets and waters, one label for each name, at its largest feature."""
    labels: list[Label] = []
    kinds: dict[str, LabelKind] = {"roads": "street", "water": "water"}
    for layer, kind in kinds.items():
        if layer not in city.manifest.layers:
            continue
        frame = city.layer(layer)
        column = next((c for c in NAME_COLUMNS if c in frame.columns), None)
        if column is None:
            continue
        named = frame[frame[column].notna() & (frame[column].astype(str).str.strip() != "")]
        height = terrain_heights(city)
        size = named.geometry.area + named.geometry.length
        for name, rows in size.groupby(named[column].astype(str)):
            place = named.geometry[rows.idxmax()].representative_point()
            z = height(np.array([place.x]), np.array([place.y]))[0]
            labels.append(Label(name, (place.x, place.y, float(z)), kind))
    return tuple(labels)


def _attributes(city: City) -> tuple[AttributeTable, ...]:
    """The buildings' own table, then those that were joined to it; paths within the city."""
    from twin.city.tables import BUILDINGS

    layers = city.manifest.layers
    own = [AttributeTable(Path(BUILDINGS))] if "buildings" in layers else []
    joined = [layer.files[0].path for _, layer in sorted(layers.items()) if layer.kind == "join"]
    return (*own, *(AttributeTable(Path(path)) for path in joined))


def _attribution(city: City) -> tuple[str, ...]:
    """Whose data it is; where nobody said so, at least which files it came from."""
    layers = [layer for layer in city.manifest.layers.values() if layer.kind not in OVER_TIME]
    texts = dict.fromkeys(la.provenance.attribution for la in layers if la.provenance.attribution)
    if texts:
        return tuple(texts)
    names = data_sets(s.name for la in layers for s in la.provenance.inputs)
    more = f" and {len(names) - MAX_SOURCE_NAMES} more" if len(names) > MAX_SOURCE_NAMES else ""
    return (f"Data: {', '.join(names[:MAX_SOURCE_NAMES])}{more}",) if names else ()


def data_sets(files: Iterable[str]) -> list[str]:
    """Names of data sets by their files, each once: what lies beside a file and belongs to it is left out.

    Examples
    --------
    >>> data_sets(["decks.shp", "decks.dbf", "decks.prj", "dtm.asc", "dtm.prj", "plan.dbf"])
    ['decks.shp', 'dtm.asc', 'plan.dbf']
    """
    from twin.city.plan import SIDECARS

    names = list(dict.fromkeys(files))
    whole = {Path(name).stem for name in names if Path(name).suffix.lower() not in SIDECARS}
    return [n for n in names if Path(n).suffix.lower() not in SIDECARS or Path(n).stem not in whole]
