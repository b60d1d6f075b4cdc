"""The lowest line: where the mouse is, how long a frame takes, what is under way, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton

from twin.viewer.icons import icon

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.core.translations import Texts
    from twin.scene.picking import Hit
    from twin.viewer.theme import Theme

ERROR_MS = 20_000
_MARGIN_PX = 24
_MOMENT_MS = 150
_FRAME_PX = 76
"""Room for the time of a frame, which changes too often to be laid out anew."""


class StatusBar(QStatusBar):
    """Coordinates, frame time, tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.task = QLabel()
        self.bar = QProgressBar()
        self.bar.setFixedWidth(120)
        self.bar.setTextVisible(False)
        self.stop = QToolButton()
        self.stop.clicked.connect(self._cancel)
        self.place, self.frame = QLabel(), QLabel()
        self.place.setObjectName("coordinates")
        self.frame.setMinimumWidth(_FRAME_PX)
        self.frame.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for widget in (self.task, self.bar, self.stop, self.place, self.frame):
            self.addPermanentWidget(widget)
        self._jobs: list[Any] = []
        self._t: Any = None
        self._soon = QTimer(self, singleShot=True, interval=_MOMENT_MS)
        self._soon.timeout.connect(self._show_now)
        self._show_task()

    def speak(self, texts: Texts, theme: Theme) -> None:
        """Take another language and theme."""
        self._t = texts
        self.stop.setIcon(icon("close", theme.ink))
        self.stop.setToolTip(texts("task.cancel"))

    def show_frame(self, milliseconds: float) -> None:
        """How long the last frame took."""
        self.frame.setText(f"{milliseconds:.0f} ms")

    def show_place(self, hit: Hit | None, city: City | None) -> None:
        """What lies under the mouse, in the CRS of the city."""
        if hit is None or city is None:
            self.place.setText("")
            return
        x, y, z = hit.position
        what = self._t(f"kind.{hit.kind.name}")
        name = f"{what} {hit.id}" if hit.id and hit.kind.name != "TREE" else what
        self.place.setText(f"{name}    {x:.2f}  {y:.2f}  {z:.2f} m    {city.crs}")

    def show_error(self, text: str) -> bool:
        """Say what went wrong, for a while; whether there is room for all of it."""
        told = f"⚠ {text}"
        self.showMessage(told, ERROR_MS)
        others = (self.task, self.bar, self.stop, self.place, self.frame)
        taken = sum(w.width() for w in others if w.isVisible())
        return self.fontMetrics().horizontalAdvance(told) < self.width() - taken - _MARGIN_PX

    def watch(self, job: Any) -> None:
        """Show a task until it ends."""
        self._jobs.append(job)
        job.progressed.connect(lambda name, done, total: self._progress(job, name, done, total))
        job.ended.connect(lambda: self._end(job))
        self._show_task()

    def drop(self, job: Any) -> None:
        """Show a task no longer, though it has not ended."""
        self._end(job)

    def _progress(self, job: Any, name: str, done: int, total: int) -> None:
        if self._jobs and self._jobs[-1] is job:
            self.task.setText(self._t.get(f"task.{name}", name) if self._t else name)
            self.bar.setRange(0, total)
            self.bar.setValue(done)

    def _end(self, job: Any) -> None:
        self._jobs = [other for other in self._jobs if other is not job]
        self._show_task()

    def _show_task(self) -> None:
        """Show tasks that take longer than a moment: what comes and goes moves all else in the line."""
        if self._jobs and self.bar.isHidden():
            if not self._soon.isActive():
                self._soon.start()
            return
        self._soon.stop()
        self._show_now()

    def _show_now(self) -> None:
        busy = bool(self._jobs)
        for widget in (self.task, self.bar, self.stop):
            widget.setVisible(busy)
        if busy and self._t:
            name = self._jobs[-1].name
            self.task.setText(self._t.get(f"task.{name}", name))
            self.bar.setRange(0, 0)

    def _cancel(self) -> None:
        if self._jobs:
            self._jobs[-1].cancel()
