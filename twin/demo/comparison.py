"""A built city, or any CityJSON model, held against the exact truth of a district."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.cityjson import iter_buildings
from twin.core.errors import InputError, InputNotFoundError, UsageError
from twin.core.notices import Notices
from twin.demo.buildingcheck import COLUMNS, INVALID, NO_FOOTPRINT, compare_building, figures_of
from twin.demo.classcheck import ClassErrors, compare_classes
from twin.demo.terraincheck import TerrainErrors, TreeErrors, compare_terrain, compare_trees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.core.mesh import Solid

LODS = ("2.2", "1.3", "1.2")
TABLE, SOLIDS = "buildings.gpkg", "solids.city.jsonl"
SAME_PLACE_M = 2.0
"""Solids of another district with the same ids stand farther from where they ought to."""
_TITLES = ("built", "w20", "RMSE m", "ridge m", "eave m", "volume", "faces", "type")
_NOT_TOLD = "-"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a model differs from the truth.

    Parameters
    ----------
    lod : str
        Level of detail that was compared.
    buildings : DataFrame
        A row per true building: kind, roof_type, footprint_defect, state, rmse_m, share of roof area within 0.1, 0.2
        and 0.5 m (w10, w20, w50), ridge_error_m, eave_error_m, volume_error, n_faces, n_true_faces, roof_type_right
        (NaN where the model names no types); and rmse_lod_m, w20_lod against the true solid of the same LoD.
    terrain : TerrainErrors or None
        Where the model is a city with a DTM.
    trees : TreeErrors or None
        Where the model is a city with trees.
    classes : ClassErrors or None
        Where the survey lies beside the truth.
    """

    lod: str
    buildings: Any
    terrain: TerrainErrors | None = None
    trees: TreeErrors | None = None
    classes: ClassErrors | None = None

    @property
    def sound(self) -> Any:
        """Rows of `buildings` whose footprint the cadastre has, and has right."""
        return self.buildings[self.buildings["footprint_defect"] == ""]

    @property
    def score(self) -> float:
        """100 times the mean share of roof area within 0.2 m; what is missing or invalid counts as 0.

        Buildings whose footprint the cadastre has wrong, or not at all, are left out.
        """
        return float(100 * self.sound["w20"].mean()) if len(self.sound) else float("nan")

    def by(self, column: str) -> Any:
        """Figures by a column of `buildings` such as ``roof_type`` or ``kind``: a DataFrame, a row per value."""
        return _by(self.buildings, column)

    def by_sound(self, column: str) -> Any:
        """The same of buildings with a right footprint."""
        return _by(self.sound, column)

    @property
    def states(self) -> dict[str, int]:
        """How many buildings are in each state."""
        return {str(k): int(v) for k, v in self.buildings["state"].value_counts().sort_index().items()}

    def as_json(self) -> dict[str, Any]:
        """The same for machines; figures that do not exist are null."""
        return {
            "lod": self.lod,
            "score": _number(self.score),
            "buildings": {k: _number(v) for k, v in figures_of(self.sound).items()},
            "by_roof_type": _table(self.by_sound("roof_type")),
            "by_kind": _table(self.by_sound("kind")),
            "by_footprint_defect": _table(self.by("footprint_defect")),
            "states": self.states,
            "terrain": None if self.terrain is None else self.terrain.as_json(),
            "trees": None if self.trees is None else self.trees.as_json(),
            "classes": None if self.classes is None else self.classes.as_json(),
        }

    def lines(self, by: str = "roof_type") -> list[str]:
        """A short table for people, by ``roof_type`` or, finer, by ``kind``."""
        table = self.by_sound(by)
        table.loc["all"] = figures_of(self.sound)
        states = ", ".join(f"{n} {state}" for state, n in self.states.items())
        head = f"{by:16}{'n':>5}" + "".join(f"{title:>9}" for title in _TITLES)
        lines = [f"LoD {self.lod} against the truth: score {self.score:.2f} of 100; {states}", head]
        lines += [_line(str(name), row) for name, row in table.iterrows()]
        if self.buildings["roof_type_right"].isna().all():
            lines.append("type: not available, this model does not name roof types")
        parts = (self.terrain, self.trees, self.classes)
        return lines + [part.line() for part in parts if part is not None]


def _line(name: str, row: Any) -> str:
    cells = [
        f"{row['n']:5.0f}",
        f"{row['built']:9.2f}",
        f"{row['w20']:9.3f}",
        *(_cell(row[f"{k}_median_m"], ".3f") for k in ("rmse", "ridge_error", "eave_error")),
        _cell(row["volume_error_median"], ".2%"),
        _cell(row["faces_right"], ".2f"),
        _cell(row["roof_type_right"], ".2f"),
    ]
    return f"{name:16}" + "".join(cells)


def _cell(value: float, form: str) -> str:
    return f"{value:{form}}".rjust(9) if np.isfinite(value) else _NOT_TOLD.rjust(9)


def compare(model: str | Path, truth: str | Path, *, lod: str | None = None) -> Comparison:
    """Hold a city or a CityJSON model of a district against its truth.

    Roofs are compared in cells of 0.25 m inside the true walls less 0.3 m. Faces are counted after coplanar neighbours
    were merged.

    Parameters
    ----------
    model : path
        A city folder, a CityJSON or CityJSONSeq file, or a folder of such files.
    truth : path
        The district's ``truth`` folder. If the survey lies beside it, the ground filter is held against the true
        classes of its points too.
    lod : str, optional
        ``"2.2"``, ``"1.3"`` or ``"1.2"``; the highest that the model has, unless said otherwise. LoD 1.3 and 1.2 are
        compared with the true roof all the same, so that levels can be told apart.

    Raises
    ------
    InputNotFoundError
        If there is no such model, or no truth.
    InputError
        If the model is of another district.
    UsageError
        If the model has no solids of that level.

    Examples
    --------
    >>> found = compare("district/district.twin", "district/truth")  # doctest: +SKIP
    >>> found.by("roof_type")[["n", "w20", "rmse_median_m"]]  # doctest: +SKIP
    """
    model, truth = Path(model), Path(truth)
    found = compare_model(model, truth, lod=lod)
    return replace(found, classes=compare_classes(truth.parent / "survey", truth))


def compare_model(model: Path, truth: Path, *, lod: str | None = None) -> Comparison:
    """The same without a look at the survey; raises as `compare` does."""
    table = _true_table(truth)
    lod, found = _model_solids(model, table, lod)
    states, roof_types = _model_columns(model)
    rows = []
    for exact in iter_buildings(truth / SOLIDS, notices=Notices(), lods=frozenset({"2.2", lod})):
        fact = table.loc[exact.id]
        footprint = str(fact["footprint_id"])
        row = compare_building(exact, fact, found.get(footprint, ()), lod)
        row["state"] = _state(row["state"], footprint, states)
        told = roof_types.get(footprint)
        row["roof_type_right"] = float(told == fact["roof_type"]) if told else float("nan")
        rows.append(row)
    return Comparison(lod, _frame(rows), compare_terrain(model, truth), compare_trees(model, truth))


def _model_solids(model: Path, table: Any, lod: str | None) -> tuple[str, dict[str, tuple[Solid, ...]]]:
    """The level that is compared, and the model's solids of it by footprint."""
    files = _model_files(model)
    lod = lod or _highest(files, model)
    found, n_others = _model_buildings(files, lod, set(table["footprint_id"]))
    if not found and not n_others:
        raise UsageError(
            "--lod", f"{model} has no solids of LoD {lod} here", f"choose one of {', '.join(LODS)}"
        )
    n_near = sum(_stands_at(found[fact["footprint_id"]], fact) for _, fact in _with_solids(table, found))
    if 2 * n_near < len(found) or not found:
        raise InputError(
            model,
            f"is not of the district of {table.attrs['path']}: {n_near} of its {len(found) + n_others} buildings "
            "stand where the truth has one of the same id",
            "name the truth folder beside the survey that this model was built from",
        )
    return lod, found


def _with_solids(table: Any, found: Mapping[str, Any]) -> Any:
    """Rows of the truth whose own footprint the model has built."""
    own = table["footprint_id"].isin(list(found)) & (table["footprint_id"] == table["id"])
    return table[own].iterrows()


def _stands_at(solids: tuple[Solid, ...], fact: Any) -> bool:
    """Whether a building of the model stands where the truth has it."""
    corners = np.concatenate([solid.vertices[:, :2] for solid in solids])
    middle = (corners.min(0) + corners.max(0)) / 2
    x0, y0, x1, y1 = fact.geometry.bounds
    return bool(np.abs(middle - [(x0 + x1) / 2, (y0 + y1) / 2]).max() < SAME_PLACE_M)


def _true_table(truth: Path) -> Any:
    import geopandas as gpd

    for name in (TABLE, SOLIDS):
        if not (truth / name).exists():
            inner = truth / "truth"
            remedy = (
                f"name {inner}" if (inner / name).exists() else "name the truth folder of a demo district"
            )
            raise InputNotFoundError(truth / name, "not found; there is no truth here", remedy)
    table = gpd.read_file(truth / TABLE).set_index("id", drop=False)
    table.attrs["path"] = str(truth)
    return table


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


def _model_buildings(
    files: list[Path], lod: str, wanted: set[str]
) -> tuple[dict[str, tuple[Solid, ...]], int]:
    """Solids of one level by building, nothing else of the model is kept; and how many others have that level."""
    found: dict[str, tuple[Solid, ...]] = {}
    n_others = 0
    for path in files:
        for building in iter_buildings(path, notices=Notices(), lods=frozenset({lod})):
            if lod in building.solids:
                if building.id in wanted:
                    found[building.id] = building.solids[lod]
                else:
                    n_others += 1
    return found, n_others


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


def _frame(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS))


def _by(buildings: Any, column: str) -> Any:
    import pandas as pd

    groups = buildings.groupby(column, sort=True)
    return pd.DataFrame({name: figures_of(group) for name, group in groups}).T


def _table(frame: Any) -> dict[str, dict[str, float | None]]:
    return {str(name): {k: _number(v) for k, v in row.items()} for name, row in frame.iterrows()}


def _number(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None
