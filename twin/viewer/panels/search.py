"""The search box: a building by its id or name, a street, a station; choosing one flies there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QLineEdit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twin.city.model import City
    from twin.core.translations import Texts
    from twin.scene.scene import Scene
    from twin.viewer.moving import Station

MOST_FOUND = 12
_NAME_COLUMNS = ("name", "name_ko", "name_en", "address", "address_ko", "address_en")


@dataclass(frozen=True, slots=True)
class Place:
    """Something that can be searched for.

    Parameters
    ----------
    text : str
        As it is written.
    kind : str
        ``building``, ``street``, ``water``, ``station``, ``note``.
    position : tuple of float
        Map coordinates.
    size_m : float
        How large it is, so that it fills the picture.
    id : str
    """

    text: str
    kind: str
    position: tuple[float, float, float]
    size_m: float = 40.0
    id: str = ""


def building_places(city: City) -> list[Place]:
    """Every building by its id and by its names."""
    frame = city.buildings
    if not len(frame):
        return []
    middle = frame.geometry.representative_point()
    columns = [frame[c].astype(object) for c in _NAME_COLUMNS if c in frame.columns]
    height = frame["roof_max_m"] if "roof_max_m" in frame else frame["ground_m"]
    extent = frame.geometry.area.pow(0.5)
    places = []
    for i, name in enumerate(frame["id"].astype(str)):
        z = float(height.iloc[i])
        place = (float(middle.x.iloc[i]), float(middle.y.iloc[i]), z if z == z else 0.0)  # noqa: PLR0124 - NaN
        names = [str(c.iloc[i]) for c in columns if c.iloc[i] and c.iloc[i] == c.iloc[i]]
        text = " · ".join(dict.fromkeys([*names[:2], name]))
        places.append(Place(text, "building", place, max(25.0, float(extent.iloc[i])), name))
    return places


def label_places(scene: Scene) -> list[Place]:
    """Streets and waters as they are written in the picture."""
    o = scene.pack.meta.origin
    return [
        Place(text, kind, (p[0] + o[0], p[1] + o[1], p[2] + o[2]), 90.0)
        for text, p, kind in scene.pack.meta.labels
    ]


def station_places(stations: Iterable[Station]) -> list[Place]:
    """Stations by their names and ids."""
    return [
        Place(s.name if s.name == s.id else f"{s.name} · {s.id}", "station", s.position, 40.0, s.id)
        for s in stations
    ]


def find(places: Iterable[Place], text: str, *, most: int = MOST_FOUND) -> list[Place]:
    """Places that a text means: those that begin with it, then those that hold it; short names first.

    Examples
    --------
    >>> here = (0.0, 0.0, 0.0)
    >>> [p.text for p in find([Place("Old Mill", "building", here), Place("Mill Road", "street", here)], "mill")]
    ['Mill Road', 'Old Mill']
    """
    wanted = text.strip().casefold()
    if not wanted:
        return []
    found = [(p.text.casefold(), p) for p in places if wanted in p.text.casefold()]
    found.sort(key=lambda f: (not f[0].startswith(wanted), wanted not in f[0].split(" · "), len(f[0]), f[0]))
    return [place for _, place in found[:most]]


class SearchBox(QLineEdit):
    """A line that finds places while one writes.

    Signals
    -------
    chosen : Place
    """

    chosen = Signal(object)

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self.setObjectName("search")
        self.setPlaceholderText(texts("search.hint"))
        self.setAccessibleName(texts("search.hint"))
        self.setClearButtonEnabled(True)
        self.setMinimumWidth(180)
        self.setMaximumWidth(340)
        self._t = texts
        self._places: Sequence[Place] = ()
        self._found: list[Place] = []
        self._model = QStringListModel(self)
        completer = QCompleter(self._model, self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.activated[str].connect(self._take_text)
        self.setCompleter(completer)
        self.textEdited.connect(self._look)
        self.returnPressed.connect(self.take_first)

    def set_places(self, places: Sequence[Place]) -> None:
        """What can be found."""
        self._places = places

    def take_first(self) -> None:
        """Choose the best of what is found."""
        found = find(self._places, self.text())
        exact = [p for p in self._found if self._shown(p) == self.text()]
        if exact or found:
            self.chosen.emit((exact or found)[0])

    def _look(self, text: str) -> None:
        self._found = find(self._places, text)
        self._model.setStringList([self._shown(p) for p in self._found])

    def _shown(self, place: Place) -> str:
        return f"{place.text}   ({self._t(f'search.{place.kind}')})"

    def _take_text(self, text: str) -> None:
        for place in self._found:
            if self._shown(place) == text:
                self.setText(place.text)
                self.chosen.emit(place)
                return
