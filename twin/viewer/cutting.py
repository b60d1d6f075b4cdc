"""The section plane of the window: the picture is cut at once, and the cut is closed when its outlines are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from twin.core.notices import Notices
from twin.scene.workspace_plan import building_lod, shows_plan, with_own_models
from twin.scene.workspace_section import Cut, plane_of, workspace_cut

if TYPE_CHECKING:
    from twin.energy.standing import Surroundings
    from twin.scene.section import Plane
    from twin.scene.workspace import Proposal, Workspace
    from twin.viewer.basis import Basis
    from twin.viewer.desk import Desk
    from twin.viewer.picture import Picture
    from twin.viewer.sight import Sight

TASK = "section"
Wanted = tuple["Plane | None", "tuple[Proposal, ...]", "str | None"]
NOTHING: Wanted = (None, (), None)


class Cutting(QObject):
    """Keeps the picture cut open as the workspace says."""

    def __init__(
        self, desk: Desk, picture: Picture, sight: Sight, basis: Basis, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.desk, self.picture, self.sight, self.basis = desk, picture, sight, basis
        self.cut: Cut | None = None
        self._asked = self._known = NOTHING
        desk.changed.connect(self._follow)
        desk.opened.connect(self._forget)
        picture.loaded.connect(self._loaded)

    def _forget(self) -> None:
        self.cut, self._asked, self._known = None, NOTHING, NOTHING
        self.sight.plane = None

    def _loaded(self, _scene: object) -> None:
        """Another stage is there: what is known of the cut holds for it, the rest is asked for."""
        self._asked = NOTHING
        self._follow(self.desk.state, self.desk.state)

    def _follow(self, _before: Workspace, after: Workspace) -> None:
        live, plane = self.picture.live, plane_of(after)
        plans = after.proposals if plane is not None and shows_plan(after) else ()
        wanted: Wanted = (plane, plans, building_lod(after))
        if live is None or wanted == self._asked:
            return
        self._asked, self.sight.plane = wanted, plane
        if plane is None:
            self.basis.tasks.cancel(TASK)
            self._show(None)
        elif wanted == self._known:
            self._show(self.cut)
        else:
            live.show_plane(plane)
            self.picture.canvas.refresh()
            self._find(after, wanted)

    def _find(self, state: Workspace, wanted: Wanted) -> None:
        city, file = self.desk.city, self.desk.file
        if city is None:
            return

        def work(around: Surroundings, _told: object) -> Cut | None:
            own = with_own_models(state, file)
            return workspace_cut(city, own, file=None, notices=Notices(), around=around)

        def done(cut: Cut | None) -> None:
            if wanted == self._asked:
                self.cut, self._known = cut, wanted
                self._show(cut)

        self.basis.run(TASK, work, done)

    def _show(self, cut: Cut | None) -> None:
        self.picture.show_cut(cut)
