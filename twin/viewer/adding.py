"""Adds files to the city that is open, one after another; a name that is taken is answered with one that is free."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from twin.city.add import layer_name
from twin.city.manifest import BUILT_LAYERS, DRAWN_NAMES
from twin.viewer.dialog import Dialog
from twin.viewer.note import Note
from twin.viewer.parts import button, label, row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from twin.core.translations import Texts
    from twin.viewer.window import TwinWindow

TASK = "add"


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or with the first number that makes it free.

    Examples
    --------
    >>> free_name("trees", ["trees", "trees 2"]), free_name("benches", ["trees"])
    ('trees 3', 'benches')
    """
    numbered = (f"{name} {i}" for i in itertools.count(2))
    return name if name not in taken else next(n for n in numbered if n not in taken)


def own_name(path: Path) -> str:
    """The name that a file gives its layer.

    Examples
    --------
    >>> from pathlib import Path
    >>> own_name(Path("bike/street.racks.gpkg"))
    'street'
    """
    return layer_name(path.name.split(".")[0] or path.name)


class Adding(QObject):
    """Puts files into the city, in processes of their own."""

    def __init__(self, window: TwinWindow) -> None:
        super().__init__(window)
        self.window = window
        self._waiting: list[Path] = []
        self._asks = False
        self._added: list[str] = []
        self._city: Path | None = None

    @property
    def taken(self) -> frozenset[str]:
        """Names that layers of the city have, and that none may have."""
        city = self.window.desk.city
        there = city.manifest.layers if city is not None else ()
        return frozenset({*there, *self._added, *BUILT_LAYERS, *DRAWN_NAMES})

    @property
    def is_busy(self) -> bool:
        """Whether a file is added, waits, or its name is asked for."""
        return TASK in self.window.tasks.names or bool(self._waiting) or self._asks

    def add(self, paths: Sequence[Path]) -> None:
        """Add files after those that wait still."""
        city = self.window.desk.city
        if city is None:
            return
        is_busy = self.is_busy
        if not is_busy:
            self._added, self._city = [], city.path
        self._waiting += paths
        if not is_busy:
            self._next()

    def _next(self) -> None:
        self._asks = False
        city = self.window.desk.city
        if city is None or city.path != self._city:
            self._waiting = []
        elif not self._waiting:
            self._finish()
        else:
            path = self._waiting.pop(0)
            name = own_name(path)
            if name in self.taken:
                self._ask(path, free_name(name, self.taken))
            else:
                self.run(path, name)

    def _ask(self, path: Path, name: str) -> None:
        city = self.window.desk.city
        is_there = city is not None and own_name(path) in {*city.manifest.layers, *self._added}
        why = "adding.taken" if is_there else "adding.kept"
        told = self.window.texts(why, file=path.name, name=own_name(path))
        dialog = NameDialog(self.window.texts, told, name, self.taken, self.window)
        dialog.chosen.append(lambda chosen: self.run(path, chosen))
        dialog.rejected.connect(self._next)
        self._asks = True
        dialog.open()

    def run(self, path: Path, name: str) -> None:
        """Add one file under a name that is free."""
        self._asks = False
        city = self.window.desk.city
        if city is None:
            return
        given = [] if name == own_name(path) else ["--as", name]

        def done(_answer: str) -> None:
            self._added.append(name)
            self._next()

        def failed(error: Exception) -> None:
            self.window.complain(error)
            self._next()

        arguments = ["add", str(city.path), str(path), *given, "--json"]
        job = self.window.tasks.run_verb(TASK, arguments, done, failed=failed)
        self.window.opening.limit(job, path)

    def _finish(self) -> None:
        if self._added:
            self.window.say(self.window.texts("window.added", name=", ".join(self._added)))
            self.window.opening.reload()


class NameDialog(Dialog):
    """Asks for another name of a layer, and proposes one."""

    def __init__(
        self, texts: Texts, why: str, name: str, taken: Collection[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("layer-name")
        self.setWindowTitle(texts("action.add"))
        self.setMinimumWidth(420)
        self.taken = taken
        self.chosen: list[Callable[[str], object]] = []
        self.name = QLineEdit(name)
        self.name.setAccessibleName(texts("adding.name"))
        self.name.selectAll()
        self.name.setFocus()
        self.take = button(texts("action.add"), self._take, kind="primary")
        self.take.setDefault(True)
        self.leave = button(texts("adding.leave"), self.reject)
        self.name.textChanged.connect(self._judge)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 18, 20, 18)
        box.addWidget(Note(why))
        box.addLayout(row(label(texts("adding.name"), wraps=False), self.name, stretch=1))
        box.addLayout(row(None, self.leave, self.take))

    def _judge(self, text: str) -> None:
        name = text.strip()
        self.take.setEnabled(bool(name) and name not in self.taken and name == layer_name(name))

    def _take(self) -> None:
        name = self.name.text().strip()
        self.accept()
        for tell in self.chosen:
            tell(name)
