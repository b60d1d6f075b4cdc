"""Garbage is collected in the thread of the interface alone."""

from __future__ import annotations

import gc
from typing import ClassVar

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 400


class Collector(QObject):
    """Collects garbage as Python would, but in events, for as long as there is a window.

    Python collects in whichever thread happens to make the next object. Panels that were given up are cycles of
    widgets, menus and functions; a job's thread that collects them destroys widgets and what draws outside of the
    interface's thread, at which Qt crashes now and then.

    What is there at the beginning, mostly modules, is left out from then on: a whole collection takes
    milliseconds then instead of a tenth of a second.
    """

    _n_open: ClassVar[int] = 0
    _was_enabled: ClassVar[bool] = True

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.look)

    def start(self) -> None:
        """Take over from Python."""
        if self._timer.isActive():
            return
        if not Collector._n_open:
            Collector._was_enabled = gc.isenabled()
            gc.disable()
            gc.freeze()
        Collector._n_open += 1
        self._timer.start()

    def stop(self) -> None:
        """Leave it to Python again."""
        if not self._timer.isActive():
            return
        self._timer.stop()
        Collector._n_open -= 1
        if not Collector._n_open:
            gc.unfreeze()
            if Collector._was_enabled:
                gc.enable()

    @staticmethod
    def look() -> None:
        """Collect the oldest generation that is due."""
        due = [n > most for n, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        for generation in (2, 1, 0):
            if due[generation]:
                gc.collect(generation)
                return
