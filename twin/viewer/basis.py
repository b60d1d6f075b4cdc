"""Ground and buildings of a city for figures: prepared once beside the interface, when a tool first asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.energy.standing import Surroundings
    from twin.viewer.desk import Desk
    from twin.viewer.tasks import Tasks
    from twin.viewer.work import Told


class Basis(QObject):
    """What measures, profiles, views and hours of sun are computed on."""

    def __init__(self, desk: Desk, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk, self.tasks = desk, tasks
        self._around: Surroundings | None = None
        desk.opened.connect(self._forget)

    def _forget(self) -> None:
        self._around = None

    def run(
        self,
        name: str,
        work: Callable[[Surroundings, Told], Any],
        done: Callable[[Any], object],
        *,
        failed: Callable[[Exception], object] | None = None,
        in_turn: bool = False,
    ) -> None:
        """Do work on the surroundings of the city in a thread, and hand its result over; `Tasks.run` says the rest."""
        city = self.desk.city
        if city is None:
            return
        known = self._around

        def whole(told: Told) -> tuple[Surroundings, Any]:
            from twin.energy.standing import surroundings

            around = known
            if around is None:
                told.stage("basis", 0)
                around = surroundings(city)
                told.check()
                told.stage(name, 0)
            return around, work(around, told)

        def take(found: tuple[Surroundings, Any]) -> None:
            if self.desk.city is city:
                self._around = found[0]
                done(found[1])

        self.tasks.run(name, whole, take, failed=failed, in_turn=in_turn)
