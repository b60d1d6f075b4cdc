"""What a workspace lays into and over the scene of a city: the cut, survey points, layers, what was measured, notes."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from twin.core.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.energy.hours import SunHours
    from twin.energy.standing import Surroundings
    from twin.scene.figures import Figures
    from twin.scene.layers import SceneLayer
    from twin.scene.scene import Scene
    from twin.scene.seen_layer import SeenLayer
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
    with _telling(notices, "survey points"):
        scene.points = workspace_points(city, workspace, file=file, notices=notices)
    figures: dict[str, Figures] = {}
    if workspace.measurements:
        with _telling(notices, "figures of measurements"):
            figures = _figures(around(), workspace, notices)
    scene = _with_sketches(scene, workspace, figures)
    if not with_moving:
        return scene
    still: list[SceneLayer] = []
    if workspace.sun_hours is not None:
        with _telling(notices, "hours of sun"):
            still.append(_sun_layer(scene, around(), workspace, file=file, notices=notices))
    still += seen_layers(workspace, figures)
    moving = (*still, *moving_layers(city, workspace, notices=notices))
    return scene.with_layers(moving) if moving else scene


@contextmanager
def _telling(notices: Notices, what: str) -> Iterator[None]:
    """Tell what a picture goes without, instead of giving none."""
    try:
        yield
    except TwinError as error:
        notices.add("workspace-part", f"{what} are not shown: {error}")


def workspace_sun_hours(
    around: Surroundings, workspace: Workspace, *, file: Path | None, notices: Notices
) -> SunHours:
    """Hours of sun of the day that a workspace asks for, in the city of today or of the plan.

    Parameters
    ----------
    around : Surroundings
        The city of today.
    workspace : Workspace
        With `sun_hours`.
    file : Path, optional
        Where the workspace lies.
    notices : Notices

    Raises
    ------
    TwinError
        If the model of a proposal cannot be read.
    ValueError
        If the workspace asks for no hours of sun.
    """
    from twin.energy.hours import sun_hours_of
    from twin.scene.workspace_plan import surroundings_of

    if workspace.sun_hours is None:
        raise ValueError("the workspace asks for no hours of sun")
    here = surroundings_of(around, workspace, file=file, notices=notices)
    return sun_hours_of(here, workspace.sun_hours.day, surfaces=workspace.sun_hours.on_walls)


def seen_layers(workspace: Workspace, figures: Mapping[str, Figures]) -> tuple[SeenLayer, ...]:
    """What is seen from the place that was asked about last, as a layer; none where nobody asked."""
    from twin.scene.seen_layer import SeenLayer
    from twin.scene.workspace_layers import VIEWSHED

    asked = [m.id for m in workspace.measurements if m.kind == "viewshed" and m.id in figures]
    return (SeenLayer(figures[asked[-1]].data, VIEWSHED),) if asked else ()


def _surroundings(city: City) -> Surroundings:
    from twin.energy.standing import surroundings

    return surroundings(city)


def _figures(around: Surroundings, workspace: Workspace, notices: Notices) -> dict[str, Figures]:
    from twin.core.translations import load_texts
    from twin.scene.workspace_sketches import figures_of

    return figures_of(around, workspace, load_texts(workspace.language), notices=notices)


def _with_sketches(scene: Scene, workspace: Workspace, figures: Mapping[str, Figures]) -> Scene:
    if not workspace.measurements and not workspace.notes:
        return scene
    from twin.scene.workspace_sketches import workspace_sketches

    return scene.with_sketches(workspace_sketches(workspace, figures))


def _sun_layer(
    scene: Scene, around: Surroundings, workspace: Workspace, *, file: Path | None, notices: Notices
) -> SceneLayer:
    from twin.scene.sun_layer import SunHoursLayer
    from twin.scene.workspace_layers import SUN_HOURS

    found = workspace_sun_hours(around, workspace, file=file, notices=notices)
    return SunHoursLayer(found, scene.pack if found.faces is not None else None, SUN_HOURS)
