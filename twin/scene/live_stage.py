"""A stage that keeps up with time: what a window, a film and a snapshot show is changed in place, never made anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from twin.scene.camera import Camera
    from twin.scene.colour import ColourBy, Legend
    from twin.scene.furniture import Patch
    from twin.scene.marker_actor import MarkerActor
    from twin.scene.moment import Moment
    from twin.scene.ribbon_actor import RibbonActor
    from twin.scene.ribbons import Ribbons
    from twin.scene.scene import Scene
    from twin.scene.shot import Furniture
    from twin.scene.stage import Stage
    from twin.scene.water_actor import WaterActor
    from twin.scene.workspace_points import ShownPoints
    from twin.scene.workspace_section import Cut


@dataclass
class LiveStage:
    """Everything of a scene ready to be drawn, and what of it changes with time.

    Parameters
    ----------
    scene : Scene
        Whose city, layers, light and style it shows; that of another moment after `show`.
    stage : Stage
        What VTK draws; its actors stay the same ones, new layers' actors are added to it.
    legend : Legend, optional
        Of the attribute that colours the buildings.
    cut : Cut, optional
        Where the city is cut open; changed by `show_cut`.

    Examples
    --------
    >>> import twin
    >>> scene = twin.Scene(twin.open_city("town.twin"), ["typhoon"])  # doctest: +SKIP
    >>> live = scene.stage()  # doctest: +SKIP
    >>> live.show(scene.span[0])  # doctest: +SKIP
    >>> live.set_opacity("buildings", 0.4)  # doctest: +SKIP
    """

    scene: Scene
    stage: Stage
    legend: Legend | None = None
    waters: dict[str, WaterActor] = field(default_factory=dict)
    markers: dict[str, MarkerActor] = field(default_factory=dict)
    ribbons: dict[tuple[str, str], RibbonActor] = field(default_factory=dict)
    cut: Cut | None = None
    _faded: dict[str, tuple[bool, float]] = field(default_factory=dict)

    @property
    def moment(self) -> Moment:
        """What is shown now."""
        return self.scene.moment

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of what can be switched and faded, in the order in which it is drawn."""
        return tuple(dict.fromkeys((*self.stage.groups, *self.stage.painted)))

    def show(self, when: datetime | None) -> Moment:
        """Show another moment of the layers; the light stays as it is, until `relight`.

        Parameters
        ----------
        when : datetime, optional
            With its offset from UTC; the last state of every layer, and the greatest of floods, without.
        """
        self.scene = self.scene.in_same_light(when)
        self.refresh()
        return self.moment

    def take(self, scene: Scene) -> None:
        """Show what another scene shows, which differs from this one in nothing but time and light."""
        before, self.scene = (
            self.scene,
            (
                scene.with_cut(self.cut)
                .with_points(self.scene.points)
                .with_sketches(self.scene.sketches)
                .with_looks(self.scene.shot.looks)
            ),
        )
        if self.scene.light is not before.light:
            self._relight()
        if self.scene.moment is not before.moment:
            self.refresh()

    def relight(self) -> None:
        """Bring the light to where the sun stands at the moment; baked first where it never was."""
        self.scene = self.scene.at(self.scene.when)
        self._relight()

    def _relight(self) -> None:
        from twin.scene.relight import relight

        relight(self.stage, self.scene.light, self.scene.sun)

    def furniture(
        self, camera: Camera, size: tuple[int, int], wanted: Furniture | None = None
    ) -> list[Patch]:
        """Title, legend, labels and all else that lies flat over a picture of this moment."""
        return self.scene.furniture(camera, size, self.legend, wanted or self.scene.shot.furniture)

    def recolour(self, color_by: str | ColourBy | None) -> Legend | None:
        """Colour the buildings by another attribute, or by none; the legend of it.

        Raises
        ------
        UsageError
            If no building has such an attribute.
        """
        from twin.scene.stage import recolour

        painting, self.legend = self.scene.colouring.paint(color_by)
        recolour(self.stage, painting)
        return self.legend

    def set_visible(self, group: str, visible: bool) -> None:
        """Show a group of actors or hide it.

        Raises
        ------
        UsageError
            If there is no such group.
        """
        self._look(group, visible=visible)

    def set_opacity(self, group: str, opacity: float) -> None:
        """Let what lies behind a group shine through: 1 hides it, 0 leaves nothing of the group.

        Raises
        ------
        UsageError
            If there is no such group, or the opacity does not lie between 0 and 1.
        """
        if not 0 <= opacity <= 1:
            raise UsageError("opacity", f"is {opacity:g}", "give a number from 0 to 1")
        self._look(group, opacity=opacity)

    def _look(self, group: str, *, visible: bool | None = None, opacity: float | None = None) -> None:
        from twin.scene.stage import set_look

        if group not in self.groups:
            raise UsageError("group", f"there is no {group!r}", f"choose {', '.join(self.groups)}")
        was = self._faded.get(group, (True, 1.0))
        now = (was[0] if visible is None else visible, was[1] if opacity is None else opacity)
        self._faded[group] = now
        set_look(self.stage, group, visible=now[0], opacity=now[1])

    def show_cut(self, cut: Cut | None) -> None:
        """Cut the city open, or close it again by None."""
        from twin.scene.section_stage import show_section

        self.cut, self.scene = cut, self.scene.with_cut(cut)
        found = None if cut is None else cut.under(view for _, view in self.moment.waters)
        show_section(self.stage, found)

    def show_points(self, shown: ShownPoints | None) -> None:
        """Draw survey points, or none; those that are there already only take other colours."""
        from twin.scene.point_stage import show_points

        before, self.scene = self.scene.points, self.scene.with_points(shown)
        show_points(self.stage, before, shown)
        if self.cut is not None:
            self.show_cut(self.cut)

    def refresh(self) -> None:
        """Bring what is drawn to the moment, and give actors that came with it the look of their group."""
        from twin.scene.stage import set_look

        self._update_ground_and_buildings()
        self._update_waters()
        self._update_ribbons()
        self._update_markers()
        if self.cut is not None:
            self.show_cut(self.cut)  # through what came with the moment as well
        for group, (visible, opacity) in self._faded.items():
            set_look(self.stage, group, visible=visible, opacity=opacity)

    def _update_ground_and_buildings(self) -> None:
        over = self.stage.over_time
        if over is None:
            return
        from twin.scene.moment import building_overlay
        from twin.scene.over_time import show_building_colours, show_drape, show_faces

        pack = self.scene.pack
        show_drape(over, self.moment.drape, pack.meta.origin)
        show_building_colours(over, building_overlay(self.moment, pack["building_ids"]))
        show_faces(over, self.moment.face_rgba)

    def _update_waters(self) -> None:
        if not self.moment.waters and not self.waters:
            return
        from twin.scene.water_actor import add_water, hide_water, show_water

        shown = dict(self.moment.waters)
        for name, view in shown.items():
            if name in self.waters:
                show_water(self.stage, self.waters[name], view)
            else:
                self.waters[name] = add_water(self.stage, view, self.scene.light.plan)
        for name in self.waters.keys() - shown.keys():
            hide_water(self.waters[name])

    def _update_ribbons(self) -> None:
        lines = dict(self.moment.lines)
        flows = {name: view for name, view in self.moment.waters if view.has_arrows}
        if not (lines or flows or self.ribbons):
            return
        from twin.scene.ribbons import flow_arrows, line_ribbons, nothing

        origin = self.scene.pack.meta.origin
        wanted = {("lines", name): line_ribbons(view, origin) for name, view in lines.items()}
        for name, view in flows.items():
            wanted["flow", name] = flow_arrows(view, origin, self.moment.when)
        for key in self.ribbons.keys() - wanted.keys():
            wanted[key] = nothing()
        self._show_ribbons(wanted)

    def _show_ribbons(self, wanted: dict[tuple[str, str], Ribbons]) -> None:
        from twin.scene.ribbon_actor import add_ribbons, show_ribbons

        for key, ribbons in wanted.items():
            if key in self.ribbons:
                show_ribbons(self.ribbons[key], ribbons)
            else:
                self.ribbons[key] = add_ribbons(self.stage, ribbons, key[0])

    def _update_markers(self) -> None:
        if not self.moment.markers and not self.markers:
            return
        from twin.scene.marker_actor import add_markers, hide_markers, show_markers

        shown = dict(self.moment.markers)
        for name, view in shown.items():
            if name in self.markers:
                show_markers(self.stage, self.markers[name], view)
            else:
                self.markers[name] = add_markers(self.stage, view)
        for name in self.markers.keys() - shown.keys():
            hide_markers(self.markers[name])


def live_stage(scene: Scene, color_by: str | ColourBy | None = None) -> LiveStage:
    """The stage of a scene at its moment; as `Scene.stage`."""
    from twin.scene.drawables import make_stage

    painting, legend = scene.colouring.paint(color_by)
    over_time = None
    if scene.layers:
        from twin.scene.over_time import OverTime

        over_time = OverTime()
    stage = make_stage(
        scene.pack, scene.light, scene.style, scene.sun, painting=painting, over_time=over_time
    )
    made = LiveStage(scene, stage, legend, cut=scene.cut)
    made.refresh()
    if scene.points is not None:
        from twin.scene.point_stage import show_points

        show_points(stage, None, scene.points)
    if scene.shot.looks:
        from twin.scene.workspace_layers import apply_looks

        apply_looks(made, scene.shot.looks)
    return made
