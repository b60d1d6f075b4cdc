"""The moments of the layers, made ready beside the interface: one after the other, always the newest that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from twin.scene.ready import ready_moment
from twin.viewer.work import ThreadJob

if TYPE_CHECKING:
    from twin.scene.ready import Ready
    from twin.viewer.picture import Picture
    from twin.viewer.work import Told

TASK = "moment"
_SHOWN_AFTER_MS = 400
"""Quicker ones are not shown in the status bar: a clock that runs would make it flicker."""


class Moments(QObject):
    """Has what the picture wants to show by now computed in a thread: water, roads, marks, the caps of a cut.

    While one moment is being made others may be wanted; of these only the newest is made next.

    Signals
    -------
    ready : LiveStage, Scene, Ready
        A moment that was asked for, for the stage that was there then.
    """

    ready = Signal(object, object, object)

    def __init__(self, picture: Picture) -> None:
        super().__init__(picture)
        self.picture = picture
        self._job: ThreadJob | None = None
        self._is_wanted = False

    @property
    def is_busy(self) -> bool:
        """Whether a moment is being made, or is to be."""
        return self._job is not None

    def want(self) -> None:
        """Have made ready what the picture wants to show now."""
        self._is_wanted = True
        if self._job is None:
            self._begin()

    def cancel(self) -> None:
        """Let go of what is being made."""
        self._is_wanted = False
        if self._job is not None:
            self._job.cancel()

    def _begin(self) -> None:
        self._is_wanted = False
        live, scene = self.picture.live, self.picture.wanted_scene()
        if live is None or scene is None:
            return
        known, camera = live.ready, self.picture.canvas.camera
        size, wanted = self.picture.canvas.size_px, self.picture.furniture

        def work(told: Told) -> Ready:
            found = ready_moment(scene, known=known, check=told.check)
            if (
                camera is not None
                and found.moment.markers
                and (known is None or found.moment is not known.moment)
            ):
                # Written once here: courses of values are read then, and the frame need not wait for the disk.
                scene.furniture(camera, size, live.legend, wanted)
            return found

        job = ThreadJob(work, name=TASK, parent=self)
        job.finished.connect(lambda found: self.ready.emit(live, scene, found))
        job.failed.connect(self.picture.failed)
        job.ended.connect(lambda: self._end(job))
        self._job = job.start()
        QTimer.singleShot(_SHOWN_AFTER_MS, self, lambda: self._tell(job))

    def _tell(self, job: ThreadJob) -> None:
        if job is self._job:
            self.picture.began.emit(job)

    def _end(self, job: ThreadJob) -> None:
        self._job = None
        job.deleteLater()
        if self._is_wanted:
            self._begin()
