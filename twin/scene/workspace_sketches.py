"""What a workspace puts over its pictures: what was measured, with its figure, and notes at their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.core.errors import TwinError
from twin.scene.figures import Figures, measure
from twin.scene.sketches import Sketch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.core.notices import Notices
    from twin.core.translations import Texts
    from twin.energy.standing import Surroundings
    from twin.scene.style import Rgb
    from twin.scene.workspace import Workspace

NOTE_RGB: Rgb = (161, 92, 0)
_PLAIN: Rgb = (11, 107, 203)
_KINDS: dict[str, Rgb] = {
    "area": (10, 143, 91),
    "volume": (138, 90, 0),
    "profile": (122, 63, 181),
    "sight": (192, 42, 80),
}
AREAS = frozenset({"area", "volume"})


def measurement_rgb(kind: str) -> Rgb:
    """The colour of lines of a kind of measurement."""
    return _KINDS.get(kind, _PLAIN)


def figures_of(
    around: Surroundings, workspace: Workspace, texts: Texts, *, notices: Notices
) -> dict[str, Figures]:
    """Figures of all measurements of a workspace by their ids; one that cannot be measured is told."""
    found: dict[str, Figures] = {}
    for asked in workspace.measurements:
        try:
            found[asked.id] = measure(around, asked, texts)
        except TwinError as error:
            notices.add("workspace-measurement", f"{asked.id} is not measured: {error}")
    return found


def workspace_sketches(workspace: Workspace, figures: Mapping[str, Figures]) -> tuple[Sketch, ...]:
    """Lines with their figures and notes with their first line, as pictures of a workspace show them.

    Parameters
    ----------
    workspace : Workspace
    figures : mapping
        By the ids of the measurements; a line whose figure is not known is drawn without.
    """
    found = [
        Sketch(
            asked.points,
            measurement_rgb(asked.kind),
            _told(asked.label, figures[asked.id].headline if asked.id in figures else ""),
            is_area=asked.kind in AREAS,
        )
        for asked in workspace.measurements
    ]
    found += [Sketch((note.position,), NOTE_RGB, _first_line(note.text)) for note in workspace.notes]
    return tuple(found)


def _told(label: str, headline: str) -> str:
    return f"{label}: {headline}" if label and headline else label or headline


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else ""
