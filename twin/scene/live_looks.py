"""How observed properties look in a scene: colours by bands, height by value, names and units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from twin.scene.colour import Legend, LegendEntry, colour_map
from twin.scene.flood_colours import depth_classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.live.bands import BandTable
    from twin.live.model import Datastream

    Kind = Literal["area", "line", "point"]

HIGHEST_M = 45.0
"""Height of a column whose value is the greatest that is told apart."""
LEAST_M = 6.0
_FROM = {"ko": "{} ({} 이상)", "fi": "{} (vähintään {})"}
"""A band and its lower border."""
PLAIN_RGB = (52, 112, 168)
_WIDE = 50.0
"""From this ratio of its ends on a colour map is logarithmic."""


@dataclass(frozen=True, slots=True)
class PropertyLook:
    """How one property is shown.

    Parameters
    ----------
    name, title : str
        As datastreams call it, and as a legend does.
    bands : str
        Table of bands; empty for none.
    full : float
        Value at which a column is as high as any; 0 gives columns of one height.
    """

    name: str
    title: str
    bands: str = ""
    full: float = 0.0


LOOKS = tuple(
    PropertyLook(*fields)
    for fields in (
        ("water_depth", "Water depth", "", 1.0),
        ("water_level", "Water level", "korea-water-stage", 4.0),
        ("rain_rate", "Rain", "korea-rain", 60.0),
        ("pm2_5", "PM2.5", "korea-cai", 100.0),
        ("pm10", "PM10", "korea-cai", 200.0),
        ("o3", "Ozone", "korea-cai", 0.15),
        ("no2", "NO2", "korea-cai", 0.2),
        ("co", "CO", "korea-cai", 15.0),
        ("sound_level", "Noise", "noise-eu", 90.0),
        ("air_temperature", "Air temperature", "", 40.0),
        ("wind_speed", "Wind", "", 30.0),
        ("vehicle_speed", "Vehicle speed", "korea-traffic", 80.0),
        ("vehicle_count", "Vehicles", "", 60.0),
        ("power", "Power", "", 0.0),
    )
)
"""Properties that are known, the ones that matter most first; a thing is shown by the first that it has."""


def look_of(name: str) -> PropertyLook:
    """How a property is shown; plainly, if it is not known.

    Examples
    --------
    >>> look_of("pm2_5").title, look_of("soil_moisture").title
    ('PM2.5', 'Soil moisture')
    """
    for look in LOOKS:
        if look.name == name:
            return look
    return PropertyLook(name, name.replace("_", " ").capitalize() or "Value")


def rank_of(name: str) -> int:
    """Place of a property among the known ones; after all of them if it is not known."""
    names = [look.name for look in LOOKS]
    return names.index(name) if name in names else len(names)


class Colouring:
    """Colours of one property of some datastreams.

    Parameters
    ----------
    name : str
        The property.
    streams : list of Datastream
        One unit is taken for all; those whose unit no table converts are plain.
    spread : tuple of float, optional
        Values at the ends of the colour map, for a property without bands.
    """

    def __init__(
        self, name: str, streams: list[Datastream], spread: tuple[float, float] | None = None
    ) -> None:
        self.look = look_of(name)
        self.unit = streams[0].unit if streams else ""
        self.symbol = (streams[0].symbol or self.unit) if streams else ""
        self.spread = spread
        self.table = _table(self.look, self.unit)
        self._borders = _borders(self.table, name, streams)

    def rgb(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Colours of values of all the streams, shape (n, 3); grey where there is none."""
        if self.table is not None:
            return self._by_bands(self.table, values)
        if self.look.name == "water_depth":
            classes = depth_classes()
            place = np.searchsorted(np.asarray(classes.breaks), np.nan_to_num(values), side="right")
            return np.asarray(classes.colours, np.uint8)[place]
        if self.spread is not None:
            low, high = self.spread
            share = _shares(np.nan_to_num(values, nan=low), low, high)
            return colour_map("viridis")[np.rint(share * 255).astype(np.int64)]
        return np.tile(np.array(PLAIN_RGB, np.uint8), (len(values), 1))

    def _by_bands(self, table: BandTable, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        from twin.live.bands import NO_BAND, classify, colours, scale_of

        name = self.look.name
        if not scale_of(table, name).borders_of_station:
            return colours(table, classify(table, name, values, unit=self.unit))
        rgb = np.tile(np.array(PLAIN_RGB, np.uint8), (len(values), 1))
        for i, borders in enumerate(self._borders):
            if borders and np.isfinite(values[i]):
                band = classify(table, name, [values[i]], unit=self.unit, borders=borders)
                rgb[i] = colours(table, np.where(band == NO_BAND, NO_BAND, band))[0]
        return rgb

    def heights_m(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights of columns, metres; NaN where there is no value."""
        share = values / self.look.full if self.look.full else np.where(np.isfinite(values), 0.0, np.nan)
        return LEAST_M + np.clip(share, 0, 1.2) * (HIGHEST_M - LEAST_M)

    def text(self, value: float) -> str:
        """A value with its unit, in as many figures as it is worth."""
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        number = f"{value:.{digits}f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"
        return f"{number} {self.symbol}" if self.symbol not in {"", "1"} else number.rstrip("0").rstrip(".")

    @property
    def has_classes(self) -> bool:
        """Whether bands or classes give the colours, not ends of a colour map."""
        return self.table is not None or self.look.name == "water_depth"

    @property
    def legend(self) -> Legend:
        """What the colours of marks mean."""
        return self.legend_of("point", "gauges" if self.look.name == "water_depth" else "")

    def legend_of(self, kind: Kind, where: str = "") -> Legend:
        """What the colours mean, with swatches of a kind; `where` tells of what they are."""
        unit = f", {self.symbol}" if self.symbol not in {"", "1"} else ""
        title = f"{self.look.title}{unit}" + (f" ({where})" if where else "")
        if self.table is not None and (not self._borders or any(self._borders)):
            return Legend(title, _band_entries(self.table, self.look.name, kind))
        if self.look.name == "water_depth":
            classes = depth_classes()
            pairs = zip(classes.texts, classes.colours, strict=True)
            return Legend(title, tuple(LegendEntry(t, rgb, kind) for t, rgb in pairs))
        if self.spread is not None:
            return Legend(title, _map_entries(*self.spread, kind))
        return Legend("", (LegendEntry(self.look.title, PLAIN_RGB, kind),))


def _table(look: PropertyLook, unit: str) -> BandTable | None:
    """The bands of a property, if its unit can be brought to theirs."""
    if not look.bands:
        return None
    from twin.core.errors import TwinError
    from twin.live.bands import read_bands, scale_of
    from twin.live.concentrations import convert

    table = read_bands(look.bands)
    try:
        convert([1.0], unit=unit, to=scale_of(table, look.name).unit, gas=look.name)
    except (TwinError, ValueError):
        return None
    return table


def _borders(table: BandTable | None, name: str, streams: list[Datastream]) -> list[tuple[float, ...]]:
    """The borders of each station, where a table leaves them to the stations."""
    from twin.live.bands import scale_of, station_borders

    if table is None or not scale_of(table, name).borders_of_station:
        return []
    return [station_borders(table, name, stream.properties) for stream in streams]


def _band_entries(table: BandTable, name: str, kind: Kind) -> tuple[LegendEntry, ...]:
    from twin.live.bands import label, scale_of

    scale = scale_of(table, name)
    entries = []
    for k, place in enumerate(scale.bands):
        band = table.bands[place]
        low = f"{scale.borders[k - 1]:g}" if scale.borders and k else ""
        text = f"{label(band)} from {low}" if low else label(band)
        words = tuple(
            (code, phrase.format(label(band, code), low).rstrip() if low else label(band, code))
            for code, phrase in _FROM.items()
        )
        entries.append(LegendEntry(text, band.colour, kind, words))
    return tuple(entries)


def _is_wide(low: float, high: float) -> bool:
    """Whether values differ so much that equal factors, not equal steps, are told apart."""
    return 0 < low < high / _WIDE


def _shares(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """How far along a colour map values lie, from 0 to 1."""
    if _is_wide(low, high):
        values, low, high = np.log(np.maximum(values, low)), float(np.log(low)), float(np.log(high))
    return np.clip((values - low) / max(high - low, 1e-12), 0, 1)


def _map_entries(low: float, high: float, kind: Kind) -> tuple[LegendEntry, ...]:
    colours = colour_map("viridis")
    values = np.geomspace(low, high, 5) if _is_wide(low, high) else np.linspace(low, high, 3)
    entries = []
    for value, share in zip(values.tolist(), _shares(values, low, high).tolist(), strict=True):
        r, g, b = (int(c) for c in colours[round(share * 255)])
        entries.append(LegendEntry(f"{value:.3g}", (r, g, b), kind))
    return tuple(entries)
