"""Garbage is collected in the thread of the interface alone."""

from __future__ import annotations

import gc
import time
from typing import ClassVar

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QCursor

_EVERY_MS = 100
_MOST = (700, 3, 10)
"""Objects made, and collections of the generation before, after which a generation is due; as Python has it, but for
the middle one, which takes too long after ten."""
_QUIET_S = 20.0
_LATEST_S = 600.0


class Collector(QObject):
    """Collects garbage as Python would, but in events, for as long as there is a window.

    Python collects in whichever thread happens to make the next object. Panels that were given up are cycles of
    widgets, menus and functions; a job's thread that collects them destroys widgets and what draws outside of the
    interface's thread, at which Qt crashes now and then.

    A look at all objects takes a tenth of a second. So what is there when a window or a city has opened is left out,
    until the mouse rests and nothing changes for a while.
    """

    _n_open: ClassVar[int] = 0
    _was_enabled: ClassVar[bool] = True

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._mouse = QCursor.pos()
        self._touched = self._settled = time.monotonic()
        self._is_whole = True

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

    def touch(self) -> None:
        """Somebody works with the window."""
        self._touched = time.monotonic()

    def settle(self) -> None:
        """What is there now will stay for long; it is looked at again in a quiet moment."""
        gc.freeze()
        self._settled, self._is_whole = time.monotonic(), False

    def look(self) -> None:
        """Collect the oldest generation that is due, or everything in a quiet moment."""
        if self._mouse != QCursor.pos():
            self._mouse = QCursor.pos()
            self.touch()
        now = time.monotonic()
        if not self._is_whole and (now - self._touched > _QUIET_S or now - self._settled > _LATEST_S):
            self._is_whole = True
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            return
        counts = gc.get_count()
        for generation in (2, 1, 0):
            if counts[generation] > _MOST[generation]:
                gc.collect(generation)
                return
