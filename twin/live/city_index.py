"""Bands and indices of every station of a city at a moment, from the means that a table asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.live.air_index import RECENT_HOURS, StationSeries, mean_of, station_index
from twin.live.bands import NO_BAND, classify, label, station_borders
from twin.live.concentrations import is_convertible
from twin.live.means import HOUR_US
from twin.live.model import Quality

if TYPE_CHECKING:
    from twin.live.bands import BandTable
    from twin.live.model import Datastream
    from twin.live.store import Store

Row = dict[str, Any]


def index_rows(store: Store, table: BandTable, *, at_us: int, language: str = "en") -> list[Row]:
    """What a table says of every station that measures one of its properties.

    Parameters
    ----------
    store : Store
    table : BandTable
    at_us : int
        Microseconds, UTC.
    language : str
        Of the bands: en, ko or fi.

    Returns
    -------
    list of dict
        ``thing``, ``name``, ``index`` (None for tables without one, or where it cannot be told), ``band`` and ``label``
        of the index, else of the worst property, ``main`` (the property that decides), ``missing``, and
        ``properties``: mean, unit and band of each, None where its mean is not covered.
    """
    catalogue = store.catalogue()
    by_thing: dict[str, dict[str, Datastream]] = {}
    for stream in catalogue.datastreams:
        scale = table.scales.get(stream.observed_property)
        if scale is not None and is_convertible(stream.unit, scale.unit, gas=stream.observed_property):
            by_thing.setdefault(stream.thing, {})[stream.observed_property] = stream
    return [
        {"thing": thing, "name": catalogue.thing(thing).name, **_row(store, table, streams, at_us, language)}
        for thing, streams in by_thing.items()
    ]


def _row(store: Store, table: BandTable, streams: dict[str, Datastream], at_us: int, language: str) -> Row:
    series = {name: _series(store, stream, at_us) for name, stream in streams.items()}
    told = {name: _property(table, name, streams[name], s, at_us) for name, s in series.items()}
    if table.index is not None:
        found = station_index(table, series, at_us=at_us)
        value = None if np.isnan(found.value) else found.value
        band, main, missing = found.band, found.main, found.missing
    else:
        worst = max(told, key=lambda name: (told[name]["place"], name))
        value, band, main, missing = None, told[worst]["place"], worst, ()
    named = band != NO_BAND
    return {
        "index": value,
        "band": table.bands[band].key if named else None,
        "label": label(table.bands[band], language) if named else None,
        "main": main if named else None,
        "missing": list(missing),
        "properties": {n: {k: v for k, v in p.items() if k != "place"} for n, p in told.items()},
    }


def _series(store: Store, stream: Datastream, at_us: int) -> StationSeries:
    history = store.history(stream.id, at_us - RECENT_HOURS * HOUR_US, at_us)
    values = np.where(history.quality < Quality.INVALID, history.number, np.nan)
    return StationSeries(history.time, values, stream.unit)


def _property(
    table: BandTable, name: str, stream: Datastream, series: StationSeries, at_us: int
) -> dict[str, Any]:
    """Mean and band of one property; a single value where the table asks for no mean."""
    scale = table.scales[name]
    mean = mean_of(table, name, series, at_us=at_us)
    borders = station_borders(table, name, stream.properties) if scale.borders_of_station else None
    is_known = np.isfinite(mean) and borders != ()
    place = int(classify(table, name, [mean], unit=scale.unit, borders=borders)[0]) if is_known else NO_BAND
    return {
        "mean": round(mean, 5) if np.isfinite(mean) else None,
        "hours": scale.mean_h or None,
        "unit": scale.unit,
        "band": table.bands[place].key if place != NO_BAND else None,
        "place": place,
    }
