"""Single buildings of a model held against the exact ones, and what is said of many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.mesh import Surface
from twin.demo.roofcells import cells_inside, count_faces, roof_faces, roof_height
from twin.demo.truth import volume_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.mesh import Solid

NEAR_M = (0.1, 0.2, 0.5)
BUILT = "built"
MISSING = "missing"
NO_FOOTPRINT = "no_footprint"
INVALID = "invalid_solid"
NO_ROOF = "no_roof_faces"
COLUMNS = (
    "id",
    "kind",
    "roof_type",
    "footprint_defect",
    "state",
    "rmse_m",
    "rmse_lod_m",
    "w10",
    "w20",
    "w50",
    "w20_lod",
    "ridge_error_m",
    "eave_error_m",
    "volume_error",
    "n_faces",
    "n_true_faces",
    "roof_type_right",
)


def compare_building(
    exact: BuildingGeometry, fact: Any, solids: tuple[Solid, ...], lod: str
) -> dict[str, Any]:
    """A row of `COLUMNS` but for the last: a building's solids against the true ones and what `fact` tells of them."""
    from twin.reconstruct.validity import check_solid

    row: dict[str, Any] = {
        "id": exact.id,
        "kind": fact["kind"],
        "roof_type": fact["roof_type"],
        "footprint_defect": fact["footprint_defect"] or "",
        "state": MISSING,
        **dict.fromkeys(("w10", "w20", "w50", "w20_lod"), 0.0),
        "n_true_faces": int(fact["n_roof_faces"]),
    }
    if not solids:
        return row
    if any(check_solid(solid) for solid in solids):
        return {**row, "state": INVALID}
    origin = np.floor([*fact.geometry.bounds[:2], 0.0])
    faces, at = roof_faces(solids, origin), cells_inside(fact.geometry, origin)
    if not faces:
        return {**row, "state": NO_ROOF}
    height = roof_height(faces, at)
    error = height - roof_height(roof_faces(exact.solids["2.2"], origin), at)
    error_lod = height - roof_height(roof_faces(exact.solids[lod], origin), at)
    z = np.concatenate([_roof_corners(solid)[:, 2] for solid in solids])
    return {
        **row,
        "state": BUILT,
        "rmse_m": _rms(error),
        "rmse_lod_m": _rms(error_lod),
        **{f"w{int(100 * d)}": float((np.abs(error) < d).mean()) for d in NEAR_M},
        "w20_lod": float((np.abs(error_lod) < 0.2).mean()),
        "ridge_error_m": float(z.max() - fact["ridge_z_m"]),
        "eave_error_m": float(z.min() - fact["eave_z_m"]),
        "volume_error": sum(map(volume_of, solids)) / float(fact["volume_m3"]) - 1.0,
        "n_faces": count_faces(faces),
    }


def _rms(error: NDArray[np.float64]) -> float:
    there = error[np.isfinite(error)]
    return float(np.sqrt(np.mean(there**2))) if len(there) else float("nan")


def _roof_corners(solid: Solid) -> NDArray[np.float64]:
    """Corners of the faces that are named roofs, shape (n, 3)."""
    roofs = np.flatnonzero(solid.surface == Surface.ROOF)
    rings = [ring for f in roofs for ring in solid.rings(int(f))]
    return solid.vertices[np.concatenate(rings)] if rings else np.empty((0, 3))


def figures_of(group: Any) -> dict[str, float]:
    """What is said of some buildings; medians are of absolute errors."""
    built = group[group["rmse_m"].notna()]

    def middle(column: str) -> float:
        return float(built[column].abs().median()) if len(built) else float("nan")

    return {
        "n": float(len(group)),
        "built": len(built) / max(len(group), 1),
        **{k: float(group[k].mean()) for k in ("w10", "w20", "w50", "w20_lod")},
        "rmse_lod_median_m": middle("rmse_lod_m"),
        "rmse_median_m": middle("rmse_m"),
        "rmse_p90_m": float(built["rmse_m"].quantile(0.9)) if len(built) else float("nan"),
        "ridge_error_median_m": middle("ridge_error_m"),
        "eave_error_median_m": middle("eave_error_m"),
        "volume_error_median": middle("volume_error"),
        "faces_right": float((built["n_faces"] == built["n_true_faces"]).mean())
        if len(built)
        else float("nan"),
        "roof_type_right": float(group["roof_type_right"].mean()),
    }
