"""One scene: a city, its layers, a time and a style, turned into pictures or a window."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from twin.core.notices import Notices
from twin.energy.sun import Sun, parse_time
from twin.scene.as_layer import chosen_layers
from twin.scene.camera import Camera, load_camera, named_view
from twin.scene.colouring import Colouring
from twin.scene.shot import Furniture, Shot, check_size
from twin.scene.store import stored_pack
from twin.scene.style import load_style
from twin.scene.sun import snapped, studio_sun, sun_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.scene.bake import Light
    from twin.scene.colour import ColourBy, Legend
    from twin.scene.furniture import Patch
    from twin.scene.layers import SceneLayer
    from twin.scene.live_stage import LiveStage
    from twin.scene.model import SceneContent
    from twin.scene.moment import Moment
    from twin.scene.pack import ScenePack
    from twin.scene.sketches import Sketch
    from twin.scene.store import Stored
    from twin.scene.style import Style
    from twin.scene.workspace import LayerState, Workspace
    from twin.scene.workspace_points import ShownPoints
    from twin.scene.workspace_section import Cut


class Scene:
    """A city as it is seen.

    Parameters
    ----------
    source : City or SceneContent
    layers : sequence
        What to show: names of added layers and of floods, floods, live feeds, and any other
        `twin.scene.layers.SceneLayer`. Empty shows all added layers and no flood.
    time : str or datetime, optional
        Moment that is shown, and that decides where the sun stands. None takes a flattering light, the last state of
        every layer, and of floods the greatest depth at each place.
    sun : str or datetime, optional
        Moment whose light is shown instead of that of `time`; it stays when the time changes, and nothing is baked
        anew then. ``studio`` is the flattering one.
    style : str
        ``light``, ``dark``, ``states``, ``quality`` or a style file.
    lod : str, optional
        Level of detail that the buildings of a city are no finer than, such as ``1.2``; the finest without.
    notices : Notices, optional
        Collects what the user should know.

    Raises
    ------
    UsageError
        If a layer, style or time cannot be meant.

    Examples
    --------
    >>> import twin
    >>> scene = twin.Scene(twin.open_city("town.twin"), time="2026-07-01T14:00+03:00")  # doctest: +SKIP
    >>> scene.snapshot("town.png", size=(3840, 2160), view="street")  # doctest: +SKIP
    """

    def __init__(
        self,
        source: City | SceneContent,
        layers: Sequence[Any] = (),
        *,
        time: str | datetime | None = None,
        sun: str | datetime | None = None,
        style: str = "light",
        lod: str | None = None,
        notices: Notices | None = None,
    ) -> None:
        self.notices = Notices() if notices is None else notices
        self.style: Style = load_style(style)
        self.when = parse_time(time) if isinstance(time, str) else time
        self._fixed_sun = sun
        chosen = chosen_layers(source, layers)
        self.layers: tuple[SceneLayer, ...] = chosen.moving
        self._stored: Stored = stored_pack(source, chosen.overlays, notices=self.notices, lod=lod)
        self.colouring = Colouring(self.pack, self._stored.base, self.style)
        self.sun: Sun = self._sun_at(self.when)
        self._tell_of_other_times()
        self._light: Light | None = None
        self._moment: Moment | None = None
        self.shot = Shot()
        self.cut: Cut | None = None
        self.points: ShownPoints | None = None
        self.sketches: tuple[Sketch, ...] = ()
        self.language = "en"

    @classmethod
    def from_workspace(
        cls,
        source: City | SceneContent,
        workspace: Workspace,
        *,
        layers: Sequence[str] = (),
        file: Path | None = None,
        notices: Notices | None = None,
    ) -> Scene:
        """The scene that a workspace shows; its pictures have the workspace's camera, colours and furniture.

        Parameters
        ----------
        source : City or SceneContent
        workspace : Workspace
        layers : sequence of str
            Names of added layers to show instead of the workspace's.
        file : Path, optional
            Where the workspace lies, for the files that it names.
        notices : Notices, optional
            Told what of the workspace this city does not have.
        """
        from twin.scene.workspace_plan import planned_content, shows_plan
        from twin.scene.workspace_scene import scene_arguments, shot_of

        told = Notices() if notices is None else notices
        wanted = scene_arguments(source, workspace, file=file, notices=told)
        drawn: City | SceneContent = source
        if shows_plan(workspace) and hasattr(source, "manifest"):
            drawn = planned_content(cast("City", source), workspace, file=file, notices=told)
        scene = cls(
            drawn, layers or wanted.layers, time=wanted.time, style=wanted.style, lod=wanted.lod, notices=told
        )
        scene.shot = shot_of(workspace, scene.pack.meta.origin)
        scene.language = workspace.language
        if not hasattr(source, "manifest"):
            return scene
        from twin.scene.workspace_extras import dressed

        return dressed(
            scene, cast("City", source), workspace, file=file, notices=told, with_moving=not layers
        )

    def at(self, when: str | datetime | None, *, still_sun: bool = False) -> Scene:
        """The same scene at another moment; nothing is made anew but the light, and that only where the sun moved.

        Parameters
        ----------
        when : str, datetime or None
        still_sun : bool
            Leave the sun where it stands: a film over hours then needs no new light for every picture. It belongs to
            no time then, and the picture does not tell of it.

        Raises
        ------
        UsageError
            If the time cannot be meant.
        """
        other = copy(self)
        other.when = parse_time(when) if isinstance(when, str) else when
        other.sun = replace(self.sun, when=None) if still_sun else self._sun_at(other.when)
        other._moment = None
        if (other.sun.azimuth_deg, other.sun.elevation_deg) != (self.sun.azimuth_deg, self.sun.elevation_deg):
            other._light = None
        return other

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last moment that any of the layers knows of; None if none changes."""
        spans = [layer.span for layer in self.layers if layer.span is not None]
        return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None

    @property
    def moment(self) -> Moment:
        """What all layers show now; asked of them once."""
        from twin.scene.moment import moment_of_layers

        if self._moment is None:
            self._moment = moment_of_layers(self.layers, self.when)
        return self._moment

    def stage(self, color_by: str | ColourBy | None = None) -> LiveStage:
        """Everything ready to be drawn, for a window or a film: moments and colours change on it in place."""
        from twin.scene.live_stage import live_stage

        return live_stage(self, color_by)

    def _tell_of_other_times(self) -> None:
        """Say which layers know nothing of the moment that is asked for."""
        for layer in self.layers:
            span = layer.span
            if self.when is None or span is None or span[0] <= self.when <= span[1]:
                continue
            first, last = (t.astimezone(self.when.tzinfo).isoformat(timespec="minutes") for t in span)
            self.notices.add(
                "other-time", f"{layer.name} knows of {first} to {last}; the nearest state of it is shown"
            )

    def in_same_light(self, when: str | datetime | None) -> Scene:
        """The same scene at another moment with the sun where it is; nothing at all is made anew."""
        other = copy(self)
        other.when = parse_time(when) if isinstance(when, str) else when
        other._moment = None
        return other

    def with_layers(self, layers: Sequence[SceneLayer]) -> Scene:
        """The same scene with other layers over time; nothing at all is made anew."""
        other = copy(self)
        other.layers = tuple(layers)
        other._moment = None
        return other

    def showing(self, other: Scene) -> Scene:
        """The same scene with the layers and the moment that another one shows; nothing at all is made anew."""
        same = copy(self)
        same.layers, same.when, same._moment = other.layers, other.when, other._moment
        return same

    def with_cut(self, cut: Cut | None) -> Scene:
        """The same scene cut open, or whole by None; nothing at all is made anew."""
        if cut is self.cut:
            return self
        other = copy(self)
        other.cut = cut
        return other

    def with_points(self, points: ShownPoints | None) -> Scene:
        """The same scene with survey points, or without by None; nothing at all is made anew."""
        if points is self.points:
            return self
        other = copy(self)
        other.points = points
        return other

    def with_sketches(self, sketches: tuple[Sketch, ...]) -> Scene:
        """The same scene with other lines and notes over its pictures; nothing at all is made anew."""
        if sketches == self.sketches:
            return self
        other = copy(self)
        other.sketches = sketches
        return other

    def with_looks(self, looks: tuple[LayerState, ...]) -> Scene:
        """The same scene with other layers switched and faded; nothing at all is made anew."""
        if looks == self.shot.looks:
            return self
        other = copy(self)
        other.shot = replace(self.shot, looks=looks)
        return other

    def _sun_at(self, when: datetime | None) -> Sun:
        if self._fixed_sun is not None:
            fixed = self._fixed_sun
            when = None if fixed == "studio" else parse_time(fixed) if isinstance(fixed, str) else fixed
        return studio_sun(self.pack.meta.sun_deg) if when is None else snapped(sun_of(self.pack, when))

    @property
    def pack(self) -> ScenePack:
        """The arrays that are drawn."""
        return self._stored.pack

    @property
    def pack_file(self) -> Path | None:
        """Where the arrays lie that are drawn; None where they are kept in memory alone, as those of a plan."""
        return self._stored.file

    @property
    def light_folder(self) -> Path | None:
        """Where light is kept; None where it cannot be."""
        return self._stored.folder or self._stored.light_folder

    @property
    def light(self) -> Light:
        """Sun and sky on everything, baked when first asked for."""
        return self.cast_light()

    def cast_light(self, check: Callable[[], object] | None = None) -> Light:
        """Sun and sky on everything, baked unless they are known.

        Parameters
        ----------
        check : callable, optional
            Called now and then while light is baked; what it raises ends the work.
        """
        from twin.scene.bake import Baker, light_for

        if self._light is None:
            stored = self._stored
            baker = Baker(self.pack, kept_sky=stored.sky, check=check)
            self._light = light_for(self.pack, self.sun, self.light_folder, notices=self.notices, baker=baker)
            stored.sky.update(baker.kept_sky)
        return self._light

    @property
    def has_light(self) -> bool:
        """Whether the light is at hand already."""
        return self._light is not None

    def take_light(self, light: Light) -> None:
        """Take the light of this place of the sun from where it was baked before, as films do."""
        self._light = light

    def camera(
        self,
        view: str | Path | Camera | None,
        size: tuple[int, int],
        *,
        color_by: str | ColourBy | None = None,
        furniture: Furniture | None = None,
    ) -> Camera:
        """The camera of a named view, of a file, or itself; that of the scene without.

        In a named view the city stands beside the legend that a picture with these colours and furniture has.
        """
        view = self.shot.view if view is None else view
        if isinstance(view, Camera):
            return view
        if Path(view).suffix.lower() in {".json", ".toml"}:
            return load_camera(Path(view), self.pack.meta.origin)
        from twin.scene.scene_furniture import legend_places

        taken = legend_places(self, size, color_by=color_by, furniture=furniture)
        return named_view(str(view), self.pack, aspect=size[0] / size[1], taken=taken)

    def image(
        self,
        *,
        size: tuple[int, int] = (1920, 1080),
        view: str | Path | Camera | None = None,
        color_by: str | ColourBy | None = None,
        furniture: Furniture | None = None,
    ) -> NDArray[np.uint8]:
        """The picture as an array.

        Parameters
        ----------
        size : tuple of int
            Width and height, pixels.
        view : str, path or Camera, optional
            A named view, a camera file, or a camera; the overview, or a workspace's camera, without.
        color_by : str or ColourBy, optional
            Attribute that colours the buildings; that of the workspace or style, if it has one, without.
        furniture : Furniture, optional
            Everything, or what a workspace has, without.

        Returns
        -------
        array, shape (height, width, 3)
            uint8.

        Raises
        ------
        GraphicsError
            If this machine cannot draw.
        LimitError
            If the picture would be too large.
        UsageError
            If the view or the attribute does not exist.
        """
        from twin.scene.furniture import compose
        from twin.scene.render import render

        check_size(size)
        camera = self.camera(view, size, color_by=color_by, furniture=furniture)
        live = self.stage(color_by or self.shot.color_by)
        picture = render(live.stage, camera, size)
        return compose(picture, self.furniture(camera, size, live.legend, furniture or self.shot.furniture))

    def snapshot(
        self,
        path: str | Path,
        *,
        size: tuple[int, int] = (1920, 1080),
        view: str | Path | Camera | None = None,
        color_by: str | ColourBy | None = None,
        furniture: Furniture | None = None,
        force: bool = True,
    ) -> Path:
        """Write the picture as PNG; the same scene gives the same bytes. Parameters as in `image`.

        Raises
        ------
        OutputExistsError
            If the file exists and `force` is false.
        """
        from twin.scene.png import write_png

        camera = self.camera(view, size, color_by=color_by, furniture=furniture)
        picture = self.image(size=size, view=camera, color_by=color_by, furniture=furniture)
        write_png(Path(path), picture, self.pack.meta, camera, self.sun, force=force)
        return Path(path)

    def show(self, *, view: str | Camera | None = None, color_by: str | ColourBy | None = None) -> None:
        """Open a window to look around in; it returns when the window is closed."""
        from twin.scene.window import show_stage

        size = (1280, 800)
        stage = self.stage(color_by or self.shot.color_by).stage
        show_stage(stage, self.camera(view, size, furniture=Furniture.none()), size)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The picture of the scene, where a notebook shows it."""
        from twin.scene.notebook import mime_bundle

        return mime_bundle(self)

    def _repr_png_(self) -> bytes:
        """The same for programs that ask for a picture alone."""
        from twin.scene.notebook import picture_bytes

        return picture_bytes(self)

    def __repr__(self) -> str:
        when = self.when.isoformat() if self.when else "no time"
        shown = ", ".join(layer.name for layer in self.layers)
        return f"<Scene of {self.pack.meta.name}, {when}{f', {shown}' if shown else ''}>"

    def colours(self, color_by: str | ColourBy | None) -> tuple[NDArray[np.uint8] | None, Legend | None]:
        """Colours of buildings by an attribute, shape (n_buildings, 3), and their legend; None for their own colours.

        Raises
        ------
        UsageError
            If there is no such attribute, or it is empty everywhere.
        """
        painting, legend = self.colouring.paint(color_by)
        return None if painting is None else painting.rgb, legend

    def furniture(
        self, camera: Camera, size: tuple[int, int], attribute: Legend | None, wanted: Furniture
    ) -> list[Patch]:
        """Everything that lies flat over a picture, lowest first."""
        from twin.scene.scene_furniture import scene_furniture

        return scene_furniture(self, camera, size, attribute, wanted)
