"""Hands on the window for a scripted tour: presses, clicks and waits, each timed by the watch."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from loop_watch import LoopWatch, Stall, watched_application
from PySide6.QtCore import QEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PATIENCE_S = 300.0


class Tour:
    """Does everything once in a window that stays open."""

    def __init__(self, watch: LoopWatch, city: Path, folder: Path) -> None:
        self.watch, self.city, self.folder = watch, city, folder
        self.app = watched_application(watch)
        self.profile: Any = None
        from twin.viewer.launch import make_window

        self.window: Any = make_window()
        self.window.resize(1280, 820)
        self.window.show()
        self.model = folder / "tower.obj"
        write_box(self.model, (14.0, 12.0, 30.0))

    def run(self, steps: Sequence[tuple[str, Callable[[Tour], None]]], *, profiled: str = "") -> None:
        """All steps, one after the other."""
        for name, step in steps:
            self.watch.name = name
            if name == profiled:
                self._profiled(step)
            else:
                step(self)
                self.rest()
            stall = self.watch.stalls.get(name, Stall())
            print(f"{name}: {stall.wall_ms:.0f} ms, {stall.what}", file=sys.stderr, flush=True)
        self.watch.name = "between"

    def _profiled(self, step: Callable[[Tour], None]) -> None:
        import cProfile
        import pstats

        self.profile = cProfile.Profile(time.thread_time)
        step(self)
        self.rest()
        pstats.Stats(self.profile, stream=sys.stderr).sort_stats("cumulative").print_stats(60)
        self.profile = None

    def do(self, act: Callable[..., object], *given: Any) -> None:
        """One thing that a hand does: a press of a button, a move of a slider."""
        with self.watch.round(getattr(act, "__qualname__", str(act))):
            if self.profile is not None:
                self.profile.enable()
            act(*given)
            if self.profile is not None:
                self.profile.disable()

    def pass_time(self, seconds: float) -> None:
        """Let events pass for a while."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._events()

    def until(self, true: Callable[[], object]) -> None:
        """Let events pass until something is so."""
        ends = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > ends:
                raise TimeoutError(f"{self.watch.name}: it did not come to pass")
            self._events()

    def _events(self) -> None:
        if self.profile is not None:
            self.profile.enable()
        with self.watch.round("events"):
            self.app.processEvents()
        with self.watch.round("what is gone"):  # which a running loop lets go of by itself
            self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        if self.profile is not None:
            self.profile.disable()
        time.sleep(0.002)

    def rest(self) -> None:
        """Wait until all is there, and drawn to the still."""
        w = self.window

        def is_idle() -> bool:
            is_made = not w.remaking.is_running
            return (
                is_made
                and not (w.tasks.names or w.picture.is_busy or w.steering.is_flying)
                and (w.desk.city is None or (w.picture.is_lit and w.sight.is_ready))
            )

        for _ in range(2):
            self.until(is_idle)
            self.pass_time(0.25)
        canvas = w.canvas
        self.until(
            lambda: not canvas._soon.isActive() and not canvas._rest.isActive() and canvas._still is None
        )

    def middle(self, dx: int = 0, dy: int = 0) -> Any:
        """A place in the canvas beside its middle."""
        from PySide6.QtCore import QPoint

        return self.window.canvas.rect().center() + QPoint(dx, dy)

    def click(self, dx: int = 0, dy: int = 0) -> None:
        """A click beside the middle of the canvas."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        self.do(
            QTest.mouseClick, self.window.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
            self.middle(dx, dy),
        )  # fmt: skip

    def press(self, action: str) -> None:
        """An entry of a menu."""
        self.do(self.window.entries[action].trigger)

    def choose(self, box: Any, index: int) -> None:
        """An entry of a box."""

        def act() -> None:
            box.setCurrentIndex(index)
            box.activated.emit(index)

        self.do(act)

    def measured(self, kind: str, *places: tuple[int, int]) -> None:
        """Measure by clicks."""
        self.window.show_panel("measure")
        self.do(self.window.measure.begin, kind)
        for place in places:
            self.click(*place)
        self.do(self.window.measure.finish)
        self.rest()


def write_box(path: Path, size: tuple[float, float, float]) -> None:
    """A box as an OBJ file, its base at 0."""
    import trimesh

    box = trimesh.creation.box(size)
    box.apply_translation((0, 0, size[2] / 2))
    box.export(path)
