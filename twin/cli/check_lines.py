"""What ``twin check`` tells people: the quality of a city, one building, the opinion of val3dity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FACE_COLUMNS = {
    "area_m2": "area m2",
    "slope_deg": "slope",
    "azimuth_deg": "faces",
    "n_points": "points",
    "no_data_share": "no data",
    "rmse_m": "RMSE m",
    "height_sigma_m": "sigma m",
    "height_sigma_corner_m": "at corner",
}


def quality_lines(quality: dict[str, Any]) -> Iterator[str]:
    """Spread of errors, and the worst buildings with why."""
    if not quality.get("by_lod"):
        return
    yield "  distance of the points from the roofs, median and 90th percentile over the buildings:"
    for lod, figures in quality["by_lod"].items():
        yield f"    LoD {lod}: RMSE {_spread(figures['rmse_m'])}, 95 % within {_spread(figures['p95_m'])}"
    held = quality["holdout"]
    if held["share"]:
        yield (
            f"    at points held out: RMSE {_spread(held['rmse_m'])}, 95 % within {_spread(held['p95_m'])}"
            f" ({100 * held['share']:.0f} % of the buildings)"
        )
    sigma = quality["height_sigma_m"]
    if sigma["buildings"]:
        yield f"  standard error of the roofs' heights: {_spread(sigma)}"
    if quality["worst"]:
        yield "  largest errors:"
        yield from (f"    {w['id']}: RMSE {w['rmse_m']:.2f} m; {w['why']}" for w in quality["worst"])


def _spread(figures: dict[str, float]) -> str:
    return f"{figures['median']:.3f} / {figures['p90']:.3f} m" if figures["buildings"] else "unknown"


def val3dity_lines(told: dict[str, Any] | None, *, most: int) -> Iterator[str]:
    """What val3dity says, and where we differ."""
    if told is None:
        return
    n_bad = len(told["invalid"])
    yield f"  val3dity {told['version']}: {told['buildings'] - n_bad} of {told['buildings']} buildings valid"
    for item in told["invalid"][:most]:
        yield f"    invalid: {item['id']} codes {_codes(item['codes'])}"
    if told["file_codes"]:
        yield f"    files: codes {_codes(told['file_codes'])}"
    if told["buildings"] and not told["differs"]:
        yield "    twin and val3dity agree on every building"
    for item in told["differs"][:most]:
        yield f"    differs: {item['id']} twin {_codes(item['twin'])}, val3dity {_codes(item['val3dity'])}"
    if max(n_bad, len(told["differs"])) > most:
        yield "    ... and more (--json lists all)"


def _codes(codes: list[int]) -> str:
    return ", ".join(map(str, codes)) or "valid"


def building_lines(report: dict[str, Any]) -> Iterator[str]:
    """Everything of one building."""
    yield f"{report['id']}  ({report['path']})"
    for name, value in report["attributes"].items():
        if not name.endswith(("_lod12", "_lod13", "_lod20", "_lod22")) and value != "":
            yield f"  {name}: {value}"
    if report["why"]:
        yield f"  fit: {report['why']}"
    for lod, level in report["lods"].items():
        yield f"  LoD {lod}: {_level(level, report['attributes'], lod)}"
    if report["roof_faces"]:
        yield from _table(report["roof_faces"])


def _level(level: dict[str, Any], attributes: dict[str, Any], lod: str) -> str:
    codes = sorted({code for found in level["codes"] for code in found})
    faces = ", ".join(f"{n} {kind}" for kind, n in level["faces"].items() if n)
    solids = "1 solid" if level["solids"] == 1 else f"{level['solids']} solids"
    parts = [solids, f"codes {_codes(codes)}", faces, f"{level['volume_m3']:g} m3"]
    for figure, name in (("rmse_m", "RMSE"), ("p95_m", "95 % within")):
        value = attributes.get(f"{figure}_lod{lod.replace('.', '')}")
        parts += [f"{name} {value:.3f} m"] if isinstance(value, float) else []
    return ", ".join(parts).replace("_", " ")


def _table(faces: list[dict[str, Any]]) -> Iterator[str]:
    columns = [c for c in FACE_COLUMNS if any(face.get(c) is not None for face in faces)]
    yield "  roof faces:"
    yield "    " + "".join(f"{FACE_COLUMNS[c]:>11}" for c in columns)
    for face in faces:
        yield "    " + "".join(f"{_cell(face.get(c)):>11}" for c in columns)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")
