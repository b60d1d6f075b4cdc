"""Hours of sun as a layer of the window: computed for what is shown, today or the plan, and only shown on that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from twin.core.notices import Notices
from twin.scene.sun_layer import SunHoursLayer
from twin.scene.workspace_extras import workspace_sun_hours
from twin.scene.workspace_layers import SUN_HOURS
from twin.scene.workspace_plan import shows_plan, with_own_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twin.energy.hours import SunHours
    from twin.energy.standing import Surroundings
    from twin.scene.pack import ScenePack
    from twin.scene.workspace import Proposal, SunHoursState, Workspace
    from twin.viewer.basis import Basis
    from twin.viewer.desk import Desk
    from twin.viewer.moving import Moving
    from twin.viewer.picture import Picture

TASK = "sun"
_MOST_KEPT = 4
Asked = tuple["SunHoursState", "tuple[Proposal, ...]"]


class Sunshine(QObject):
    """Keeps the hours of sun on the picture as the workspace asks for them.

    Signals
    -------
    changed
        Other hours are shown, or none; or they are being computed.
    failed : Exception
        They cannot be computed.
    """

    failed = Signal(object)
    changed = Signal()

    def __init__(
        self, desk: Desk, picture: Picture, basis: Basis, moving: Moving, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.desk, self.picture, self.basis, self.moving = desk, picture, basis, moving
        self.found: SunHours | None = None
        self.is_computing = False
        self._kept: dict[Asked, SunHours] = {}
        self._build: tuple[Path, str] | None = None
        self._shown: tuple[Asked, ScenePack] | None = None
        self._wanted: tuple[Asked, ScenePack] | None = None
        desk.changed.connect(self._follow)
        desk.opened.connect(self._open)
        picture.loaded.connect(self._follow)

    def _open(self) -> None:
        city = self.desk.city
        build = None if city is None else (city.path, city.manifest.build_key)
        if build != self._build:  # what was computed for the same build holds still
            self._build, self._kept = build, {}
        self._shown = self._wanted = None
        self.found, self.is_computing = None, False

    def _follow(self, *_changed: object) -> None:
        """Show what is asked for on the scene that is there; on one that is still loaded nothing is shown."""
        state, scene = self.desk.state, self.picture.scene
        if state.sun_hours is None or self.desk.city is None:
            self._stop()
            return
        asked: Asked = (state.sun_hours, state.proposals if shows_plan(state) else ())
        if scene is None or not self.picture.is_lit:
            self._hide()
            return
        wanted = (asked, scene.pack)
        if not _same(wanted, self._shown) and not _same(wanted, self._wanted):
            self._hide()
            self._compute(state, wanted)

    def _stop(self) -> None:
        if self._wanted is not None:
            self.basis.tasks.cancel(TASK)
        self._hide()

    def _hide(self) -> None:
        was = self.found is not None or self.is_computing
        self._shown = self._wanted = None
        self.found, self.is_computing = None, False
        self.moving.show_other(None, SUN_HOURS)
        if was:
            self.changed.emit()

    def _compute(self, state: Workspace, wanted: tuple[Asked, ScenePack]) -> None:
        asked, pack = wanted
        known, file = self._kept.get(asked), self.desk.file
        self._wanted, self.is_computing = wanted, True
        self.changed.emit()

        def work(around: Surroundings, _told: object) -> tuple[SunHours, SunHoursLayer]:
            found = known
            if found is None:
                own = with_own_models(state, file)
                found = workspace_sun_hours(around, own, file=None, notices=Notices())
            layer = SunHoursLayer(found, pack if found.faces is not None else None, SUN_HOURS)
            layer.at(None)
            return found, layer

        def done(answer: tuple[SunHours, SunHoursLayer]) -> None:
            if not _same(wanted, self._wanted):
                return
            self.found, layer = answer
            self._keep(asked, self.found)
            self._shown, self._wanted, self.is_computing = wanted, None, False
            self.moving.show_other(layer, SUN_HOURS)
            self.changed.emit()

        def failed(error: Exception) -> None:
            if _same(wanted, self._wanted):
                self._hide()
                self.failed.emit(error)

        self.basis.run(TASK, work, done, failed=failed)

    def _keep(self, asked: Asked, found: SunHours) -> None:
        """Today and the plan are switched to and fro: the last few results stay."""
        names: Sequence[Asked] = list(self._kept)
        for old in names[: max(0, len(names) + 1 - _MOST_KEPT)]:
            del self._kept[old]
        self._kept[asked] = found


def _same(a: tuple[Asked, ScenePack], b: tuple[Asked, ScenePack] | None) -> bool:
    return b is not None and a[0] == b[0] and a[1] is b[1]
