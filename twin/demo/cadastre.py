"""Footprints as a cadastre has them: walls without eaves, to the centimetre, and not all of them right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.errors import UsageError
from twin.demo.chance import stream, unit
from twin.demo.layout import cell_plan
from twin.demo.partition import outline_of
from twin.demo.skeleton import to_world

if TYPE_CHECKING:
    from twin.demo.layout import Layout
    from twin.demo.plan import Building

    Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FootprintDefects:
    """Shares of buildings whose footprint is wrong, by kind of defect.

    Parameters
    ----------
    simplified : float
        Drawn as the smallest rectangle around; only where the walls are more than that.
    shifted : float
        Moved by 0.6 to 1.8 m.
    merged : float
        Drawn as one with the next house of the row; only where there is one.
    missing : float
        Not there.
    invalid : float
        With an outline that crosses itself near its first corner.
    duplicated : float
        There twice, the second time under another id.
    """

    simplified: float = 0.05
    shifted: float = 0.04
    merged: float = 0.03
    missing: float = 0.02
    invalid: float = 0.02
    duplicated: float = 0.02

    def __post_init__(self) -> None:
        shares = self.shares()
        if min(shares.values()) < 0 or sum(shares.values()) > 1:
            raise UsageError(
                "footprint defects", f"{shares} are no shares of one whole", "keep them within 0 to 1"
            )

    def shares(self) -> dict[str, float]:
        """Kind of defect to share, in the order in which they are dealt."""
        return {name: getattr(self, name) for name in self.__slots__}


OVERSHOOT_M = 0.6
"""How far the last edge of an outline that crosses itself runs past its first corner."""
NO_DEFECTS = FootprintDefects(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the cadastre makes of one building.

    Parameters
    ----------
    building : Building
        The building as it is.
    outline : Polygon
        Its walls on the map.
    footprint_id : str or None
        Under which id its footprint stands, if it is there at all.
    defect : str
        Kind of defect, or nothing.
    rows : tuple
        Rows of ``footprints.gpkg`` that begin here.
    """

    building: Building
    outline: Any
    footprint_id: str | None
    defect: str
    rows: tuple[Row, ...]


def cell_entries(layout: Layout, defects: FootprintDefects, i: int, j: int) -> list[Entry]:
    """What the cadastre makes of the buildings of a cell, in their order."""
    buildings = cell_plan(layout, i, j).buildings
    outlines = [map_outline(b) for b in buildings]
    entries: list[Entry] = []
    taken: dict[int, str] = {}
    for k, building in enumerate(buildings):
        if k in taken:
            entries.append(Entry(building, outlines[k], taken[k], "merged", ()))
            continue
        kind = _defect(layout.seed, defects, building)
        other = _next_in_row(outlines, k) if kind == "merged" else None
        if kind == "merged" and (other is None or other in taken):
            kind = ""
        if kind == "simplified" and outlines[k].minimum_rotated_rectangle.area < outlines[k].area * 1.02:
            kind = ""
        if kind == "merged" and other is not None:
            taken[other] = building.id
        entries.append(
            _entry(layout.seed, building, outlines[k], kind, None if other is None else outlines[other])
        )
    return entries


def _next_in_row(outlines: list[Any], k: int) -> int | None:
    """The next building that stands wall to wall with one; a garden shed or two may be planned between them."""
    after = range(k + 1, min(k + 4, len(outlines)))
    return next((m for m in after if shapely.distance(outlines[k], outlines[m]) < 0.05), None)


def map_outline(building: Building) -> Any:
    """The walls on the map, exactly."""
    return shapely.transform(outline_of(building.parts), lambda xy: to_world(building.to_uv(xy)))


def _defect(seed: int, defects: FootprintDefects, building: Building) -> str:
    die = unit(seed, "defect", *(int(part) for part in building.id.split("-")[1:]))
    for kind, share in defects.shares().items():
        if die < share:
            return kind
        die -= share
    return ""


def _entry(seed: int, building: Building, outline: Any, kind: str, neighbour: Any) -> Entry:
    shape = _rounded(outline)
    if kind == "missing":
        return Entry(building, outline, None, kind, ())
    if kind == "simplified":
        shape = _rounded(outline.minimum_rotated_rectangle)
    elif kind == "shifted":
        shape = _rounded(_shifted(seed, building, outline))
    elif kind == "merged":
        shape = _rounded(shapely.union_all([shape, _rounded(neighbour)], grid_size=0.01))
    elif kind == "invalid":
        shape = _crossed(shape)
    rows = [_row(building, building.id, shape)]
    if kind == "duplicated":
        rows.append(_row(building, f"{building.id}-D", shape))
    return Entry(building, outline, building.id, kind, tuple(rows))


def _rounded(shape: Any) -> Any:
    return shapely.transform(shape, lambda xy: np.round(xy, 2))


def _shifted(seed: int, building: Building, outline: Any) -> Any:
    rng = stream(seed, "shift", *(int(part) for part in building.id.split("-")[1:]))
    turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.8)
    return shapely.transform(outline, lambda xy: xy + far * np.array([np.cos(turn), np.sin(turn)]))


def _crossed(shape: Any) -> Any:
    """The outline as someone drew it who missed its first corner in closing: it ends in a small loop."""
    ring = shapely.get_coordinates(shapely.orient_polygons(shape).exterior)[:-1]
    along = np.roll(ring, -1, 0) - ring
    along /= np.hypot(along[:, 0], along[:, 1])[:, None]
    before = np.roll(along, 1, 0)
    turn = before[:, 0] * along[:, 1] - before[:, 1] * along[:, 0]
    k = int(turn.argmax())  # the sharpest corner that points outwards
    room = float(np.hypot(*(ring[(k + 1) % len(ring)] - ring[k])))
    missed = ring[k] + OVERSHOOT_M * before[k] + min(OVERSHOOT_M, 0.4 * room) * along[k]
    holes = [shapely.get_coordinates(hole) for hole in shape.interiors]
    return shapely.Polygon(np.round(np.vstack([np.roll(ring, -k, 0), missed]), 2), holes)


def _row(building: Building, number: str, shape: Any) -> Row:
    return {
        "id": number,
        "use": building.use,
        "storeys": building.storeys,
        "year": building.year,
        "name_ko": building.name.ko,
        "name_en": building.name.en,
        "name": building.name.both,
        "address_ko": building.address.ko,
        "address_en": building.address.en,
        "geometry": shape,
    }
