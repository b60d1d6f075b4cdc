"""All that a moment shows as arrays, ready to be handed to the graphics card: made in any thread, shown by a stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin.scene.moment import building_overlay

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from twin.scene.caps import Caps
    from twin.scene.model import Picture
    from twin.scene.moment import Moment
    from twin.scene.ribbons import Ribbons
    from twin.scene.scene import Scene
    from twin.scene.water_shape import WaterShape
    from twin.scene.workspace_section import Cut


@dataclass(frozen=True, slots=True)
class Ready:
    """What is drawn of a moment.

    Parameters
    ----------
    moment : Moment
    drape : Picture, optional
        What lies on the ground, as one.
    owners : array of uint8, shape (n_buildings, 4), optional
        Colours of buildings by layers.
    waters : dict
        Shapes of floods by the names of their layers.
    ribbons : dict
        Lines and arrows by what they are and the names of their layers.
    cut, caps : Cut and Caps, optional
        How the city is cut open, and what closes the cut.
    """

    moment: Moment
    drape: Picture | None = None
    owners: NDArray[np.uint8] | None = None
    waters: dict[str, WaterShape] = field(default_factory=dict)
    ribbons: dict[tuple[str, str], Ribbons] = field(default_factory=dict)
    cut: Cut | None = None
    caps: Caps | None = None


def ready_moment(
    scene: Scene, *, known: Ready | None = None, check: Callable[[], None] = lambda: None
) -> Ready:
    """What a scene shows at its moment.

    Parameters
    ----------
    scene : Scene
    known : Ready, optional
        Of the moment before: what is the same is taken over, and need not be sent to the card again.
    check : callable
        Called between the parts; raises where nobody waits for the result any more.
    """
    moment = scene.moment
    check()
    waters = _water_shapes(scene, known, check)
    ribbons = _ribbons(scene, moment)
    check()
    drape = known.drape if known is not None and _same_drapes(known.moment, moment) else moment.drape
    owners = building_overlay(moment, scene.pack["building_ids"])
    check()
    if known is not None:
        _read_ahead(moment, known.moment)
        check()
    caps = None
    if scene.cut is not None:
        caps = _caps(scene, scene.cut, waters, known)
    return Ready(moment, drape, owners, waters, ribbons, scene.cut, caps)


def _water_shapes(scene: Scene, known: Ready | None, check: Callable[[], None]) -> dict[str, WaterShape]:
    if not scene.moment.waters:
        return {}
    from twin.scene.water_shape import water_shape

    found = {}
    for name, view in scene.moment.waters:
        old = None if known is None else known.waters.get(name)
        is_same = old is not None and old.view is view
        found[name] = (
            old if old is not None and is_same else water_shape(view, scene.style, scene.pack.meta.origin)
        )
        check()
    return found


def _ribbons(scene: Scene, moment: Moment) -> dict[tuple[str, str], Ribbons]:
    lines = moment.lines
    flows = [(name, view) for name, view in moment.waters if view.has_arrows]
    if not (lines or flows):
        return {}
    from twin.scene.ribbons import flow_arrows, line_ribbons

    origin = scene.pack.meta.origin
    found = {("lines", name): line_ribbons(view, origin) for name, view in lines}
    for name, view in flows:
        found["flow", name] = flow_arrows(view, origin, moment.when)
    return found


def _read_ahead(moment: Moment, before: Moment) -> None:
    """Have courses of values read that labels asked for before."""
    old = dict(before.markers)
    for name, view in moment.markers:
        read = getattr(view.history, "read_ahead", None)
        if read is not None and name in old:
            read(old[name].history)


def _same_drapes(a: Moment, b: Moment) -> bool:
    before, after = a.drapes, b.drapes
    return len(before) == len(after) and all(
        p is q or p.rgba is q.rgba for (_, p), (_, q) in zip(before, after, strict=True)
    )


def _caps(scene: Scene, cut: Cut, waters: dict[str, WaterShape], known: Ready | None) -> Caps:
    from twin.scene.caps import section_caps

    if known is not None and known.caps is not None and known.cut is cut and _same(known.waters, waters):
        return known.caps
    section = cut.under(shape.view for shape in waters.values())
    return section_caps(section, scene.pack.meta.origin)


def _same(a: dict[str, WaterShape], b: dict[str, WaterShape]) -> bool:
    return a.keys() == b.keys() and all(a[name] is b[name] for name in a)
