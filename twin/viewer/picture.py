"""From the workspace on the desk to the picture on the canvas: what a change asks for is done, and no more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from twin.core.errors import TwinError
from twin.energy.sun import degrees_between
from twin.scene.furniture import unit_of_size
from twin.scene.selection_layer import selection_layers
from twin.scene.workspace_layers import VIEWSHED, apply_looks
from twin.scene.workspace_plan import building_lod, shows_plan
from twin.scene.workspace_scene import shown_layers, viewpoint_of
from twin.viewer.loading import Shown, camera_of, load_scene, scene_in_light, write_texts
from twin.viewer.moments import Moments
from twin.viewer.work import ThreadJob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.energy.sun import Sun
    from twin.scene.camera import Camera
    from twin.scene.colour import Legend
    from twin.scene.layers import MarkerView, SceneLayer
    from twin.scene.live_stage import LiveStage
    from twin.scene.ready import Ready
    from twin.scene.scene import Scene
    from twin.scene.shot import Furniture
    from twin.scene.sketches import Sketch
    from twin.scene.workspace import Proposal, Workspace
    from twin.scene.workspace_section import Cut
    from twin.viewer.canvas import SceneWidget
    from twin.viewer.desk import Desk
    from twin.viewer.work import Told

    Work = Callable[[Told], object]
    Done = Callable[[ThreadJob, object], None]


_LET_GO_MS = 50
"""A city that was replaced is let go of in an event of its own: it takes tens of milliseconds."""
_SAME_PLACE_DEG = 0.01
_LIVE_STEP_DEG = 1.0
"""A live clock has light cast anew every four minutes, not every one: it takes all cores for seconds."""


@dataclass(frozen=True, slots=True)
class Need:
    """What of a workspace decides which scene is loaded; all else is changed on the one that is there."""

    city: str
    build: str
    style: str
    added: tuple[str, ...]
    plan: tuple[Proposal, ...]
    lod: str | None


class Picture(QObject):
    """Keeps the canvas showing what the workspace on the desk says.

    Signals
    -------
    loading
        Another scene is to be shown: `loaded` or `failed` comes next.
    began : ThreadJob
        A scene, or another light for it, is being loaded.
    loaded : Scene
        Another scene is shown; the second time for the same city it has its light.
    failed : Exception
        A scene could not be loaded; the one before stays.
    moved : Camera
        One looks from somewhere else.
    """

    loading = Signal()
    began = Signal(object)
    loaded = Signal(object)
    failed = Signal(object)
    moved = Signal(object)

    def __init__(self, desk: Desk, canvas: SceneWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk, self.canvas = desk, canvas
        self.live: LiveStage | None = None
        self.is_lit = False
        self.holds_sun = False
        self._asked_sun: Sun | None = None
        self.layers: tuple[SceneLayer, ...] = ()
        self.sketches: tuple[Sketch, ...] = ()
        self._need: Need | None = None
        self._jobs: dict[str, ThreadJob] = {}
        self._next: dict[str, tuple[Work, Done]] = {}
        self._city_shown = ""
        self._moments = Moments(self)
        self._moments.ready.connect(self._take_moment)
        desk.opened.connect(self._open)
        desk.changed.connect(self._change)
        canvas.drawn.connect(self._lay_out)
        # Docks that come and go change the size several times: the view is fitted once.
        self._fits = QTimer(self, singleShot=True, interval=0)
        self._fits.timeout.connect(self._fit)
        self._replaced: list[LiveStage] = []
        self._letting_go = QTimer(self, singleShot=True, interval=_LET_GO_MS)
        self._letting_go.timeout.connect(self._replaced.clear)
        canvas.resized.connect(self._fits.start)

    @property
    def scene(self) -> Scene | None:
        """What is shown; None before the first one."""
        return self.live.scene if self.live is not None else None

    @property
    def legend(self) -> Legend | None:
        """Of the attribute that colours the buildings."""
        return self.live.legend if self.live is not None else None

    @property
    def marks(self) -> tuple[MarkerView, ...]:
        """Stations and vehicles as they are drawn at this moment."""
        live = self.live
        if live is None or not self.is_lit:
            return ()
        return tuple(view for name, view in live.moment.markers if name != VIEWSHED)  # its eye is no station

    @property
    def is_busy(self) -> bool:
        """Whether a scene, a light or a moment is being made."""
        return self._moments.is_busy or bool(self._jobs)

    def close(self) -> None:
        """Let go of everything that draws."""
        for name in tuple(self._jobs):
            self._cancel(name)
        self._moments.cancel()
        self.canvas.show_stage(None)
        self.live = None
        self._replaced.clear()

    def look(self, camera: Camera) -> None:
        """Look from somewhere else."""
        self.canvas.look(camera)
        self.moved.emit(camera)

    def named_view(self, name: str) -> Camera | None:
        """The camera of a named view for the size of the window; None without a scene."""
        if self.scene is None:
            return None
        return camera_of(replace(self.desk.state, camera=None, view=name), self.scene, self.canvas.size_px)

    def show_layers(self, layers: Sequence[SceneLayer]) -> None:
        """Draw other layers over time, such as a flood or sensors; what is chosen lies over them."""
        self.layers = tuple(layers)
        self._apply_layers()

    def show_cut(self, cut: Cut | None) -> None:
        """Cut the city open, or close it again by None; caps come with the next moment."""
        if self.live is not None:
            self.live.set_cut(cut)
            self._apply_layers()
            self.canvas.refresh()

    def show_sketches(self, sketches: tuple[Sketch, ...]) -> None:
        """Draw other lines and notes over the picture."""
        self.sketches = sketches
        if self.live is not None:
            self.live.scene = self.live.scene.with_sketches(sketches)
            self.canvas.refresh()

    @property
    def furniture(self) -> Furniture:
        """What stands around the picture, with texts as large for the eye on a screen of any density."""
        wanted = self.desk.state.furniture
        times = wanted.text_scale * dense_text_scale(self.canvas.size_px, self.canvas.devicePixelRatioF())
        return replace(wanted, text_scale=min(max(times, 0.5), 4.0))

    def settle_time(self) -> None:
        """The clock rests: let the sun go where it stands at that moment."""
        self.holds_sun = False
        self._follow_sun()

    def _open(self) -> None:
        self._need, self.layers, self.sketches = None, (), ()
        if self.desk.city is None:
            self.close()
        else:
            self._load()

    def _change(self, before: Workspace, after: Workspace) -> None:
        if self._wanted() != self._need:
            self._load()
        if self.live is None:
            return
        if before.color_by != after.color_by:
            self._recolour()
        if before.layers != after.layers:
            apply_looks(self.live, after.layers)
        if before.clock.time != after.clock.time and self.is_lit:
            self._apply_layers()
            self._follow_sun()
        elif before.selection != after.selection:
            self._apply_layers()
        self.canvas.refresh()

    def _wanted(self) -> Need | None:
        city, state = self.desk.city, self.desk.state
        if city is None:
            return None
        return Need(
            str(city.path),
            city.manifest.build_key,
            state.style,
            shown_layers(city, state),
            state.proposals if shows_plan(state) else (),
            building_lod(state),
        )

    def _cancel(self, name: str) -> None:
        self._next.pop(name, None)
        job = self._jobs.get(name)
        if job is not None:
            job.cancel()

    def _run(self, name: str, work: Work, done: Done) -> None:
        """Begin work once what was begun before under this name has ended: light for a moment takes all cores, and
        hundreds of megabytes.
        """
        self._cancel(name)
        before = self._jobs.get(name)
        if before is not None and not before.is_over:
            self._next[name] = work, done
            return
        job = ThreadJob(work, name=name, parent=self)
        job.partial.connect(lambda found: done(job, found))
        job.finished.connect(lambda found: done(job, found))
        job.failed.connect(self.failed)
        job.ended.connect(lambda: self._ended(name, job))
        self._jobs[name] = job
        self.began.emit(job)
        job.start()

    def _ended(self, name: str, job: ThreadJob) -> None:
        if self._jobs.get(name) is job:
            del self._jobs[name]  # what it found has been taken by now
            if name in self._next:
                self._run(name, *self._next.pop(name))
        job.deleteLater()

    def _load(self) -> None:
        self.is_lit = False
        self._cancel("light")
        self._need = self._wanted()
        city, state, file = self.desk.city, self.desk.state, self.desk.file
        if city is None:
            return
        self.loading.emit()
        is_first = self.live is None or self._city_shown != str(city.path)
        camera = None if is_first else self.canvas.camera
        size, wanted = self.canvas.size_px, self.furniture

        def work(told: Told) -> Shown:
            shown = load_scene(city, state, file, told=told, first=told.partly if is_first else None)
            write_texts(shown, state, camera, size, wanted)
            return shown

        self._run("scene", work, self._show)

    def _show(self, job: ThreadJob, shown: object) -> None:
        if job.is_cancelled or not isinstance(shown, Shown):
            return
        if self.live is not None:
            self._replaced.append(self.live)
            self._letting_go.start()
        self.live, self.is_lit = shown.live, shown.is_lit
        self.live.scene = self.live.scene.with_sketches(self.sketches)
        if self.desk.city is not None and self._city_shown != str(self.desk.city.path):
            self._city_shown = str(self.desk.city.path)
            self.canvas.camera = None
        if self.canvas.camera is None:
            self.canvas.camera = camera_of(self.desk.state, shown.scene, self.canvas.size_px)
        self.canvas.show_stage(shown.live.stage)
        if self.is_lit:
            apply_looks(shown.live, self.desk.state.layers)
            self._apply_layers()
            self._follow_sun()
        self.loaded.emit(self.scene)

    def _apply_layers(self) -> None:
        """Have the layers of the moment made ready beside the interface, and drawn when they are."""
        if self.live is not None and self.is_lit:
            self._moments.want()

    def wanted_scene(self) -> Scene | None:
        """What is to be shown by now; None where nothing can be."""
        if self.live is None or not self.is_lit:
            return None
        state = self.desk.state
        layers = (*self.layers, *selection_layers(state))
        return self.live.scene.with_layers(layers).in_same_light(state.clock.time)

    def _take_moment(self, live: LiveStage, scene: Scene, ready: Ready) -> None:
        if live is not self.live or not self.is_lit:
            return
        live.take(live.scene.showing(scene), ready)
        apply_looks(live, self.desk.state.layers)  # of what was not drawn before as well
        self.canvas.refresh()

    def _follow_sun(self) -> None:
        """Have the light of the moment cast, unless the clock is moving still."""
        if self.live is None or not self.is_lit or self.holds_sun:
            return
        wanted = self.live.scene.at(self.desk.state.clock.time)
        # What is cast already is let be: of a clock that ticks each second no light would ever be done.
        there = self._casting or self.live.stage.sun
        least = _LIVE_STEP_DEG if self.desk.state.clock.is_live else _SAME_PLACE_DEG
        if degrees_between(wanted.sun, there) < least:
            return

        def work(told: Told) -> Scene:
            return scene_in_light(wanted, told=told)

        self._run("light", work, self._relight)
        self._asked_sun = wanted.sun

    @property
    def _casting(self) -> Sun | None:
        """Where the sun stands whose light is being cast, or will be next; None for neither."""
        job = self._jobs.get("light")
        is_cast = "light" in self._next or (job is not None and not job.is_cancelled)
        return self._asked_sun if is_cast else None

    def _relight(self, job: ThreadJob, lit: object) -> None:
        if job.is_cancelled or self.live is None:
            return
        scene: Scene = lit  # type: ignore[assignment]
        self.live.take(scene.showing(self.live.scene))
        self.canvas.refresh()

    def _fit(self) -> None:
        """A named view that nobody has left yet fits the window in any size."""
        if self.scene is not None and self.desk.state.camera is None:
            self.canvas.camera = camera_of(self.desk.state, self.scene, self.canvas.size_px)
            self.canvas.refresh()

    def _recolour(self) -> None:
        if self.live is None:
            return
        try:
            self.live.recolour(self.desk.state.color_by)
        except TwinError as error:
            self.failed.emit(error)

    def _lay_out(self, _ms: float) -> None:
        """Furniture for the frame that was just drawn."""
        live, camera = self.live, self.canvas.camera
        if live is None or camera is None:
            return
        live.scene.notices.items.clear()
        live.scene.language = self.desk.state.language
        self.canvas.patches = live.furniture(camera, self.canvas.size_px, self.furniture)


def dense_text_scale(size_px: tuple[int, int], ratio: float) -> float:
    """How many times as large texts must be on a dense screen, so that they look as on one whose pixels are points.

    Examples
    --------
    >>> dense_text_scale((1600, 900), 1.0), round(dense_text_scale((1600, 900), 2.0), 2)
    (1.0, 1.32)
    """
    if ratio == 1:
        return 1.0
    width, height = size_px
    return ratio * unit_of_size((width / ratio, height / ratio)) / unit_of_size((width, height))


def with_camera(workspace: Workspace, picture: Picture) -> Workspace:
    """The workspace with the camera that the window has now."""
    if picture.canvas.camera is None or picture.scene is None:
        return workspace
    place = viewpoint_of(picture.canvas.camera, picture.scene.pack.meta.origin)
    return replace(workspace, camera=place)
