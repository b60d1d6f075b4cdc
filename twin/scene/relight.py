"""Another light on a stage that stands: maps, colours of trees and the place of the sun; no geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.scene.coarse import block_light
from twin.scene.paint import tree_colours, trunk_colours
from twin.scene.stage import renewing, set_sunlight, sunlight
from twin.scene.vtk_parts import texture, wrap

if TYPE_CHECKING:
    from twin.energy.sun import Sun
    from twin.scene.bake import Light
    from twin.scene.stage import Stage


def relight(stage: Stage, light: Light, sun: Sun) -> None:
    """Give everything on a stage the light of another place of the sun."""
    stage.sun = sun
    with renewing(stage, "light"):
        for kind, actors in stage.light_maps.items():
            made = texture(stage, block_light(sun) if kind == "blocks" else getattr(light, kind))
            for actor in actors:
                actor.GetProperty().RemoveTexture("lightMap")
                actor.GetProperty().SetTexture("lightMap", made)
        _relight_trees(stage, light)
    stage.sunlight = sunlight(stage.style, sun)
    for actor in stage.actors:
        set_sunlight(actor, stage.sunlight)


def _relight_trees(stage: Stage, light: Light) -> None:
    if not stage.tree_colours:
        return
    crowns = tree_colours(stage.pack, stage.style, light.trees)
    trunks = trunk_colours(stage.style, light.trees)
    for places, chosen, kind in stage.tree_colours:
        colours = (crowns if kind == "crown" else trunks)[chosen]
        places.GetPointData().RemoveArray("colour")
        places.GetPointData().AddArray(wrap(stage, colours, "colour"))
        places.Modified()
