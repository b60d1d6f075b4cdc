"""The city of tomorrow: a workspace's proposals among the buildings of today, and what they replace left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from twin.core.errors import InputError
from twin.scene.workspace_paths import own_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.energy.standing import Surroundings
    from twin.scene.measure import Ground
    from twin.scene.model import SceneContent
    from twin.scene.proposal import PlacedBuilding
    from twin.scene.workspace import Proposal, Workspace

_CLEAR_M = 5.0
"""Who stands so far from a proposal sees more than its wall."""


def shows_plan(workspace: Workspace) -> bool:
    """Whether a workspace shows proposals."""
    return workspace.shows == "plan" and bool(workspace.proposals)


def building_lod(workspace: Workspace) -> str | None:
    """Level of detail of buildings in a workspace; None for the finest."""
    from twin.scene.workspace import layer_state

    return layer_state(workspace, "buildings").lod


def planned_content(city: City, workspace: Workspace, *, file: Path | None, notices: Notices) -> SceneContent:
    """All that a picture of the plan shows.

    Parameters
    ----------
    city : City
    workspace : Workspace
    file : Path, optional
        Where the workspace lies; models are named as seen from it.
    notices : Notices

    Raises
    ------
    TwinError
        If a model is not there, or cannot be read.
    """
    from twin.energy.standing import surroundings
    from twin.scene.from_city import scene_content
    from twin.scene.measure import ground_of
    from twin.scene.proposal import with_proposal
    from twin.scene.store import cache_folder

    ground = ground_of(surroundings(city))
    content, table = scene_content(city, lod=building_lod(workspace)), city.buildings
    # A scene of content knows no folder in which tables named from within the city would lie.
    tables = tuple(replace(known, path=city.path / known.path) for known in content.attributes)
    content = replace(content, attributes=tables, light_folder=cache_folder(city))
    covered: list[Any] = []
    for proposal in workspace.proposals:
        placed = placed_proposal(proposal, ground, file=file, notices=notices)
        gone = proposal.hidden_buildings
        outlines = list(table[table["id"].astype(str).isin(set(gone))].geometry)
        content = with_proposal(content, placed, hidden=gone, ground=(outlines, ground))
        covered.append(placed.outline)
    return replace(content, street_views=_views_of_today(city, workspace, covered, notices))


def _views_of_today(
    city: City, workspace: Workspace, covered: Sequence[Any], notices: Notices
) -> tuple[tuple[float, float, float, float], ...] | None:
    """Views from the streets of today that no proposal covers: today and the plan are compared from the same place.

    Besides, to look for others takes a second, for most of which no other thread goes on.
    """
    from shapely.geometry import Point

    from twin.scene.store import stored_pack
    from twin.scene.workspace_scene import shown_layers

    layers = shown_layers(city, workspace)
    today = stored_pack(city, layers, notices=notices, lod=building_lod(workspace)).pack.meta
    x0, y0, _ = today.origin
    free = [
        view
        for view in today.street_views
        if not any(outline.dwithin(Point(view[0] + x0, view[1] + y0), _CLEAR_M) for outline in covered)
    ]
    return tuple(free) or None


def surroundings_of(
    around: Surroundings, workspace: Workspace, *, file: Path | None, notices: Notices
) -> Surroundings:
    """What throws shadow and is looked at in a workspace: today, or the plan with its proposals.

    Parameters
    ----------
    around : Surroundings
        The city of today.
    workspace : Workspace
    file : Path, optional
        Where the workspace lies.
    notices : Notices

    Raises
    ------
    TwinError
        If a model is not there, or cannot be read.
    """
    if not shows_plan(workspace):
        return around
    from twin.scene.measure import ground_of
    from twin.scene.proposal_compare import planned

    ground = ground_of(around)
    for proposal in workspace.proposals:
        placed = placed_proposal(proposal, ground, file=file, notices=notices)
        around = planned(around, placed, proposal.hidden_buildings)
    return around


def placed_proposal(
    proposal: Proposal, ground: Ground, *, file: Path | None, notices: Notices
) -> PlacedBuilding:
    """A proposal where the workspace puts it, seated on the ground.

    Raises
    ------
    TwinError
        If its model is not there, or cannot be read.
    """
    from dataclasses import replace

    from twin.scene.proposal import place_by_hand
    from twin.scene.proposal_model import read_proposal

    model = read_proposal(model_file(proposal, file), notices=notices)
    units = {1.0: "m", 0.01: "cm", 0.001: "mm", 0.3048: "ft"}.get(proposal.units_m)
    if units is None:
        raise InputError(proposal.name, f"has units of {proposal.units_m:g} m", "use m, cm, mm or ft")
    placed = place_by_hand(
        model, proposal.position[:2], turn_deg=proposal.turn_deg, units=units, ground=ground
    )
    return replace(placed, id=proposal.id, name=proposal.name)


def model_file(proposal: Proposal, file: Path | None) -> Path:
    """Where the model of a proposal lies: below the folder of the workspace's file; anywhere without a file.

    Raises
    ------
    UnsafeInputError
        If a workspace file names one elsewhere: it may come from somebody else.
    """
    return Path(proposal.model) if file is None else own_file(proposal.model, file)


def with_own_models(workspace: Workspace, file: Path | None) -> Workspace:
    """The workspace of a window, with models named as they lie; those that its file names lie below its folder."""
    from dataclasses import replace

    if file is None:
        return workspace
    proposals = tuple(
        p if Path(p.model).is_absolute() else replace(p, model=str(model_file(p, file)))
        for p in workspace.proposals
    )
    return replace(workspace, proposals=proposals)
