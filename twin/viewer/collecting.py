"""Garbage is collected in the thread of the interface alone."""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QCursor

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_MS = 100
_MOST = (700, 3)
"""Objects made, and collections of the youngest, after which the two young generations are due; Python takes ten for
the second, which then takes too long."""
_QUIET_S, _LATEST_S = 5.0, 60.0
"""The old generation is looked at when nobody has worked with the window for so long, or after so much work."""
_PATIENCE_S = 180.0
"""So long it waits for work beside the interface to end."""
_AWAY_S = 120.0
"""After so long without anybody at the window everything is looked at."""


class Collector(QObject):
    """Collects garbage as Python would, but in events, for as long as there is a window.

    Python collects in whichever thread happens to make the next object. Panels that were given up are cycles of
    widgets, menus and functions; a job's thread that collects them destroys widgets and what draws outside of the
    interface's thread, at which Qt crashes now and then.

    A look at all objects takes a fifth of a second, most of it for what modules consist of. So what comes while modules
    are loaded, up to when all that the window will need is there, is left out until nobody is at the window. What came
    later takes some milliseconds and waits for a moment in which the mouse rests and nothing changes.

    Parameters
    ----------
    is_working : callable
        Whether there is work beside the interface.
    """

    _n_open: ClassVar[int] = 0
    _was_enabled: ClassVar[bool] = True

    def __init__(
        self, parent: QObject | None = None, *, is_working: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(parent)
        self.is_working = is_working
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._mouse = QCursor.pos()
        self._touched = self._whole = time.monotonic()
        self._is_due = self._has_opened = self._was_replaced = False
        self._is_loading, self._n_modules = True, len(sys.modules)

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

    def opened(self) -> None:
        """A city has opened. The first one will stay for long; what another one replaced is soon let go of."""
        if not self._has_opened:
            gc.freeze()
            self._has_opened = True
            return
        self._is_due = self._was_replaced = True

    def has_modules(self) -> None:
        """All modules are there that the window will need; what comes from now on may be let go of soon."""
        gc.freeze()
        self._is_loading, self._was_replaced = False, True

    def look(self) -> None:
        """Collect what is due."""
        if self._is_loading and len(sys.modules) != self._n_modules:
            self._n_modules = len(sys.modules)
            gc.freeze()  # takes no time, where a look at what came takes up to a fifth of a second
            return
        if self._mouse != QCursor.pos():
            self._mouse = QCursor.pos()
            self.touch()
        now = time.monotonic()
        if self._was_replaced and now - self._touched > _AWAY_S:
            self._was_replaced = False
            gc.unfreeze()
            self._collect_old(now)
            gc.freeze()
            return
        is_quiet = now - self._touched > _QUIET_S
        since = now - self._whole
        # What work is making just now would be looked at as well, and is mostly gone when it has ended.
        is_time = since > (_QUIET_S if is_quiet else _LATEST_S) and (
            since > _PATIENCE_S or not self.is_working()
        )
        if self._is_due and is_time:
            self._collect_old(now)
            return
        counts = gc.get_count()
        for generation in (1, 0):
            if counts[generation] > _MOST[generation]:
                gc.collect(generation)
                # What has lived through this is old.
                self._is_due |= generation == 1
                return

    def _collect_old(self, now: float) -> None:
        self._whole, self._is_due = now, False
        gc.collect()
