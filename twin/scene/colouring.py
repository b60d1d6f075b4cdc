"""The attributes of a scene's buildings as colours: a column is read once, the last paintings are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from twin.scene.added_layers import RASTER_MAP
from twin.scene.attributes import Values, read_values
from twin.scene.colour import ColourBy, Legend, Painting, paint_buildings, parse_colour_by

if TYPE_CHECKING:
    from pathlib import Path

    from twin.scene.pack import ScenePack
    from twin.scene.style import Style

_KEPT = 8


def tells_same(quantity: str, attribute: str) -> bool:
    """Whether a column of buildings tells what a raster tells.

    Examples
    --------
    >>> tells_same("sun_h", "wall_sun_h"), tells_same("sun_h", "height_m"), tells_same("", "height_m")
    (True, False, False)
    """
    return bool(quantity) and (attribute == quantity or attribute.endswith(f"_{quantity}"))


class Colouring:
    """Paints the buildings of a pack.

    Parameters
    ----------
    pack : ScenePack
    base : Path
        Folder from which the pack names its tables.
    style : Style
    """

    def __init__(self, pack: ScenePack, base: Path, style: Style) -> None:
        self._pack, self._base, self._style = pack, base, style
        self._columns: dict[str, tuple[Values, str]] = {}
        self._painted: dict[str, tuple[Painting, Legend]] = {}

    def paint(self, color_by: str | ColourBy | None) -> tuple[Painting | None, Legend | None]:
        """Colours by an attribute and their legend; None for the buildings' own.

        Raises
        ------
        UsageError
            If there is no such attribute, or it is empty everywhere.
        """
        by = self._asked(color_by)
        if by is None:
            return None, None
        key = repr(by)
        if key not in self._painted:
            values, unit = self._column(by.attribute)
            missing = self._style.rgb("building.missing")
            self._painted[key] = paint_buildings(values, by, unit=unit, missing=missing)
            self._forget()
        return self._painted[key]

    def is_painted(self, color_by: str | ColourBy | None) -> bool:
        """Whether the colours are at hand."""
        by = self._asked(color_by)
        return by is None or repr(by) in self._painted

    def _asked(self, color_by: str | ColourBy | None) -> ColourBy | None:
        wanted = color_by or self._style.color_by
        if not wanted:
            return None
        by = parse_colour_by(wanted) if isinstance(wanted, str) else wanted
        by = self._as_on_the_ground(by)
        return replace(by, categories={**self._style.categories, **by.categories})

    def _as_on_the_ground(self, by: ColourBy) -> ColourBy:
        """The classes of a raster below that tells the same quantity, where nobody asked for others."""
        if by.method != "natural" or by.colour_map is not None:
            return by
        for entry in self._pack.meta.overlays:
            told = entry.classes
            if told is not None and told.breaks and tells_same(told.quantity, by.attribute):
                return replace(
                    by,
                    method="given",
                    breaks=told.breaks,
                    n_classes=max(2, min(12, len(told.breaks) + 1)),
                    colour_map=RASTER_MAP,
                )
        return by

    def _column(self, attribute: str) -> tuple[Values, str]:
        if attribute not in self._columns:
            tables = [(str(self._base / p), column, units) for p, column, units in self._pack.meta.attributes]
            self._columns[attribute] = read_values(tables, attribute, self._pack["building_ids"])
        return self._columns[attribute]

    def _forget(self) -> None:
        for kept in (self._painted, self._columns):
            while len(kept) > _KEPT:
                del kept[next(iter(kept))]
