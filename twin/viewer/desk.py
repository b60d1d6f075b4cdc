"""The one state of a window: a workspace with its past and its file; panels change it, the picture follows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from twin.core.translations import Texts, load_texts
from twin.scene.workspace import CityRef, Workspace
from twin.viewer.history import History

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City
    from twin.scene.camera import Camera
    from twin.scene.workspace import LayerState


class Desk(QObject):
    """A city that is open, and the workspace on it.

    Signals
    -------
    changed : Workspace, Workspace
        The state before and after a step, its undoing, or the opening of another.
    opened
        Another city or workspace is on the desk.
    """

    changed = Signal(object, object)
    opened = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.city: City | None = None
        self.file: Path | None = None
        self.saved: Workspace | None = None
        self._history: History[Workspace] = History.of(Workspace())

    @property
    def state(self) -> Workspace:
        """The present workspace."""
        return self._history.state

    @property
    def texts(self) -> Texts:
        """The texts of the workspace's language."""
        return load_texts(self.state.language)

    @property
    def history(self) -> History[Workspace]:
        """All states that were."""
        return self._history

    def open(
        self, city: City | None, workspace: Workspace, file: Path | None = None, *, is_saved: bool = True
    ) -> None:
        """Put another city and workspace on the desk; the past of the one before is forgotten."""
        self.city, self.file = city, file
        if city is not None:
            workspace = replace(workspace, city=ref_of(city))
        self._history = History.of(workspace)
        self.saved = workspace if is_saved else Workspace(city=workspace.city)
        self.opened.emit()

    def renew(self, city: City) -> None:
        """Put the same city anew on the desk, which holds something else now; past and unsaved changes stay."""
        self.city = city
        self._history = self._history.quietly(replace(self.state, city=ref_of(city)))
        if self.saved is not None:
            self.saved = replace(self.saved, city=ref_of(city))
        self.opened.emit()

    def change(self, label: str, workspace: Workspace, *, key: str = "") -> None:
        """Take a step; steps of the same key one after another, as of a slider, are one."""
        before = self.state
        self._history = self._history.step(label, workspace, key=key)
        if self.state != before:
            self.changed.emit(before, self.state)

    def edit(self, label: str, *, key: str = "", **changes: object) -> None:
        """Take a step that changes some fields of the workspace."""
        self.change(label, replace(self.state, **changes), key=key)  # type: ignore[arg-type]

    def keep(self, **changes: object) -> None:
        """Put into the state what is no step, such as the camera or the running clock."""
        before = self.state
        self._history = self._history.quietly(replace(before, **changes))  # type: ignore[arg-type]
        if {"clock", "flood"} & changes.keys() and before != self.state:
            self.changed.emit(before, self.state)

    def begin_with(self, layer: LayerState) -> None:
        """List a layer that the city brings by itself: no step, and nothing that anybody would save."""
        self.keep(layers=(*self.state.layers, layer))
        if self.saved is not None and layer.name not in {known.name for known in self.saved.layers}:
            self.saved = replace(self.saved, layers=(*self.saved.layers, layer))

    def undo(self) -> None:
        """One step back; the camera stays where it is."""
        self._go(self._history.undo())

    def redo(self) -> None:
        """One step forward again."""
        self._go(self._history.redo())

    def _go(self, history: History[Workspace]) -> None:
        before = self.state
        if history is self._history:
            return
        self._history = history.quietly(
            replace(history.state, camera=before.camera, view=before.view, city=before.city)
        )
        self.changed.emit(before, self.state)

    def origin(self) -> tuple[int, int, int]:
        """Origin of local coordinates, map metres."""
        return self.city.manifest.origin if self.city is not None else (0, 0, 0)

    def keep_camera(self, camera: Camera) -> None:
        """Remember where one looks from."""
        from twin.scene.workspace_scene import viewpoint_of

        self.keep(camera=viewpoint_of(camera, self.origin()))

    @property
    def is_changed(self) -> bool:
        """Whether something would be lost that was not saved, apart from where one looks from."""
        if self.saved is None:
            return False
        return replace(self.state, camera=None, view="") != replace(self.saved, camera=None, view="")


def ref_of(city: City) -> CityRef:
    """How a workspace names a city."""
    manifest = city.manifest
    return CityRef(city.path.resolve().as_posix(), manifest.build_key, manifest.crs)
