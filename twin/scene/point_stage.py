"""Survey points on a stage: put there, coloured otherwise, faded, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.scene.point_actor import point_actors

if TYPE_CHECKING:
    from twin.scene.stage import Stage
    from twin.scene.workspace_points import ShownPoints


def show_points(stage: Stage, before: ShownPoints | None, shown: ShownPoints | None) -> None:
    """Draw survey points on a stage instead of those before; None takes them away.

    Points that are the same ones keep their places on the card; only their colours are sent again.
    """
    actors = stage.points
    same = actors is not None and before is not None and shown is not None and before.points is shown.points
    if actors is not None and not same:
        gone = actors.both
        stage.actors = [actor for actor in stage.actors if not any(actor is old for old in gone)]
        stage.points = None
    if shown is None:
        return
    if stage.points is None:
        stage.points = point_actors(shown.points, rgb=shown.rgb)
        stage.actors.extend(stage.points.both)
    elif before is not None and before.rgb is not shown.rgb:
        stage.points.recolour(shown.rgb)
    stage.points.fade(shown.opacity)
