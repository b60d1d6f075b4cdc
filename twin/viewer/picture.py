"""From the workspace on the desk to the picture on the canvas: what a change asks for is done, and no more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from twin.viewer.loading import Shown, load_scene
from twin.viewer.work import ThreadJob

if TYPE_CHECKING:
    from twin.scene.camera import Camera
    from twin.scene.colour import Legend
    from twin.scene.live_stage import LiveStage
    from twin.scene.scene import Scene
    from twin.scene.workspace import Workspace
    from twin.viewer.canvas import SceneWidget
    from twin.viewer.desk import Desk
    from twin.viewer.work import Told


@dataclass(frozen=True, slots=True)
class Need:
    """What of a workspace decides which scene is loaded; the rest is changed on the one that is there."""

    city: str
    build: str
    style: str
    time: Any
    layers: tuple[str, ...]


class Picture(QObject):
    """Keeps the canvas showing what the workspace on the desk says.

    Signals
    -------
    began, ended : ThreadJob
        A scene is being loaded, and is no more.
    loaded : Scene
        Another scene is shown; the second time for the same city it has its light.
    failed : Exception
        A scene could not be loaded; the one before stays.
    moved : Camera
        One looks from somewhere else.
    """

    began = Signal(object)
    ended = Signal(object)
    loaded = Signal(object)
    failed = Signal(object)
    moved = Signal(object)

    def __init__(self, desk: Desk, canvas: SceneWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk, self.canvas = desk, canvas
        self.scene: Scene | None = None
        self.live: LiveStage | None = None
        self._need: Need | None = None
        self._job: ThreadJob | None = None
        self._city_shown = ""
        self.is_lit = False
        desk.opened.connect(self._open)
        desk.changed.connect(self._change)
        canvas.drawn.connect(self._lay_out)
        canvas.resized.connect(self._fit)

    @property
    def legend(self) -> Legend | None:
        """Of the attribute that colours the buildings."""
        return self.live.legend if self.live is not None else None

    def close(self) -> None:
        """Let go of everything that draws."""
        self._cancel()
        self.canvas.show_stage(None)
        self.scene = self.live = None

    def look(self, camera: Camera) -> None:
        """Look from somewhere else."""
        self.canvas.look(camera)
        self.moved.emit(camera)

    def reload(self) -> None:
        """Load the scene anew, such as after a build has replaced the city."""
        self._need = None
        self._load()

    def _open(self) -> None:
        self._need = None
        if self.desk.city is None:
            self._cancel()
            self.canvas.show_stage(None)
            self.scene = self.live = None
            return
        self._load()

    def _change(self, before: Workspace, after: Workspace) -> None:
        if self._wanted() != self._need:
            self._load()
        if self.scene is None:
            return
        if before.color_by != after.color_by:
            self._recolour()
        self.canvas.refresh()

    def _wanted(self) -> Need | None:
        city, state = self.desk.city, self.desk.state
        if city is None:
            return None
        hidden = tuple(layer.name for layer in state.layers if not layer.is_visible)
        return Need(str(city.path), city.manifest.build_key, state.style, state.clock.time, hidden)

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _load(self) -> None:
        self._cancel()
        self.is_lit = False
        self._need = self._wanted()
        city, state, file = self.desk.city, self.desk.state, self.desk.file
        if city is None:
            return
        is_first = self.scene is None or self._city_shown != str(city.path)

        def work(told: Told) -> Shown:
            return load_scene(city, state, file, told=told, first=early if is_first else None)

        job = ThreadJob(work, name="scene", parent=self)

        def early(shown: Shown) -> None:
            job.partial.emit(shown)

        job.partial.connect(lambda shown: self._show(job, shown))
        job.finished.connect(lambda shown: self._show(job, shown))
        job.failed.connect(self.failed)
        job.ended.connect(lambda: self.ended.emit(job))
        job.ended.connect(job.deleteLater)
        self._job = job
        self.began.emit(job)
        job.start()

    def _show(self, job: ThreadJob, shown: Shown) -> None:
        if job is not self._job:
            return
        self.scene, self.live, self.is_lit = shown.scene, shown.live, shown.is_lit
        if self.desk.city is not None and self._city_shown != str(self.desk.city.path):
            self._city_shown = str(self.desk.city.path)
            self.canvas.camera = None
        if self.canvas.camera is None:
            self.canvas.camera = self._camera_of_state()
        self.canvas.show_stage(shown.live.stage)
        self.loaded.emit(self.scene)

    def _camera_of_state(self) -> Camera:
        from twin.scene.workspace_scene import local_camera

        state, scene = self.desk.state, self.scene
        if scene is None:
            raise RuntimeError("a camera needs a scene")
        if state.camera is not None:
            return local_camera(state.camera, scene.pack.meta.origin)
        return scene.camera(state.view, self.canvas.size_px)

    def _fit(self) -> None:
        """A named view that nobody has left yet fits the window in any size."""
        if self.scene is not None and self.desk.state.camera is None:
            self.canvas.camera = self._camera_of_state()

    def _recolour(self) -> None:
        from twin.core.errors import TwinError

        if self.live is None:
            return
        try:
            self.live.recolour(self.desk.state.color_by)
        except TwinError as error:
            self.failed.emit(error)

    def _lay_out(self, _ms: float) -> None:
        """Furniture for the frame that was just drawn."""
        scene, camera = self.scene, self.canvas.camera
        if scene is None or camera is None:
            return
        scene.notices.items.clear()
        size, wanted = self.canvas.size_px, self.desk.state.furniture
        self.canvas.patches = scene.furniture(camera, size, self.legend, wanted)

    def named_view(self, name: str) -> Camera | None:
        """The camera of a named view for the size of the window; None without a scene."""
        return self.scene.camera(name, self.canvas.size_px) if self.scene is not None else None

    def settle_time(self) -> None:
        """The clock rests: let the sun follow."""
        if self._wanted() != self._need:
            self._load()

    def forget_camera(self, name: str) -> None:
        """Let the workspace name a view instead of a camera, so that it fits every size."""
        self.desk.keep(view=name, camera=None)


def with_camera(workspace: Workspace, picture: Picture) -> Workspace:
    """The workspace with the camera that the window has now."""
    from twin.scene.workspace_scene import viewpoint_of

    if picture.canvas.camera is None or picture.scene is None:
        return workspace
    place = viewpoint_of(picture.canvas.camera, picture.scene.pack.meta.origin)
    return replace(workspace, camera=place)
