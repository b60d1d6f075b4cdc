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

NOT_SOLID = {"broken-face": (101,), "open-surfaces": (302,)}
"""What the reader tells of shapes that are no solids, as val3dity numbers it: too few corners; not closed."""


def check(path: Path, *, notices: Notices, val3dity: str | None = None) -> dict[str, Any]:
    """The report on a city folder or a CityJSON file.

    Parameters
    ----------
    path : Path
        What is checked.
    notices : Notices
        Warnings of files that are read.
    val3dity : str, optional
        The user's val3dity program, asked for its opinion of the same files.

    Returns
    -------
    dict
        ``path``, ``buildings``, ``solids``, ``lods`` (valid and counted solids), ``states``, ``quality`` (of a city
        only, see `twin.city.quality_figures`), ``invalid`` (id, lod, val3dity codes), ``damaged`` (file to what is
        wrong with it), and ``val3dity`` if it was asked (see `twin.city.val3dity.compare_opinions`).

    Raises
    ------
    InputNotFoundError
        If there is nothing at the path.
    UsageError
        If val3dity cannot be run.
    """
    report, files = _check_city(path) if path.is_dir() else (_check_file(path, notices), [path])
    if val3dity is not None:
        from twin.city.val3dity import ask_val3dity, compare_opinions

        found = ((item["id"], item["codes"]) for item in report["invalid"])
        report["val3dity"] = compare_opinions(found, ask_val3dity(val3dity, files))
    return report


def _check_file(path: Path, notices: Notices) -> dict[str, Any]:
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


def _check_city(path: Path) -> tuple[dict[str, Any], list[Path]]:
    """The report, and the files of solids that could be read."""
    from twin.city.cityjson import read_cityjson
    from twin.city.folder import open_manifest_as_is
    from twin.city.info import building_facts
    from twin.city.model import City
    from twin.city.quality_figures import quality_figures
    from twin.core.notices import Notices

    manifest = open_manifest_as_is(path)
    damage = damaged_files(path, manifest, by_checksum=True)
    files = [f.path for f in manifest.layers["buildings"].files] if "buildings" in manifest.layers else []
    solids = [path / f for f in files if f.endswith(".city.jsonl") and f not in damage]
    models = (read_cityjson(file, notices=Notices()) for file in solids)
    report = _report(path, (b for m in models for b in m.buildings))
    report["damaged"] = damage
    if files and not any(f in damage for f in files):
        report["states"] = building_facts(City(path, manifest))["states"]
        report["quality"] = quality_figures(path)
    return report, solids


def _report(path: Path, buildings: Iterable[BuildingGeometry]) -> dict[str, Any]:
    from twin.reconstruct.validity import check_solid

    lods: dict[str, dict[str, Any]] = {}
    invalid: list[dict[str, Any]] = []
    n_buildings = 0
    for building in buildings:
        n_buildings += 1
        for lod, solids in sorted(building.solids.items()):
            figures = lods.setdefault(lod, {"solids": 0, "valid": 0})
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
        "quality": {},
        "invalid": invalid,
        "damaged": {},
    }
