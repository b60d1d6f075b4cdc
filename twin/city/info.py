"""What a city holds, in plain values for people and machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.city.model import City


def describe_city(city: City) -> dict[str, Any]:
    """Name, place, counts, layers with their inputs, and what was noticed while building."""
    manifest = city.manifest
    return {
        "name": manifest.name,
        "path": str(city.path),
        "crs": manifest.crs,
        "origin": list(manifest.origin),
        "bounds": list(manifest.bounds),
        **building_facts(city),
        "quality": roof_quality(city),
        "unexplained": unexplained_points(city),
        "layers": {name: _layer(layer) for name, layer in manifest.layers.items()},
        "notices": [dict(n) for n in manifest.notices],
    }


def building_facts(city: City) -> dict[str, Any]:
    """How many buildings there are, by state and kind, and how high they are."""
    from twin.city.tables import BUILDINGS, read_columns

    if "buildings" not in city.manifest.layers:
        return {"buildings": 0, "states": {}, "roof_types": {}, "height_m": {}}
    table = read_columns(city.path, BUILDINGS, ("state", "roof_type", "height_m"))
    heights = table["height_m"].dropna()
    spread = {} if heights.empty else {"min": heights.min(), "median": heights.median(), "max": heights.max()}
    return {
        "buildings": len(table),
        "states": _counts(table["state"]),
        "roof_types": _counts(table["roof_type"].dropna()),
        "height_m": {k: round(float(v), 2) for k, v in spread.items()},
    }


def roof_quality(city: City) -> dict[str, Any]:
    """Median and 90th percentile of the roofs' RMSE by level of detail, and at points held out; empty if unknown."""
    from twin.city.quality_figures import quality_figures

    if "buildings" not in city.manifest.layers:
        return {}
    figures = quality_figures(city.path)
    held = figures["holdout"]
    return {
        "rmse_m": {lod: spread["rmse_m"] for lod, spread in figures["by_lod"].items()},
        "holdout_share": held["share"],
        "rmse_holdout_m": held.get("rmse_m", {"buildings": 0}),
    }


def unexplained_points(city: City) -> dict[str, int]:
    """How many points of buildings the survey has, and how many lie outside every footprint; empty if unknown."""
    terrain = city.manifest.layers.get("terrain")
    counts = terrain.counts if terrain else {}
    names = {"building_points": "building points", "outside_footprints": "unexplained points"}
    known = {key: int(counts[name]) for key, name in names.items() if name in counts}
    return known if len(known) == len(names) else {}


def _counts(column: Any) -> dict[str, int]:
    counts = column.value_counts()
    return {str(k): int(counts[k]) for k in sorted(counts.index, key=lambda k: (-counts[k], str(k)))}


def _layer(layer: Any) -> dict[str, Any]:
    return {
        "kind": layer.kind,
        "title": layer.title,
        "files": len(layer.files),
        "counts": dict(layer.counts),
        "inputs": [asdict(s) for s in layer.provenance.inputs],
        "parameters": layer.provenance.parameters,
        "attribution": layer.provenance.attribution,
        "licence": layer.provenance.licence,
    }
