"""The section plane of the window: the picture is cut at once, and the cut is closed when its outlines are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from twin.core.notices import Notices
from twin.scene.workspace_plan import building_lod, shows_plan, with_own_models
from twin.scene.workspace_section import Cut, plane_of, solids_of, workspace_cut

if TYPE_CHECKING:
    from twin.city.meshes import CitySolids
    from twin.energy.standing import Surroundings
    from twin.scene.section import Plane
    from twin.scene.workspace import Proposal, Workspace
    from twin.viewer.basis import Basis
    from twin.viewer.desk import Desk
    from twin.viewer.picture import Picture
    from twin.viewer.sight import Sight
    from twin.viewer.work import Told

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
        self._solids: tuple[str | None, CitySolids] | None = None  # while the plane is being moved
        desk.changed.connect(self._follow)
        desk.opened.connect(self._forget)
        picture.loaded.connect(self._loaded)

    def _forget(self) -> None:
        self.cut, self._asked, self._known = None, NOTHING, NOTHING
        self._solids = None
        self.sight.plane = None

    def _loaded(self, _scene: object) -> None:
        """Another stage is there: what is known of the cut holds for it, the rest is asked for."""
        self._asked = NOTHING
        self._cut(self.desk.state, in_turn=True)

    def _follow(self, _before: Workspace, after: Workspace) -> None:
        self._cut(after)

    def _cut(self, after: Workspace, *, in_turn: bool = False) -> None:
        live, plane = self.picture.live, plane_of(after)
        plans = after.proposals if plane is not None and shows_plan(after) else ()
        wanted: Wanted = (plane, plans, building_lod(after))
        if live is None or wanted == self._asked:
            return
        self._asked, self.sight.plane = wanted, plane
        if plane is None:
            self.basis.tasks.cancel(TASK)
            self._solids = None
            self._show(None)
        elif wanted == self._known:
            self._show(self.cut)
        else:
            live.show_plane(plane)
            self.picture.canvas.refresh()
            self._find(after, wanted, in_turn=in_turn)

    def _find(self, state: Workspace, wanted: Wanted, *, in_turn: bool) -> None:
        city, file = self.desk.city, self.desk.file
        if city is None:
            return

        lod = building_lod(state)
        known = self._solids[1] if self._solids is not None and self._solids[0] == lod else None

        def work(around: Surroundings, told: Told) -> tuple[CitySolids, Cut | None]:
            solids = solids_of(city, state) if known is None else known
            told.check()
            own = with_own_models(state, file)
            cut = workspace_cut(city, own, file=None, notices=Notices(), around=around, solids=solids)
            return solids, cut

        def done(found: tuple[CitySolids, Cut | None]) -> None:
            solids, cut = found
            if wanted == self._asked:
                self._solids = lod, solids
                self.cut, self._known = cut, wanted
                self._show(cut)

        self.basis.run(TASK, work, done, in_turn=in_turn)

    def _show(self, cut: Cut | None) -> None:
        self.picture.show_cut(cut)
