"""A built city, or any CityJSON model, held against the exact truth of a district."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.cityjson import iter_buildings
from twin.core.errors import InputNotFoundError, UsageError
from twin.core.notices import Notices
from twin.demo.roofcells import cells_inside, count_faces, roof_faces, roof_height
from twin.demo.terraincheck import TerrainErrors, TreeErrors, compare_terrain, compare_trees
from twin.demo.truth import volume_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.mesh import Solid

LODS = ("2.2", "1.3", "1.2")
NEAR_M = (0.1, 0.2, 0.5)
BUILT = "built"
MISSING = "missing"
NO_FOOTPRINT = "no_footprint"
INVALID = "invalid_solid"
_COLUMNS = (
    "id kind footprint_defect state rmse_m rmse_lod_m w10 w20 w50 w20_lod ridge_error_m eave_error_m volume_error "
    "n_faces n_true_faces roof_type_right"
)
_TITLES = ("built", "w20", "RMSE m", "ridge m", "eave m", "volume", "faces")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a model differs from the truth.

    Parameters
    ----------
    lod : str
        Level of detail that was compared.
    buildings : DataFrame
        A row per true building: kind, footprint_defect, state, rmse_m, share of roof area within 0.1, 0.2 and 0.5 m
        (w10, w20, w50), ridge_error_m, eave_error_m, volume_error, n_faces, n_true_faces, roof_type_right; and
        rmse_lod_m, w20_lod against the true solid of the same LoD.
    terrain : TerrainErrors or None
        Where the model is a city with a DTM.
    trees : TreeErrors or None
        Where the model is a city with trees.
    """

    lod: str
    buildings: Any
    terrain: TerrainErrors | None = None
    trees: TreeErrors | None = None

    @property
    def score(self) -> float:
        """100 times the mean share of roof area within 0.2 m; what is missing or invalid counts as 0.

        Buildings whose footprint the cadastre has wrong, or not at all, are left out.
        """
        sound = self.buildings[self.buildings["footprint_defect"] == ""]
        return float(100 * sound["w20"].mean()) if len(sound) else float("nan")

    def by(self, column: str) -> Any:
        """Figures by a column of `buildings` such as ``kind`` or ``footprint_defect``: a DataFrame, a row per value."""
        import pandas as pd

        groups = self.buildings.groupby(column, sort=True)
        return pd.DataFrame({name: _figures(group) for name, group in groups}).T

    def as_json(self) -> dict[str, Any]:
        """The same for machines; figures that do not exist are null."""
        sound = self.buildings[self.buildings["footprint_defect"] == ""]
        return {
            "lod": self.lod,
            "score": _number(self.score),
            "buildings": {k: _number(v) for k, v in _figures(sound).items()},
            "by_kind": _table(Comparison(self.lod, sound).by("kind")),
            "by_footprint_defect": _table(self.by("footprint_defect")),
            "states": {
                str(k): int(v) for k, v in self.buildings["state"].value_counts().sort_index().items()
            },
            "terrain": None if self.terrain is None else self.terrain.as_json(),
            "trees": None if self.trees is None else self.trees.as_json(),
        }

    def lines(self) -> list[str]:
        """A short table for people."""
        sound = self.buildings[self.buildings["footprint_defect"] == ""]
        table = Comparison(self.lod, sound).by("kind")
        table.loc["all"] = _figures(sound)
        head = f"{'kind':16}{'n':>5}" + "".join(f"{title:>9}" for title in _TITLES)
        lines = [f"LoD {self.lod} against the truth: score {self.score:.2f}", head]
        for name, row in table.iterrows():
            lines.append(
                f"{name:16}{row['n']:5.0f}{row['built']:9.2f}{row['w20']:9.3f}{row['rmse_median_m']:9.3f}"
                f"{row['ridge_error_median_m']:9.3f}{row['eave_error_median_m']:9.3f}"
                f"{100 * row['volume_error_median']:8.2f}%{row['faces_right']:9.2f}"
            )
        if self.terrain is not None:
            lines.append(self.terrain.line())
        if self.trees is not None:
            lines.append(self.trees.line())
        return lines


def compare(model: str | Path, truth: str | Path, *, lod: str | None = None) -> Comparison:
    """Hold a city or a CityJSON model of a district against its truth.

    Parameters
    ----------
    model : path
        A city folder, a CityJSON or CityJSONSeq file, or a folder of such files.
    truth : path
        The district's ``truth`` folder.
    lod : str, optional
        ``"2.2"``, ``"1.3"`` or ``"1.2"``; the highest that the model has, unless said otherwise. LoD 1.3 and 1.2 are
        compared with the true roof all the same, so that levels can be told apart.

    Raises
    ------
    InputNotFoundError
        If there is no such model, or no truth.
    UsageError
        If the model has no solids of that level.
    """
    model, truth = Path(model), Path(truth)
    table = _true_table(truth)
    files = _model_files(model)
    lod = lod or _highest(files, model)
    found = _model_buildings(files, lod, set(table["footprint_id"]))
    if not found:
        raise UsageError(
            "--lod", f"{model} has no solids of LoD {lod} here", f"choose one of {', '.join(LODS)}"
        )
    states, roof_types = _model_columns(model)
    rows = []
    exact_lods = frozenset({"2.2", lod})
    for exact in iter_buildings(truth / "solids.city.jsonl", notices=Notices(), lods=exact_lods):
        fact = table.loc[exact.id]
        footprint = str(fact["footprint_id"])
        row = _compare_building(exact, fact, found.get(footprint, ()), lod)
        row["state"] = _state(row["state"], footprint, states)
        told = roof_types.get(footprint)
        row["roof_type_right"] = float(told == fact["roof_type"]) if told else float("nan")
        rows.append(row)
    return Comparison(lod, _frame(rows), compare_terrain(model, truth), compare_trees(model, truth))


def _true_table(truth: Path) -> Any:
    import geopandas as gpd

    path = truth / "buildings.gpkg"
    if not path.exists():
        raise InputNotFoundError(path, "there is no truth here", "name the truth folder of a demo district")
    return gpd.read_file(path).set_index("id", drop=False)


def _model_files(model: Path) -> list[Path]:
    folder = model / "buildings" if (model / "twin.json").exists() else model
    files = (
        [folder] if folder.is_file() else sorted([*folder.glob("*.city.jsonl"), *folder.glob("*.city.json")])
    )
    if not files:
        raise InputNotFoundError(
            model, "holds no CityJSON", "name a city, a CityJSON file or a folder of them"
        )
    return files


def _model_buildings(files: list[Path], lod: str, wanted: set[str]) -> dict[str, tuple[Solid, ...]]:
    """Solids of one level by building; nothing else of the model is kept."""
    return {
        building.id: building.solids[lod]
        for path in files
        for building in iter_buildings(path, notices=Notices(), lods=frozenset({lod}))
        if building.id in wanted and lod in building.solids
    }


def _highest(files: list[Path], model: Path) -> str:
    """The highest level of detail among the first buildings that have any."""
    first = itertools.islice((b for f in files for b in iter_buildings(f, notices=Notices()) if b.solids), 50)
    there = {lod for building in first for lod in building.solids}
    for lod in LODS:
        if lod in there:
            return lod
    raise UsageError(model, f"has no solids of LoD {' or '.join(LODS)}", "compare a model with solids")


def _model_columns(model: Path) -> tuple[dict[str, str], dict[str, str]]:
    """State and roof type by id, where the model is a city."""
    if not (model / "twin.json").exists():
        return {}, {}
    from twin.city.model import open_city

    table = open_city(model).buildings
    ids = table["id"].astype(str)
    columns = []
    for name in ("state", "roof_type"):
        values = table[name] if name in table else [None] * len(table)
        columns.append({i: str(v) for i, v in zip(ids, values, strict=True) if isinstance(v, str) and v})
    return columns[0], columns[1]


def _state(own: str, footprint: str, states: Mapping[str, str]) -> str:
    if not footprint:
        return NO_FOOTPRINT
    return own if own == INVALID else states.get(footprint, own)


def _compare_building(
    exact: BuildingGeometry, fact: Any, solids: tuple[Solid, ...], lod: str
) -> dict[str, Any]:
    from twin.reconstruct.validity import check_solid

    row: dict[str, Any] = {
        "id": exact.id,
        "kind": fact["kind"],
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
    height = roof_height(faces, at)
    error = height - roof_height(roof_faces(exact.solids["2.2"], origin), at)
    error_lod = height - roof_height(roof_faces(exact.solids[lod], origin), at)
    z = np.concatenate([solid.vertices[_roof_corners(solid), 2] for solid in solids])
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


def _roof_corners(solid: Any) -> Any:
    from twin.core.mesh import Surface

    roofs = np.flatnonzero(solid.surface == Surface.ROOF)
    return np.concatenate([ring for f in roofs for ring in solid.rings(int(f))])


def _frame(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=_COLUMNS.split())


def _figures(group: Any) -> dict[str, float]:
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


def _table(frame: Any) -> dict[str, dict[str, float | None]]:
    return {str(name): {k: _number(v) for k, v in row.items()} for name, row in frame.iterrows()}


def _number(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None
