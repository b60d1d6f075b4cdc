"""Some buildings of a city as a file: a table, a GeoPackage or CityJSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.core.errors import UsageError
from twin.core.files import write_text
from twin.core.visible_text import spreadsheet_text

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from twin.city.model import City

SUFFIXES = {".gpkg": "GeoPackage", ".csv": "CSV", ".city.json": "CityJSON", ".city.jsonl": "CityJSONSeq"}


def export_selection(city: City, ids: Collection[str], path: Path, *, force: bool = False) -> int:
    """Write some buildings of a city; how many there were.

    CSV holds their attributes and, as WKT, their footprints; cells that a spreadsheet would take for formulas are
    made safe. GeoPackage holds attributes with footprints, and the faces; CityJSON the solids.

    Parameters
    ----------
    city : City
    ids : collection of str
    path : Path
        Its suffix decides the format, see `SUFFIXES`.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    UsageError
        If no writer knows the suffix, or none of the ids is a building of the city.
    OutputExistsError
        If the file exists and `force` is false.
    """
    suffix = max((s for s in SUFFIXES if path.name.lower().endswith(s)), key=len, default="")
    if not suffix:
        raise UsageError(path, "no writer for this suffix", f"choose one of {' '.join(SUFFIXES)}")
    frame = city.buildings
    chosen = frame[frame["id"].astype(str).isin(set(ids))]
    if not len(chosen):
        raise UsageError(path, f"none of {len(ids)} ids is a building of {city.name}", "choose buildings")
    _WRITERS[suffix](city, chosen, path, force=force)
    return len(chosen)


def _write_csv(_city: City, chosen: Any, path: Path, *, force: bool) -> None:
    table = chosen.drop(columns=chosen.geometry.name).assign(
        footprint_wkt=chosen.geometry.to_wkt(rounding_precision=3)
    )
    texts = table.select_dtypes(include=["object", "string", "category"]).columns
    for name in texts:
        table[name] = [spreadsheet_text(str(v)) if v is not None and v == v else "" for v in table[name]]  # noqa: PLR0124 - NaN
    table.columns = [spreadsheet_text(str(name)) for name in table.columns]
    write_text(path, table.to_csv(index=False, lineterminator="\n"), force=force)


def _write_geopackage(city: City, chosen: Any, path: Path, *, force: bool) -> None:
    from twin.outputs.geopackage import surface_features, write_geopackage

    surfaces = surface_features(_solids(city, chosen), crs=city.manifest.crs_wkt)
    write_geopackage(path, {"buildings": chosen, "building_surfaces": surfaces}, force=force)


def _write_cityjson(city: City, chosen: Any, path: Path, *, force: bool) -> None:
    from twin.city.cityjson import write_cityjson
    from twin.outputs.exporters import model_header

    metadata, transform = model_header(city)
    write_cityjson(path, _solids(city, chosen), metadata=metadata, transform=transform, force=force)


def _write_cityjsonseq(city: City, chosen: Any, path: Path, *, force: bool) -> None:
    from twin.city.cityjson import write_cityjsonseq
    from twin.outputs.exporters import model_header

    metadata, transform = model_header(city)
    write_cityjsonseq(path, _solids(city, chosen), metadata=metadata, transform=transform, force=force)


def _solids(city: City, chosen: Any) -> Any:
    from twin.city.meshes import iter_geometry

    wanted = set(chosen["id"].astype(str))
    return (building for building in iter_geometry(city.path, city.manifest) if building.id in wanted)


_WRITERS = {
    ".csv": _write_csv,
    ".gpkg": _write_geopackage,
    ".city.json": _write_cityjson,
    ".city.jsonl": _write_cityjsonseq,
}
