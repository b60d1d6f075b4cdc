"""An index of air at the stations of a city as a layer over time: from the means that it asks for, no single values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.colour import Legend, LegendEntry
from twin.scene.layers import LayerView, MarkerState, MarkerView
from twin.scene.live_looks import HIGHEST_M, LEAST_M, look_of
from twin.scene.live_stations import positions_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.live.bands import BandTable

NOTHING_RGB = (150, 150, 150)


@dataclass(frozen=True)
class IndexLayer:
    """What a table of bands says of each station, as ``twin live index`` does.

    Parameters
    ----------
    city : Path
        Its folder.
    bands : str
        A shipped table, such as ``korea-cai``, or a file.
    height_at : callable, optional
        Gives the ground's elevation at eastings and northings, for places without one.

    Raises
    ------
    UsageError
        If there is no such table.

    Examples
    --------
    >>> import twin
    >>> city = twin.open_city("town.twin")  # doctest: +SKIP
    >>> twin.Scene(city, [IndexLayer(city.path, "korea-cai")]).snapshot("index.png")  # doctest: +SKIP
    """

    city: Path
    bands: str = "korea-cai"
    height_at: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]] | None = None
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        from twin.live.bands import read_bands

        self._kept["table"] = read_bands(self.bands)

    @property
    def name(self) -> str:
        """As ``--layer`` asks for it."""
        return f"index:{self.bands}"

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last observation of the city."""
        from twin.live.store import open_store
        from twin.scene.live_layer import moment_of_us

        with open_store(self.city) as store:
            found = store.span()
        return None if found is None else (moment_of_us(found[0]), moment_of_us(found[1]))

    def at(self, when: datetime | None) -> LayerView:
        """Every station that measures what the table bands, by the means up to a moment; the newest ones without."""
        from twin.live.city_index import index_rows
        from twin.live.model import MICROSECONDS
        from twin.live.store import open_store

        table: BandTable = self._kept["table"]
        with open_store(self.city) as store:
            at_us = round(when.timestamp() * MICROSECONDS) if when else (store.span() or (0, 0))[1]
            rows = index_rows(store, table, at_us=at_us)
            things = {t.id: t for t in store.catalogue().things}
        rows = [row for row in rows if things[row["thing"]].place.position is not None]
        if not rows:
            return LayerView(remarks=(f"{table.title}: no station measures what it bands",))
        return LayerView(
            markers=self._markers(rows, tuple(things[row["thing"]] for row in rows), table),
            legends=(_legend(table),),
            remarks=_remarks(rows, table),
        )

    def _markers(self, rows: list[dict[str, Any]], things: Any, table: BandTable) -> MarkerView:
        places = [
            NOTHING_RGB if row["band"] is None else table.bands[table.place(row["band"])].colour
            for row in rows
        ]
        known = np.array([row["band"] is not None for row in rows])
        return MarkerView(
            tuple(row["thing"] for row in rows),
            positions_of(things, self.height_at),
            np.array(places, np.uint8),
            np.where(known, MarkerState.FRESH, MarkerState.MISSING).astype(np.uint8),
            np.array([_height_m(row, table) for row in rows]),
            tuple(_text(row) for row in rows),
        )


def _height_m(row: dict[str, Any], table: BandTable) -> float:
    """Height of a column: by the index, or by how far up its band lies where the table has no index."""
    if row["band"] is None:
        return float("nan")
    if row["index"] is not None and table.index is not None:
        share = row["index"] / table.index.greatest * 2  # half of the greatest is as bad as it gets
    else:
        share = table.place(row["band"]) / max(1, len(table.bands) - 1)
    return LEAST_M + min(1.0, share) * (HIGHEST_M - LEAST_M)


def _text(row: dict[str, Any]) -> str:
    if row["band"] is None:
        return "no index"
    main = f" · {look_of(row['main']).title}" if row["main"] else ""
    return f"{row['label']}{main}" if row["index"] is None else f"{row['index']:.0f} {row['label']}{main}"


def _legend(table: BandTable) -> Legend:
    entries = tuple(
        LegendEntry(
            _with_index(band.label["en"], band.index),
            band.colour,
            "point",
            tuple((code, _with_index(text, band.index)) for code, text in sorted(band.label.items())),
        )
        for band in table.bands
    )
    return Legend(table.title, entries)


def _with_index(text: str, index: tuple[float, float] | None) -> str:
    return text if index is None else f"{text} {index[0]:g}–{index[1]:g}"


def _remarks(rows: list[dict[str, Any]], table: BandTable) -> tuple[str, ...]:
    """How many stations have no index, and what their means lack."""
    without = [row for row in rows if row["band"] is None]
    if not without:
        return ()
    lacks = sorted({look_of(name).title for row in without for name in row["missing"]})
    why = f" (not enough hours of {', '.join(lacks)})" if lacks else ""
    return (f"{table.name}: {len(without)} of {len(rows)} stations without index{why}",)
