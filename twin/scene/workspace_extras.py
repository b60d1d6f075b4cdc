"""What a workspace lays into and over the scene of a city: the cut, survey points, layers, what was measured, notes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from twin.core.errors import TwinError

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.energy.standing import Surroundings
    from twin.scene.scene import Scene
    from twin.scene.workspace import Workspace


def dressed(
    scene: Scene,
    city: City,
    workspace: Workspace,
    *,
    file: Path | None,
    notices: Notices,
    with_moving: bool = True,
) -> Scene:
    """The scene of a city with all that a workspace puts there; what cannot be shown is told.

    Parameters
    ----------
    scene : Scene
        Of the city, or of its plan.
    city : City
    workspace : Workspace
    file : Path, optional
        Where the workspace lies.
    notices : Notices
    with_moving : bool
        Whether layers over time are shown; those that were asked for instead stay without.

    Raises
    ------
    TwinError
        If a section is asked for and the city cannot be cut.
    """
    from twin.scene.workspace_layers import moving_layers
    from twin.scene.workspace_points import workspace_points
    from twin.scene.workspace_section import plane_of, workspace_cut

    around = functools.cache(lambda: _surroundings(city))
    if plane_of(workspace) is not None:
        scene.cut = workspace_cut(city, workspace, file=file, notices=notices, around=around())
    try:
        scene.points = workspace_points(city, workspace, file=file, notices=notices)
    except TwinError as error:
        notices.add("workspace-points", f"survey points are not shown: {error}")
    moving = moving_layers(city, workspace, notices=notices) if with_moving else ()
    return scene.with_layers(moving) if moving else scene


def _surroundings(city: City) -> Surroundings:
    from twin.energy.standing import surroundings

    return surroundings(city)
