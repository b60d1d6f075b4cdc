"""How good the buildings of a city are, in a few figures: spread of errors by level of detail, and the worst with why.

All of it was measured when the city was built and lies in the table of buildings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

N_WORST = 10
SPARSE_PER_M2 = 2.0
GAPS_SHARE = 0.3
FAR_SHARE = 0.5
"""Where 95 % of the distances stay below this share of their root mean square, few points are far off."""

UNSEEN_RATIO = 1.5
UNSEEN_M = 0.1
"""A roof that errs so much more where it was not fitted follows its points rather than the building."""

NOISE_M = 0.12
"""Twice what points of airborne surveys scatter."""

JUDGED = ("rmse_m", "p95_m", "rmse_holdout_m", "p95_holdout_m", "height_sigma_m")
TOLD = ("id", "state", "reason", "roof_type", "n_roof_faces", "no_data_share", "density_per_m2")


def spread(values: Any) -> dict[str, float]:
    """How many values there are, their median and the 90th percentile, in millimetre steps; without NaN.

    Examples
    --------
    >>> spread([0.1, 0.2, float("nan"), 0.3])
    {'buildings': 3, 'median': 0.2, 'p90': 0.28}
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return {"buildings": 0}
    return {
        "buildings": len(known),
        "median": round(float(np.percentile(known, 50)), 4),
        "p90": round(float(np.percentile(known, 90)), 4),
    }


def quality_figures(city: Path) -> dict[str, Any]:
    """The quality of a city's buildings.

    Parameters
    ----------
    city : Path
        A city folder with a table of buildings.

    Returns
    -------
    dict
        ``by_lod`` (level to ``rmse_m`` and ``p95_m``, each as `spread`), ``holdout`` (``rmse_m``, ``p95_m`` and the
        ``share`` of the buildings that have one), ``height_sigma_m``, and ``worst``: the buildings with the largest
        errors, each with ``why``.
    """
    table = _columns(
        city, lambda name: name in (*JUDGED, *TOLD) or name.startswith(("rmse_m_lod", "p95_m_lod"))
    )
    if not len(table):
        return {"by_lod": {}, "holdout": {"share": 0.0}, "height_sigma_m": spread([]), "worst": []}
    levels = sorted(c.removeprefix("rmse_m_lod") for c in table.columns if c.startswith("rmse_m_lod"))
    by_lod = {
        f"{n[0]}.{n[1:]}": {q: spread(table[f"{q}_lod{n}"]) for q in ("rmse_m", "p95_m")} for n in levels
    }
    held = {q: spread(_of(table, f"{q.removesuffix('_m')}_holdout_m")) for q in ("rmse_m", "p95_m")}
    return {
        "by_lod": {lod: figures for lod, figures in by_lod.items() if figures["rmse_m"]["buildings"]},
        "holdout": {"share": round(held["rmse_m"]["buildings"] / len(table), 4), **held},
        "height_sigma_m": spread(_of(table, "height_sigma_m")),
        "worst": _worst(table),
    }


def _columns(city: Path, wanted: Any) -> Any:
    import pyarrow.parquet as pq

    from twin.city.tables import BUILDINGS, read_columns

    present = pq.read_schema(city / BUILDINGS).names
    return read_columns(city, BUILDINGS, tuple(name for name in present if wanted(name)))


def _of(table: Any, name: str) -> Any:
    return table[name] if name in table.columns else []


def _worst(table: Any) -> list[dict[str, Any]]:
    known = table[table["rmse_m"].notna()]
    rows = known.sort_values(["rmse_m", "id"], ascending=[False, True]).head(N_WORST).to_dict("records")
    return [{**{k: _plain(row.get(k)) for k in ("id", *JUDGED)}, "why": why(row)} for row in rows]


def _plain(value: Any) -> Any:
    from twin.city.building_geometry import json_value

    return json_value(value)


def why(row: Any) -> str:
    """What a building's row tells of why its roof does not fit better.

    Examples
    --------
    >>> why({"rmse_m": 0.9, "p95_m": 0.2, "no_data_share": 0.4, "density_per_m2": 9.0, "n_roof_faces": 4})
    '40 % of the footprint is without points; 95 % of the points lie within 0.20 m, a few far off'
    """
    return "; ".join(_causes(row))


def _causes(row: Any) -> Iterable[str]:
    def number(name: str) -> float:
        value = row.get(name)
        return float("nan") if value is None else float(value)

    rmse, p95, unseen = number("rmse_m"), number("p95_m"), number("p95_holdout_m")
    if row.get("state") == "fallback" and row.get("reason"):
        yield str(row["reason"])
    if number("no_data_share") > GAPS_SHARE:
        yield f"{100 * number('no_data_share'):.0f} % of the footprint is without points"
    if number("density_per_m2") < SPARSE_PER_M2:
        yield f"only {number('density_per_m2'):.1f} points per m2"
    if unseen > max(UNSEEN_RATIO * p95, p95 + UNSEEN_M):
        yield f"one point in twenty that were held out lies more than {unseen:.2f} m off: it follows single points"
    if max(rmse, p95) < NOISE_M:
        yield "no more than the noise of the points"
    elif p95 < FAR_SHARE * rmse:
        yield f"95 % of the points lie within {p95:.2f} m, a few far off"
    elif p95 == p95:  # noqa: PLR0124 - not NaN
        yield f"one point in twenty lies more than {p95:.2f} m off: a part is missed or misplaced"
