"""How long the thread of the interface is away from its events, besides drawing: a watch around each round of them.

A round is what Qt does between two looks at what hands and windows ask for; nothing answers meanwhile. A watch around
every single event would have to be called by Qt for each widget that is painted or laid out, and wait for Python's lock
each time: it made rounds three times as long as they are without it.
"""

from __future__ import annotations

import gc
import resource
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QApplication

from twin.viewer.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Stall:
    """The longest time away in a step.

    Parameters
    ----------
    wall_ms : float
        By the clock, drawing taken off.
    cpu_ms : float
        The most of the interface thread's own processor time; drawing taken off as well.
    what : str
        What took longest by the clock.
    """

    wall_ms: float = 0.0
    cpu_ms: float = 0.0
    what: str = ""


@dataclass
class LoopWatch:
    """Times what runs between two looks of the interface at its events."""

    stalls: dict[str, Stall] = field(default_factory=dict)
    name: str = ""
    drawn: list[float] = field(default_factory=lambda: [0.0, 0.0])
    is_inside: bool = False
    sampler: Sampler | None = None

    @contextmanager
    def round(self, what: str) -> Iterator[None]:
        """Time a round of events, or one thing that a hand does, as far as it is not part of another."""
        if self.is_inside:
            yield
            return
        self.is_inside = True
        cpu, wall, self.drawn = time.thread_time(), time.perf_counter(), [0.0, 0.0]
        try:
            yield
        finally:
            self.is_inside = False
            self._note(what, time.thread_time() - cpu, time.perf_counter() - wall)

    def _note(self, what: str, cpu: float, wall: float) -> None:
        cpu_ms, wall_ms = 1e3 * (cpu - self.drawn[0]), 1e3 * (wall - self.drawn[1])
        stall = self.stalls.setdefault(self.name, Stall())
        if wall_ms > stall.wall_ms:
            stall.wall_ms, stall.what = wall_ms, what
        if self.sampler is not None:
            self.sampler.tell(f"{self.name}, {what}", wall_ms)
        stall.cpu_ms = max(stall.cpu_ms, cpu_ms)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """What runs within is drawing, which is not counted."""
        cpu, wall = time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            self.drawn[0] += time.thread_time() - cpu
            self.drawn[1] += time.perf_counter() - wall


def watched_application(watch: LoopWatch) -> QApplication:
    """Qt's application, as the window has it; drawing of frames is taken off."""
    from twin.viewer.launch import application

    _take_off_frames(watch)
    app: QApplication = application()
    return app


def _take_off_frames(watch: LoopWatch) -> None:
    draw, still = Frames.draw, Frames.still

    def timed_draw(self: Frames, *given: Any, **named: Any) -> Any:
        with watch.drawing():
            return draw(self, *given, **named)

    def timed_still(self: Frames, *given: Any, **named: Any) -> Iterator[Any]:
        parts = still(self, *given, **named)
        while True:
            with watch.drawing():
                part = next(parts, parts)
            if part is parts:
                return
            yield part

    Frames.draw, Frames.still = timed_draw, timed_still  # type: ignore[method-assign, assignment]


class Sampler(threading.Thread):
    """Looks every few milliseconds where the interface thread is, and tells it of rounds that take long."""

    EVERY_S, LONG_MS, LINES = 0.004, 70.0, 14

    def __init__(self, watch: LoopWatch) -> None:
        super().__init__(daemon=True)
        self.watch, self.main = watch, threading.get_ident()
        self.seen: Counter[str] = Counter()

    def run(self) -> None:
        """Sample until the process ends."""
        while True:
            time.sleep(self.EVERY_S)
            if not self.watch.is_inside:
                continue
            frame = sys._current_frames().get(self.main)
            names = set()
            while frame is not None:
                code = frame.f_code
                names.add(f"{Path(code.co_filename).stem}.{code.co_qualname}")
                frame = frame.f_back
            self.seen.update(names)

    def tell(self, what: str, wall_ms: float) -> None:
        """Where the round was that just ended, where it took long."""
        seen, self.seen = self.seen, Counter()
        if wall_ms < self.LONG_MS:
            return
        most = ", ".join(f"{name} {n}" for name, n in seen.most_common(self.LINES + 8)[8:])
        print(f"  {wall_ms:.0f} ms, {what}: {most}", file=sys.stderr, flush=True)


def n_vtk_objects() -> int:
    """Objects of VTK that Python still holds."""
    from vtkmodules.vtkCommonCore import vtkObjectBase

    gc.collect()
    return sum(isinstance(found, vtkObjectBase) for found in gc.get_objects())


def resident_mib() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20
