"""Today against the plan: what a proposed building takes from its neighbours, and what it adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.energy.face_sun import sun_of_buildings, sun_on_faces
from twin.energy.standing import first_surface, with_building, without_buildings
from twin.energy.sweeps import hours_on_raster
from twin.energy.track import sun_track
from twin.scene.proposal import ProposalFigures, faces_of_proposal, figures, replaced_buildings
from twin.scene.sight import ViewLoss, view_loss

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from numpy.typing import NDArray

    from twin.energy.face_sun import FaceHours
    from twin.energy.standing import Surroundings
    from twin.scene.proposal import PlacedBuilding

_REACH = 10.0
_FARTHEST_M = 600.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes with a proposed building.

    Parameters
    ----------
    day : date
        Of the sun.
    hidden : tuple of str
        Buildings that it replaces.
    plan : ProposalFigures
    today_volume_m3, today_plan_m2 : float
        Of what it replaces.
    today_height_m : float
        Of the highest of what it replaces, 0 for none.
    neighbours : DataFrame
        For each building that loses or gains sun: ``id``, hours today and in the plan on roof and wall, what is lost,
        and ``worst_wall_lost_h`` of the wall face that loses most.
    ground_lost_h : array of float32, shape (ny, nx)
        Hours that each cell loses; negative where it gains.
    views : tuple of ViewLoss
        For each eye that was asked about.
    """

    day: date
    hidden: tuple[str, ...]
    plan: ProposalFigures
    today_volume_m3: float
    today_plan_m2: float
    today_height_m: float
    neighbours: Any
    ground_lost_h: NDArray[np.float32]
    views: tuple[ViewLoss, ...] = ()

    @property
    def added_volume_m3(self) -> float:
        """Volume that the plan has more than today."""
        return self.plan.volume_m3 - self.today_volume_m3


def planned(around: Surroundings, placed: PlacedBuilding, hidden: Collection[str]) -> Surroundings:
    """The city as it is planned."""
    return with_building(without_buildings(around, hidden), placed.id, faces_of_proposal(placed))


def compare(
    around: Surroundings,
    placed: PlacedBuilding,
    table: Any,
    *,
    day: date,
    hidden: Collection[str] | None = None,
    eyes: NDArray[np.floating] | None = None,
    every_min: int = 15,
) -> Comparison:
    """Today against the plan.

    Parameters
    ----------
    around : Surroundings
        The city of today.
    placed : PlacedBuilding
    table : GeoDataFrame
        The city's buildings.
    day : date
    hidden : collection of str, optional
        What it replaces; the buildings that its plan overlaps if not given.
    eyes : array, shape (n, 3), optional
        Places whose view is compared: easting, northing, elevation.
    every_min : int
        Minutes between places of the sun.
    """
    gone = tuple(hidden) if hidden is not None else replaced_buildings(placed, table)
    after = planned(around, placed, gone)
    track = sun_track(day, around.place, every_min=every_min)
    asked = _near(around, placed, gone)
    before_sun = sun_on_faces(around, track, only=asked)
    after_sun = sun_on_faces(after, track, only=np.append(asked, False))
    cell = around.grid.cell_size_m
    lost = hours_on_raster(first_surface(around), cell, track) - hours_on_raster(
        first_surface(after), cell, track
    )
    rows = table[table["id"].isin(gone)]
    return Comparison(
        day,
        gone,
        figures(placed),
        float(rows["volume_m3"].fillna(0).sum()),
        float(rows.geometry.area.sum()),
        float(rows["height_m"].fillna(0).max()) if len(rows) else 0.0,
        _neighbours(around, gone, before_sun, after_sun),
        lost,
        tuple(view_loss(around, after, eyes)) if eyes is not None and len(eyes) else (),
    )


def _near(around: Surroundings, placed: PlacedBuilding, gone: Collection[str]) -> NDArray[np.bool_]:
    """Buildings within ten heights of the new one or of what it replaces, which are asked about their sun."""
    faces = around.buildings
    ids = np.array(around.building_ids, dtype=np.str_)
    is_gone = np.isin(ids, sorted(gone))
    owner = faces.owner[faces.face]
    heights = faces.vertices[faces.triangles][..., 2]
    old = heights[is_gone[owner]]
    top = max(placed.top_m, float(old.max()) if old.size else -np.inf)
    reach = min(_FARTHEST_M, _REACH * max(top - placed.base_m, 3.0))
    x0, y0, x1, y1 = placed.outline.bounds
    centre = faces.vertices[faces.triangles].mean(axis=1)
    dx = np.maximum(np.maximum(x0 - centre[:, 0], centre[:, 0] - x1), 0)
    dy = np.maximum(np.maximum(y0 - centre[:, 1], centre[:, 1] - y1), 0)
    asked = np.zeros(len(ids), np.bool_)
    asked[owner[np.hypot(dx, dy) <= reach]] = True
    return asked & ~is_gone


def _neighbours(around: Surroundings, gone: Collection[str], before: FaceHours, after: FaceHours) -> Any:
    """Sun of neighbours today and in the plan, those that lose most first."""
    n = len(around.building_ids)
    today = sun_of_buildings(before, around.building_ids)
    plan = sun_of_buildings(after, (*around.building_ids, "plan")).iloc[:n]
    table = today[["id"]].copy()
    for part in ("roof", "wall"):
        table[f"{part}_today_h"], table[f"{part}_plan_h"] = today[f"{part}_sun_h"], plan[f"{part}_sun_h"]
        table[f"{part}_lost_h"] = (today[f"{part}_sun_h"] - plan[f"{part}_sun_h"]).round(3)
    is_gone = np.isin(np.array(around.building_ids, dtype=np.str_), sorted(gone))
    kept = ~is_gone[before.faces.owner]
    same = before.hours[kept] - after.hours[: int(kept.sum())]
    owner = before.faces.owner[kept]
    walls = (before.faces.surface[kept] != 2) & (before.area_m2[kept] >= 2.0)
    worst = np.full(n, np.nan)
    np.fmax.at(worst, owner[walls], same[walls])
    table["worst_wall_lost_h"] = np.round(worst, 3)
    changed = table[["roof_lost_h", "wall_lost_h", "worst_wall_lost_h"]].abs().max(axis=1) > 0.02
    return table[changed].sort_values("worst_wall_lost_h", ascending=False).reset_index(drop=True)
