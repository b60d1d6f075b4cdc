"""Validity of every solid, checked anew from what lies on disk; quality as it was measured when building."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.city.manifest import damaged_files
from twin.core.errors import InputNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.notices import Notices

QUALITY_COLUMNS = ("rmse", "p95")
NOT_SOLID = {"broken-face": (101,), "open-surfaces": (302,)}
"""What the reader tells of shapes that are no solids, as val3dity numbers it: too few corners; not closed."""


def check(path: Path, *, notices: Notices) -> dict[str, Any]:
    """The report on a city folder or a CityJSON file.

    Returns
    -------
    dict
        ``path``, ``buildings``, ``solids``, ``lods`` (valid and counted solids, quality medians by LoD), ``states``,
        ``invalid`` (id, lod, val3dity codes), ``damaged`` (file to what is wrong with it).

    Raises
    ------
    InputNotFoundError
        If there is nothing at the path.
    """
    if path.is_dir():
        return _check_city(path)
    if not path.exists():
        raise InputNotFoundError(path, "not found", "name a city folder or a CityJSON file")
    from twin.city.cityjson import read_cityjson

    model = read_cityjson(path, notices=notices)
    report = _report(path, model.buildings)
    for (
        notice
    ) in notices.items:  # faces that cannot be read, and shells that do not close, never became solids
        if notice.cause in NOT_SOLID:
            report["invalid"].append(
                {"id": notice.subject, "lod": "", "codes": list(NOT_SOLID[notice.cause])}
            )
    return report


def _check_city(path: Path) -> dict[str, Any]:
    from twin.city.cityjson import read_cityjson
    from twin.city.folder import open_manifest_as_is
    from twin.city.info import building_facts
    from twin.city.model import City
    from twin.core.notices import Notices

    manifest = open_manifest_as_is(path)
    damage = damaged_files(path, manifest, by_checksum=True)
    files = [f.path for f in manifest.layers["buildings"].files] if "buildings" in manifest.layers else []
    models = (
        read_cityjson(path / f, notices=Notices())
        for f in files
        if f.endswith(".city.jsonl") and f not in damage
    )
    report = _report(path, (b for m in models for b in m.buildings))
    report["damaged"] = damage
    if files and not any(f in damage for f in files):
        report["states"] = building_facts(City(path, manifest))["states"]
        _add_quality(path, report)
    return report


def _report(path: Path, buildings: Iterable[BuildingGeometry]) -> dict[str, Any]:
    from twin.reconstruct.validity import check_solid

    lods: dict[str, dict[str, Any]] = {}
    invalid: list[dict[str, Any]] = []
    n_buildings = 0
    for building in buildings:
        n_buildings += 1
        for lod, solids in sorted(building.solids.items()):
            figures = lods.setdefault(lod, {"solids": 0, "valid": 0, "quality": {}})
            for solid in solids:
                codes = check_solid(solid)
                figures["solids"] += 1
                figures["valid"] += not codes
                if codes:
                    invalid.append({"id": building.id, "lod": lod, "codes": list(codes)})
    return {
        "path": str(path),
        "buildings": n_buildings,
        "solids": sum(f["solids"] for f in lods.values()),
        "lods": dict(sorted(lods.items())),
        "states": {},
        "invalid": invalid,
        "damaged": {},
    }


def _add_quality(path: Path, report: dict[str, Any]) -> None:
    """Median over buildings of what was measured against the points, by LoD."""
    import pyarrow.parquet as pq

    from twin.city.tables import BUILDINGS, read_columns

    present = set(pq.read_schema(path / BUILDINGS).names)
    for lod, figures in report["lods"].items():
        names = {q: f"{q}_m_lod{lod.replace('.', '')}" for q in QUALITY_COLUMNS}
        known = {q: c for q, c in names.items() if c in present}
        table = read_columns(path, BUILDINGS, tuple(known.values()))
        medians = {f"median {q}": table[c].median() for q, c in known.items()}
        figures["quality"] = {k: round(float(v), 4) for k, v in medians.items() if v == v}  # noqa: PLR0124 - NaN
