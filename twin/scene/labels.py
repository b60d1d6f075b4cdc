"""Names in the picture: at their places, none over another, the more important first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from twin.scene.camera import project
from twin.scene.furniture import Patch, moved, text_patch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twin.scene.camera import Camera
    from twin.scene.furniture import Sheet

Box = tuple[int, int, int, int]

_LOOKS = {
    "place": (22.0, "text.colour", True),
    "water": (17.0, "text.water", False),
    "street": (15.5, "text.colour", False),
    "building": (16.0, "text.colour", True),
    "layer": (14.5, "text.accent", True),
}
_RANK = ("place", "layer", "building", "water", "street")
_STEM = 26.0
"""Length of the line from a building's label down to its place, layout units."""


def label_patches(
    sheet: Sheet,
    camera: Camera,
    labels: Sequence[tuple[str, tuple[float, float, float], str]],
    *,
    taken: Iterable[Box] = (),
    farthest_m: float = np.inf,
) -> list[Patch]:
    """Labels that find room, as patches.

    A label is tried above its place, then beside and below it; one that would cover another or the furniture is
    left out. Which ones stay depends on their kind and on their order, on nothing else.

    Parameters
    ----------
    labels : sequence
        Text, position in local metres, kind.
    taken : iterable of box
        Left, upper, right, lower edges that are taken.
    farthest_m : float
        Labels beyond are left out.
    """
    if not labels:
        return []
    places = project(camera, np.array([position for _, position, _ in labels]), sheet.size)
    order = sorted(range(len(labels)), key=lambda i: (_rank(labels[i][2]), i))
    used, patches = list(taken), []
    for i in order:
        x, y, depth = places[i]
        if not 0.1 < depth <= farthest_m or not (0 <= x < sheet.size[0] and 0 <= y < sheet.size[1]):
            continue
        text, _, kind = labels[i]
        size, colour, bold = _LOOKS.get(kind, _LOOKS["place"])
        patch = text_patch(sheet, text, size=size, colour=colour, bold=bold, halo=3)
        found = _room(sheet, patch, (x, y), kind, used)
        if found is None:
            continue
        if kind in {"building", "layer"}:
            patches.append(_stem(sheet, (x, y), found))
        used.append(found.box)
        patches.append(found)
    return patches


def _rank(kind: str) -> int:
    return _RANK.index(kind) if kind in _RANK else 0


def _room(sheet: Sheet, patch: Patch, place: tuple[float, float], kind: str, used: list[Box]) -> Patch | None:
    """The patch at the first position by its place where nothing is covered."""
    x, y = place
    w, h = patch.image.size
    lift = sheet.px(_STEM) if kind in {"building", "layer"} else 0
    first = (x - w / 2, y - h - lift) if lift else (x - w / 2, y - h / 2)
    tries = [
        first,
        (x - w / 2, y - h - 2 * lift),
        (x + sheet.px(6), y - h - lift / 2),
        (x - w - sheet.px(6), y - h - lift / 2),
    ]
    return first_free(patch, tries, sheet.size, used)


def first_free(
    patch: Patch, tries: Iterable[tuple[float, float]], size: tuple[int, int], used: Sequence[Box]
) -> Patch | None:
    """The patch at the first upper left corner where it lies in the picture and covers nothing, or None."""
    for left, top in tries:
        candidate = moved(patch, left, top)
        if _inside(candidate.box, size) and not any(_overlap(candidate.box, box) for box in used):
            return candidate
    return None


def _inside(box: Box, size: tuple[int, int]) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= size[0] and box[3] <= size[1]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _stem(sheet: Sheet, place: tuple[float, float], label: Patch) -> Patch:
    """A thin line from a label's lower edge to its place."""
    left, _, right, bottom = label.box
    x0, y0 = min(max(place[0], left), right), bottom - sheet.px(4)
    x1, y1 = place
    margin = sheet.px(5)
    corner = round(min(x0, x1)) - margin, round(min(y0, y1)) - margin
    size = round(abs(x1 - x0)) + 2 * margin, round(abs(y1 - y0)) + 2 * margin
    image = Image.new("RGBA", (size[0] * 4, size[1] * 4), (*sheet.style.rgb("text.halo"), 0))
    draw = ImageDraw.Draw(image)
    ends = [((x - corner[0]) * 4, (y - corner[1]) * 4) for x, y in ((x0, y0), (x1, y1))]
    for width, key in ((sheet.px(3.4), "text.halo"), (sheet.px(1.5), "text.colour")):
        draw.line(ends, fill=(*sheet.style.rgb(key), 255), width=width * 4)
    r = sheet.px(3) * 4
    x, y = ends[1]
    draw.ellipse((x - r, y - r, x + r, y + r), fill=(*sheet.style.rgb("text.colour"), 255))
    return Patch(*corner, image.reduce(4))


def boxes(patches: Iterable[Patch | None]) -> list[Box]:
    """Boxes of the patches that are there."""
    return [patch.box for patch in patches if patch is not None]


def faded(patches: Sequence[Patch], share: float) -> list[Patch]:
    """The patches at a share of their strength, 0 to 1; none at 0."""
    if share >= 1:
        return list(patches)
    if share <= 0:
        return []
    found = []
    for patch in patches:
        image = patch.image.copy()
        image.putalpha(image.getchannel("A").point(lambda alpha: round(alpha * share)))
        found.append(Patch(patch.x, patch.y, image))
    return found
