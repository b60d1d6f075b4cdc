"""A city to every format that `twin export` knows, one function a format.

A writer is called as ``writer(city, wanted)``; options that it does not take were refused before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.outputs.export_content import BuildingMeshes, ExportContent, MeshPart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.city.building_geometry import BuildingGeometry
    from twin.city.cityjson import ModelMetadata, VertexTransform
    from twin.city.export_options import ExportOptions, ExportRequest
    from twin.city.model import City
    from twin.core.mesh import TriangleMesh
    from twin.core.notices import Notices
    from twin.scene.layers import SceneLayer
    from twin.scene.scene import Scene


def export_cityjson(city: City, wanted: ExportRequest) -> None:
    """CityJSON 2.0, one document."""
    from twin.city.cityjson import write_cityjson

    metadata, transform = model_header(city)
    write_cityjson(wanted.path, _buildings(city), metadata=metadata, transform=transform, force=wanted.force)


def export_cityjsonseq(city: City, wanted: ExportRequest) -> None:
    """CityJSONSeq 2.0, one building a line."""
    from twin.city.cityjson import write_cityjsonseq

    metadata, transform = model_header(city)
    write_cityjsonseq(
        wanted.path, _buildings(city), metadata=metadata, transform=transform, force=wanted.force
    )


def export_geopackage(city: City, wanted: ExportRequest) -> None:
    """GeoPackage: buildings with attributes, each face of their roofs, the map, and vector layers that were added."""
    from twin.outputs.geopackage import surface_features, write_geopackage
    from twin.outputs.roof_faces import roof_face_features

    layers = {}
    if "buildings" in city.manifest.layers:
        layers["buildings"] = city.buildings
        layers["building_surfaces"] = surface_features(_buildings(city), crs=city.manifest.crs_wkt)
        layers["roof_faces"] = roof_face_features(_buildings(city), crs=city.manifest.crs_wkt)
    for name, layer in city.manifest.layers.items():
        if layer.kind in {"roads", "water", "bridges", "landcover", "trees", "unmapped", "vector"}:
            layers[name] = _plain(city.layer(name))
    write_geopackage(wanted.path, layers, force=wanted.force)


def _plain(frame: Any) -> Any:
    """The frame with its main geometry alone: a GeoPackage layer has one."""
    others = [c for c in frame.columns if str(frame[c].dtype) == "geometry" and c != frame.geometry.name]
    return frame.drop(columns=others)


def export_glb(city: City, wanted: ExportRequest) -> None:
    """GLB with ids and attributes of every building."""
    from twin.outputs.glb import write_glb
    from twin.outputs.placement import placement

    content = _wanted_content(city, wanted.options)
    place = placement(all_vertices(content), wanted.options)
    write_glb(wanted.path, content, place=place, force=wanted.force)


def _wanted_content(city: City, options: ExportOptions) -> ExportContent:
    content = export_content(city)
    if options.around is None:
        return content
    from twin.outputs.cut import cut_export

    return cut_export(content, options.around)


def all_vertices(content: ExportContent) -> NDArray[np.float64]:
    """Every vertex that a triangle of buildings or parts has, map coordinates, shape (n, 3)."""
    meshes = content.buildings
    parts = [np.unique(p.mesh.triangles) for p in content.parts]
    used = [meshes.vertices[np.unique(meshes.triangles)]]
    used += [p.mesh.vertices[rows] for p, rows in zip(content.parts, parts, strict=True)]
    return np.concatenate(used)


def export_obj(city: City, wanted: ExportRequest) -> None:
    """OBJ with one object for each building."""
    from twin.outputs.obj import write_obj

    write_obj(wanted.path, export_content(city), force=wanted.force)


def export_stl(city: City, wanted: ExportRequest) -> None:
    """Binary STL; one closed body if it is to be printed."""
    from twin.outputs.placement import placement
    from twin.outputs.stl import write_stl, write_stl_body

    if wanted.options.for_print:
        body, scale = _body(city, wanted)
        write_stl_body(wanted.path, body, scale=scale, force=wanted.force)
        return
    content = _wanted_content(city, wanted.options)
    place = placement(all_vertices(content), wanted.options)
    write_stl(wanted.path, content, place=place, force=wanted.force)


def export_3mf(city: City, wanted: ExportRequest) -> None:
    """3MF; one closed body if it is to be printed."""
    from twin.outputs.placement import placement
    from twin.outputs.threemf import body_object, content_objects, write_3mf

    if wanted.options.for_print:
        body, _ = _body(city, wanted)
        write_3mf(
            wanted.path,
            [body_object(body, city.name)],
            unit="millimeter",
            title=city.name,
            force=wanted.force,
        )
        return
    content = _wanted_content(city, wanted.options)
    place = placement(all_vertices(content), wanted.options)
    objects = content_objects(content, place)
    unit = "meter" if place is None else "millimeter"
    write_3mf(wanted.path, objects, unit=unit, title=city.name, force=wanted.force)


def _body(city: City, wanted: ExportRequest) -> tuple[TriangleMesh, float]:
    from twin.outputs.print_body import plan_print, print_body

    plan = plan_print(city, wanted.options)
    return print_body(city, plan, wanted.notices), plan.scale


def export_ply(city: City, wanted: ExportRequest) -> None:
    """Binary PLY with building and surface of every face."""
    from twin.outputs.ply import write_ply

    write_ply(wanted.path, export_content(city), force=wanted.force)


def export_page(city: City, wanted: ExportRequest) -> None:
    """One web page that needs neither server nor network."""
    from twin.outputs.web.page import PageOptions, write_page
    from twin.outputs.web.timeline import choose_moments
    from twin.scene.scene import Scene

    options = wanted.options
    asked = [*options.layers, *([options.flood] if options.layers and options.flood else [])]
    scene = Scene(city, asked, notices=wanted.notices)
    layers = scene.layers if asked else _page_layers(city, options, wanted.notices)
    page = PageOptions(
        title=options.title,
        language=options.language,
        theme=options.theme,
        layers=layers,
        moments=choose_moments(layers, start=options.start, end=options.end),
    )
    write_page(
        wanted.path, scene, scene_attributes(city, scene), page, force=wanted.force, notices=wanted.notices
    )


def export_usdz(city: City, wanted: ExportRequest) -> None:
    """USDZ for phones and headsets."""
    from twin.outputs.usdz import require_usd, write_usdz
    from twin.scene.from_city import scene_content
    from twin.scene.scene import Scene

    require_usd()  # before anything is lit
    content = scene_content(city)
    if wanted.options.around is None:
        scene = Scene(city, notices=wanted.notices)
    else:
        from twin.outputs.cut import cut_scene

        content = cut_scene(content, wanted.options.around, meshes=_building_meshes(city)[0])
        scene = Scene(content, notices=wanted.notices)
    write_usdz(wanted.path, scene, content.trees, wanted.options, force=wanted.force, notices=wanted.notices)


def _page_layers(city: City, options: ExportOptions, notices: Notices) -> tuple[SceneLayer, ...]:
    """What changes over time: the flood that was asked for, or the only one, and the city's observations."""
    from twin.scene.as_layer import as_layer

    names: dict[str, list[str]] = {}
    for name, layer in city.manifest.layers.items():
        names.setdefault(layer.kind, []).append(name)
    floods = sorted(names.get("flood", ()))
    if options.flood and options.flood.partition(":")[0] not in floods:
        known = f"choose one of {', '.join(floods)}" if floods else "make one with `twin flood`"
        raise UsageError("--flood", f"the city has no flood {options.flood!r}", known)
    if options.flood is None and len(floods) > 1:
        notices.add("flood", f"the page shows no flood; choose one with --flood: {', '.join(floods)}")
    chosen = [options.flood] if options.flood else floods if len(floods) == 1 else []
    return tuple(as_layer(name, city) for name in [*chosen, *names.get("observations", ())])


def scene_attributes(city: City, scene: Scene) -> dict[str, Any]:
    """Columns of the buildings that a scene shows, in its order."""
    ids = tuple(scene.pack["building_ids"].tolist())
    return _attributes(city, ids)


def model_header(city: City) -> tuple[ModelMetadata, VertexTransform]:
    """What a CityJSON file of a city says of itself, and how its vertices are counted."""
    from twin.city.cityjson import ModelMetadata, VertexTransform

    manifest = city.manifest
    texts = dict.fromkeys(
        la.provenance.attribution for la in manifest.layers.values() if la.provenance.attribution
    )
    metadata = ModelMetadata(
        crs=manifest.crs, title=manifest.name, attribution="; ".join(texts), extent=manifest.bounds
    )
    return metadata, VertexTransform(manifest.origin)


def _buildings(city: City) -> Iterator[BuildingGeometry]:
    from twin.city.meshes import iter_geometry

    return iter_geometry(city.path, city.manifest)


def export_content(city: City) -> ExportContent:
    """All that a 3D export of a city holds: buildings, terrain, bridges, unmapped masses, trees, added models."""
    from twin.scene.from_city import scene_content

    scene = scene_content(city)
    meshes, ids = _building_meshes(city)
    parts = [
        *_terrain_part(scene),
        *_facet_part("bridges", scene.bridges),
        *_facet_part("unmapped", scene.context),
    ]
    parts += [part for overlay in scene.overlays for part in _model_part(overlay)]
    return ExportContent(
        name=city.name,
        crs=city.crs,
        origin=city.manifest.origin,
        buildings=meshes,
        building_ids=ids,
        attributes=_attributes(city, ids),
        parts=tuple(parts),
        trees=scene.trees,
        attribution=scene.attribution,
    )


def _building_meshes(city: City) -> tuple[BuildingMeshes, tuple[str, ...]]:
    from twin.city.meshes import city_solids
    from twin.reconstruct.triangulate import join_solids, triangulate

    found = city_solids(city.path, city.manifest)
    joined, solid_of_face = join_solids(found.solids)
    triangles, face = triangulate(joined)
    owner = found.owner[solid_of_face[face]] if len(face) else np.empty(0, np.int32)
    return BuildingMeshes(joined.vertices, triangles, owner, joined.surface[face].astype(np.uint8)), found.ids


def _attributes(city: City, ids: tuple[str, ...]) -> dict[str, Any]:
    if not ids:
        return {}
    frame = city.buildings.set_index("id").loc[list(ids)]
    return {c: frame[c].to_numpy() for c in frame.columns if c != frame.geometry.name}


def _terrain_part(scene: Any) -> list[MeshPart]:
    from twin.core.mesh import TriangleMesh
    from twin.reconstruct.cover import Cover

    if scene.terrain is None:
        return []
    names = tuple(c.name.lower() for c in Cover)
    mesh = TriangleMesh(scene.terrain.vertices, scene.terrain.triangles)
    return [MeshPart("terrain", mesh, scene.terrain.cover, names, smooth=True)]


def _facet_part(name: str, facets: Any) -> list[MeshPart]:
    from twin.core.mesh import TriangleMesh

    if not len(facets.triangles):
        return []
    mesh = TriangleMesh(facets.vertices, facets.triangles)
    return [MeshPart(name, mesh, np.zeros(len(facets.triangles), np.uint8), (name,))]


def _model_part(overlay: Any) -> list[MeshPart]:
    from twin.core.mesh import TriangleMesh

    if overlay.mesh is None:
        return []
    colours, kind = np.unique(overlay.mesh.rgb, axis=0, return_inverse=True)
    kinds = tuple("#{:02x}{:02x}{:02x}".format(*c) for c in colours[:255])
    mesh = TriangleMesh(overlay.mesh.vertices, overlay.mesh.triangles)
    return [MeshPart(overlay.name, mesh, np.minimum(kind.ravel(), 254).astype(np.uint8), kinds)]
