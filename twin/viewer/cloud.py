"""Survey points in the window: read beside the interface, laid into the picture, coloured and faded in place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from twin.core.errors import InputNotFoundError
from twin.core.notices import Notices
from twin.scene.point_colours import point_colours
from twin.scene.units import grouped_text
from twin.scene.workspace import SurveyState, layer_state, with_layer
from twin.scene.workspace_points import SURVEY, ShownPoints, shows_points, workspace_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.scene.workspace import Workspace
    from twin.viewer.window import TwinWindow
    from twin.viewer.work import Told

TASK = "points"
_FILES = "LAS, LAZ, COPC (*.las *.laz)"
Wanted = tuple[str, tuple[str, ...], int]


class Cloud(QObject):
    """Keeps the survey points of the picture as the workspace has them."""

    def __init__(self, window: TwinWindow) -> None:
        super().__init__(window)
        self.window, self.desk, self.picture = window, window.desk, window.picture
        self.shown: ShownPoints | None = None
        self._known: Wanted | None = None
        self._asked: Wanted | None = None
        self.desk.changed.connect(self._follow)
        self.desk.opened.connect(self._open)
        self.picture.loaded.connect(self._loaded)

    def add(self, paths: Sequence[Path]) -> None:
        """Show the points of these files as well, or instead of those that the city was built from."""
        state = self.desk.state
        survey = state.survey or SurveyState()
        names = [p.resolve().as_posix() for p in paths]
        files = tuple(dict.fromkeys([*survey.files, *names]))
        changed = with_layer(replace(state, survey=replace(survey, files=files)), SURVEY, is_visible=True)
        self.desk.change(self.window.texts("action.add"), changed)

    def _open(self) -> None:
        self.shown = self._known = self._asked = None

    def _loaded(self, _scene: object) -> None:
        """Another stage is there: the points go over to it."""
        if self.picture.is_lit:
            if shows_points(self.desk.state):
                self._show(self.shown)
            self._follow(None, self.desk.state)

    def _follow(self, _before: Workspace | None, after: Workspace) -> None:
        if self.desk.city is None or not self.picture.is_lit:
            return
        if after.survey is None or not shows_points(after):
            self.window.tasks.cancel(TASK)
            self._asked = None
            self._show(None)
            return
        wanted = (str(self.desk.city.path), after.survey.files, after.survey.most)
        if wanted != self._known:
            self._read(after, wanted)
        elif self.shown is not None:
            self._look(after, self.shown)

    def _look(self, state: Workspace, shown: ShownPoints) -> None:
        """Other colours or another opacity for points that are there."""
        opacity = layer_state(state, SURVEY).opacity
        if state.survey is not None and state.survey.color_by != shown.by:
            rgb, legend = point_colours(shown.points, state.survey.color_by)
            shown = replace(shown, by=state.survey.color_by, rgb=rgb, legend=legend)
        if opacity != shown.opacity:
            shown = replace(shown, opacity=opacity)
        self.shown = shown
        self._show(shown)

    def _read(self, state: Workspace, wanted: Wanted) -> None:
        city = self.desk.city
        if city is None or wanted == self._asked:
            return
        self._asked = wanted

        def work(told: Told) -> ShownPoints | None:
            return workspace_points(city, state, file=None, notices=Notices(), progress=told)

        def done(shown: ShownPoints | None) -> None:
            if wanted == self._asked and shown is not None:
                self._known, self._asked = wanted, None
                self._look(self.desk.state, shown)
                self._tell(shown)

        def failed(error: Exception) -> None:
            if wanted == self._asked:
                self._asked = None
                self._give_up(error)

        job = self.window.tasks.run(TASK, work, done, failed=failed)
        self.window.opening.limit(job, Path(wanted[1][0]) if wanted[1] else city.path.parent)

    def _tell(self, shown: ShownPoints) -> None:
        n, of = len(shown.points), shown.points.n_of or len(shown.points)
        key = "points.some" if n < of else "points.all"
        self.window.say(self.window.texts(key, n=grouped_text(n), all=grouped_text(of)))

    def _give_up(self, error: Exception) -> None:
        """Switch the layer off again; a survey that is gone can be looked for by hand."""
        self.desk.keep(layers=with_layer(self.desk.state, SURVEY, is_visible=False).layers)
        self.window.layers.follow(self.desk.state, self.desk.state)
        self.window.complain(error)
        if isinstance(error, InputNotFoundError):
            texts = self.window.texts
            self.window.banner.offer(texts("points.gone"), texts("points.choose"), self.ask)

    def ask(self) -> None:
        """Ask where the point files lie."""
        paths, _ = QFileDialog.getOpenFileNames(self.window, self.window.texts("points.choose"), "", _FILES)
        if paths:
            survey = replace(self.desk.state.survey or SurveyState(), files=())
            self.desk.keep(survey=survey)
            self.add([Path(p) for p in paths])

    def _show(self, shown: ShownPoints | None) -> None:
        live = self.picture.live
        if live is not None and self.picture.is_lit and (live.scene.points is not shown):
            live.show_points(shown)
            self.picture.canvas.refresh()
