"""The section of a workspace: a city cut open once, with the water of any moment in the cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.section import Plane, Section, cut_mesh, section, with_water
from twin.scene.workspace_plan import building_lod, placed_proposal, shows_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.meshes import CitySolids
    from twin.city.model import City
    from twin.core.mesh import Solid
    from twin.core.notices import Notices
    from twin.energy.standing import Surroundings
    from twin.scene.layers import WaterView
    from twin.scene.workspace import Point, Workspace


@dataclass(frozen=True, slots=True)
class Cut:
    """A city that is cut open.

    Parameters
    ----------
    around : Surroundings
        For the ground below water.
    dry : Section
        Buildings and earth.
    """

    around: Surroundings
    dry: Section

    @property
    def plane(self) -> Plane:
        """Where it is cut."""
        return self.dry.plane

    def leaves(self, places: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which places are not cut away; shape (n, 3), map metres."""
        return self.plane.to_plane(places)[..., 2] <= 0

    def standing(
        self, labels: Sequence[tuple[str, Point, str]], origin: Sequence[int]
    ) -> list[tuple[str, Point, str]]:
        """The names of what is not cut away; places in local metres."""
        return [label for label in labels if self.leaves(np.add(label[1], origin))]

    def under(self, waters: Iterable[WaterView]) -> Section:
        """The section with the water of a moment."""
        found = [(view.grid, view.bed_m, view.depth_m) for view in waters]
        return with_water(self.dry, self.around, found) if found else self.dry


def plane_of(workspace: Workspace) -> Plane | None:
    """The plane that cuts the pictures of a workspace; None for whole ones."""
    wanted = workspace.section
    return None if wanted is None or not wanted.is_on else Plane(wanted.point, wanted.normal)


def workspace_cut(
    city: City,
    workspace: Workspace,
    *,
    file: Path | None,
    notices: Notices,
    around: Surroundings | None = None,
    solids: CitySolids | None = None,
) -> Cut | None:
    """The city of a workspace cut open; None where the workspace has no section that is on.

    Parameters
    ----------
    city : City
    workspace : Workspace
        Of the plan, its proposals are cut as well, and what they replace is not.
    file : Path, optional
        Where the workspace lies.
    notices : Notices
    around : Surroundings, optional
        Of the city, where they are at hand.
    solids : CitySolids, optional
        Those of the buildings in the workspace's level of detail, where they are at hand.

    Raises
    ------
    TwinError
        If the city, or the model of a proposal, cannot be read.
    """
    plane = plane_of(workspace)
    if plane is None:
        return None
    from twin.energy.standing import surroundings
    from twin.scene.measure import ground_of

    around = surroundings(city) if around is None else around
    plans = workspace.proposals if shows_plan(workspace) else ()
    gone = {name for proposal in plans for name in proposal.hidden_buildings}
    found = solids_of(city, workspace) if solids is None else solids
    names = [found.ids[k] for k in found.owner]
    met = [int(k) for k in np.flatnonzero(_meets(found.solids, plane)) if names[k] not in gone]
    dry = section(around, [found.solids[k] for k in met], [names[k] for k in met], plane)
    areas: dict[str, Any] = dict(dry.buildings)
    for proposal in plans:
        placed = placed_proposal(proposal, ground_of(around), file=file, notices=notices)
        areas[f"plan {proposal.id}"] = cut_mesh(placed.corners, plane)
    return Cut(around, Section(plane, areas, dry.earth, open_lines=dry.open_lines))


def solids_of(city: City, workspace: Workspace) -> CitySolids:
    """The solids of a city's buildings in the level of detail of a workspace."""
    from twin.city.meshes import city_solids

    return city_solids(city.path, city.manifest, at_most=building_lod(workspace))


def _meets(solids: Sequence[Solid], plane: Plane) -> NDArray[np.bool_]:
    """Which solids have something on both sides of a plane; shape (n,)."""
    if not solids:
        return np.empty(0, np.bool_)
    starts = np.cumsum([0, *(len(solid.vertices) for solid in solids[:-1])])
    height = (np.concatenate([s.vertices for s in solids]) - np.asarray(plane.point)) @ plane.axes[2]
    low, high = np.minimum.reduceat(height, starts), np.maximum.reduceat(height, starts)
    return np.asarray((low < 0) & (high >= 0))
