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
    from twin.scene.ready import Ready
    from twin.scene.ribbon_actor import RibbonActor
    from twin.scene.ribbons import Ribbons
    from twin.scene.scene import Scene
    from twin.scene.section import Plane
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
    ready : Ready, optional
        What is drawn of the moment.

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
    ready: Ready | None = None
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

    def take(self, scene: Scene, ready: Ready | None = None) -> None:
        """Show what another scene shows, which differs from this one in nothing but time, layers and light.

        Parameters
        ----------
        scene : Scene
        ready : Ready, optional
            What `ready_moment` made of it, perhaps in another thread.
        """
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
        if ready is not None:
            self.show_ready(ready)
        elif self.scene.moment is not before.moment:
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
        self.set_cut(cut)
        self.refresh()

    def set_cut(self, cut: Cut | None) -> None:
        """Say where the city is cut open; caps come with the next moment that is shown, and go at once."""
        from twin.scene.section_stage import show_caps

        if cut is None or cut is not self.cut:
            show_caps(self.stage, None if cut is None else cut.plane, None)
        self.cut, self.scene = cut, self.scene.with_cut(cut)

    def show_plane(self, plane: Plane) -> None:
        """Leave out what lies before a plane, with nothing that closes the cut yet."""
        from twin.scene.section_stage import show_caps

        self.cut, self.scene = None, self.scene.with_cut(None)
        show_caps(self.stage, plane, None)

    def show_points(self, shown: ShownPoints | None) -> None:
        """Draw survey points, or none; those that are there already only take other colours."""
        from twin.scene.point_stage import show_points

        before, self.scene = self.scene.points, self.scene.with_points(shown)
        show_points(self.stage, before, shown)
        if self.cut is not None:
            from twin.scene.section_stage import cut_stage

            cut_stage(self.stage, self.cut.plane)  # through the points as well

    def refresh(self) -> None:
        """Bring what is drawn to the moment."""
        from twin.scene.ready import ready_moment

        self.show_ready(ready_moment(self.scene, known=self.ready))

    def show_ready(self, ready: Ready) -> None:
        """Draw a moment that was made ready, and give actors that came with it the look of their group."""
        from twin.scene.stage import set_look

        self.ready = ready
        self._update_ground_and_buildings(ready)
        self._update_waters(ready)
        self._update_ribbons(ready)
        self._update_markers(ready)
        self._update_caps(ready)
        for group, (visible, opacity) in self._faded.items():
            set_look(self.stage, group, visible=visible, opacity=opacity)

    def _update_ground_and_buildings(self, ready: Ready) -> None:
        over = self.stage.over_time
        if over is None:
            return
        from twin.scene.over_time import show_building_colours, show_drape, show_faces

        show_drape(over, ready.drape, self.scene.pack.meta.origin)
        show_building_colours(over, ready.owners)
        show_faces(over, ready.moment.face_rgba)

    def _update_waters(self, ready: Ready) -> None:
        if not ready.waters and not self.waters:
            return
        from twin.scene.water_actor import add_water, hide_water, show_water

        for name, shape in ready.waters.items():
            if name in self.waters:
                show_water(self.waters[name], shape)
            else:
                self.waters[name] = add_water(self.stage, shape, self.scene.light.plan)
        for name in self.waters.keys() - ready.waters.keys():
            hide_water(self.waters[name])

    def _update_ribbons(self, ready: Ready) -> None:
        if not (ready.ribbons or self.ribbons):
            return
        from twin.scene.ribbons import nothing

        gone = {key: nothing() for key in self.ribbons.keys() - ready.ribbons.keys()}
        self._show_ribbons({**ready.ribbons, **gone})

    def _update_caps(self, ready: Ready) -> None:
        """Close the cut through all that came with the moment; a cut that was asked for since waits for its own."""
        if self.cut is None:
            return
        from twin.scene.section_stage import cut_stage, show_caps

        if ready.cut is self.cut:
            show_caps(self.stage, self.cut.plane, ready.caps)
        else:
            cut_stage(self.stage, self.cut.plane)

    def _show_ribbons(self, wanted: dict[tuple[str, str], Ribbons]) -> None:
        from twin.scene.ribbon_actor import add_ribbons, show_ribbons

        for key, ribbons in wanted.items():
            if key in self.ribbons:
                show_ribbons(self.ribbons[key], ribbons)
            else:
                self.ribbons[key] = add_ribbons(self.stage, ribbons, key[0])

    def _update_markers(self, ready: Ready) -> None:
        if not ready.moment.markers and not self.markers:
            return
        from twin.scene.marker_actor import add_markers, hide_markers, show_markers

        shown = dict(ready.moment.markers)
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
