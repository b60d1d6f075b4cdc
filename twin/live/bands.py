"""Bands of an index or a scale: what a value means, by tables with source and edition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.assets import asset_names, asset_path
from twin.core.errors import ConfigError, UsageError
from twin.live.concentrations import convert
from twin.live.toml_tables import closest, known_keys, number, numbers, read_toml, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

FOLDER = "bands"
LANGUAGES = ("en", "ko", "fi")
NO_BAND = -1
_TOP = {
    "title", "edition", "source", "address", "gas_temperature_c", "border_belongs", "index", "band", "property",
}  # fmt: skip
_PROPERTY = {"unit", "mean_h", "step", "borders", "greatest", "forecast_from", "bands", "borders_of_station"}
_INDEX = {"needs", "least_of_additions", "additions", "greatest"}


@dataclass(frozen=True, slots=True)
class Band:
    """One band: its key, its colour, what it is called, and the part of the index that belongs to it."""

    key: str
    colour: tuple[int, int, int]
    label: Mapping[str, str]
    index: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """How one observed property is banded.

    Parameters
    ----------
    unit : str
        UCUM unit of the borders.
    bands : tuple of int
        Places of its bands in the table, one more than borders.
    borders : tuple of float
        Ascending; empty where each station has its own.
    mean_h : float
        Hours of the mean that is banded; 0 for single values.
    step : float
        To which values are rounded first; 0 for none.
    greatest : float
        Value of the end of the index.
    forecast_from : float
        Least value that the forecast mean of 24 h damps; infinite where it is not used.
    borders_of_station : str
        Property of the datastream that holds its borders.
    """

    unit: str
    bands: tuple[int, ...]
    borders: tuple[float, ...]
    mean_h: float = 0.0
    step: float = 0.0
    greatest: float = math.inf
    forecast_from: float = math.inf
    borders_of_station: str = ""


@dataclass(frozen=True, slots=True)
class IndexRule:
    """How sub-indices become one: which must be there, and what is added where several are bad."""

    needs: tuple[str, ...]
    least_of_additions: int
    additions: tuple[float, ...]
    greatest: float


@dataclass(frozen=True, slots=True)
class BandTable:
    """A table of bands with where it stands."""

    name: str
    title: str
    edition: str
    source: str
    bands: tuple[Band, ...]
    scales: Mapping[str, Scale]
    gas_temperature_c: float = 25.0
    is_border_above: bool = False
    """Whether a value at a border belongs to the band above it."""
    index: IndexRule | None = None

    def place(self, key: str) -> int:
        """Place of a band by its key.

        Raises
        ------
        UsageError
            If there is none.
        """
        keys = [band.key for band in self.bands]
        if key not in keys:
            raise UsageError(self.name, f"has no band {key!r}", closest(key, keys))
        return keys.index(key)


def band_tables() -> tuple[str, ...]:
    """Names of the shipped tables.

    Examples
    --------
    >>> {"korea-cai", "who-2021", "eaqi"} <= set(band_tables())
    True
    """
    return tuple(n.removesuffix(".toml") for n in asset_names(FOLDER))


def read_bands(name: str | Path) -> BandTable:
    """A shipped table by its name, or one of your own by its file.

    Raises
    ------
    UsageError
        If there is none of that name.
    ConfigError
        If the file has a mistake.

    Examples
    --------
    >>> table = read_bands("korea-cai")
    >>> table.bands[2].label["ko"], table.scales["o3"].borders
    ('나쁨', (0.03, 0.09, 0.15))
    """
    path = Path(name)
    if str(name) in band_tables():
        path = asset_path(f"{FOLDER}/{name}.toml")
    elif path.suffix.lower() != ".toml":
        raise UsageError("bands", f"there is no table {str(name)!r}", closest(str(name), band_tables()))
    data = read_toml(path)
    known_keys(path, data, _TOP)
    bands = _bands(path, data.get("band"))
    places = {band.key: i for i, band in enumerate(bands)}
    side = data.get("border_belongs", "below")
    if side not in {"above", "below"}:
        raise ConfigError(f"{path}: border_belongs", f"is {side!r}", "write above or below")
    title, edition, source = (words(path, data, key) for key in ("title", "edition", "source"))
    return BandTable(
        path.stem,
        title,
        edition,
        source,
        bands,
        _scales(path, data.get("property"), places),
        number(path, data, "gas_temperature_c", default=25.0),
        side == "above",
        _index(path, data["index"], places) if "index" in data else None,
    )


def _bands(path: Path, given: Any) -> tuple[Band, ...]:
    if not isinstance(given, list) or len(given) < 2:
        raise ConfigError(f"{path}: band", "must be two tables or more", "write [[band]] for each")
    bands = tuple(_band(path, f"band.{i}", entry) for i, entry in enumerate(given))
    if len({b.key for b in bands}) < len(bands):
        raise ConfigError(f"{path}: band", "two have one key", "give each its own")
    return bands


def _band(path: Path, place: str, entry: Any) -> Band:
    known_keys(path, entry, {"key", "colour", "label", "index"}, place=place)
    label = entry.get("label")
    if not isinstance(label, dict) or not isinstance(label.get("en"), str):
        raise ConfigError(f"{path}: {place}.label", "has no English text", 'write { en = "..." }')
    index = numbers(path, entry, "index", place=place) if "index" in entry else None
    if index is not None and len(index) != 2:
        raise ConfigError(f"{path}: {place}.index", "is no pair", "write the lowest and the highest")
    low_high = (index[0], index[1]) if index else None
    return Band(words(path, entry, "key", place=place), _colour(path, place, entry), dict(label), low_high)


def _colour(path: Path, place: str, entry: Mapping[str, Any]) -> tuple[int, int, int]:
    text = words(path, entry, "colour", place=place)
    try:
        red, green, blue = bytes.fromhex(text.removeprefix("#"))
    except ValueError:
        raise ConfigError(f"{path}: {place}.colour", f"is {text!r}", "write it as #rrggbb") from None
    return red, green, blue


def _scales(path: Path, given: Any, places: Mapping[str, int]) -> dict[str, Scale]:
    if not isinstance(given, dict) or not given:
        raise ConfigError(f"{path}: property", "is missing", "write [property.NAME] for each")
    return {name: _scale(path, f"property.{name}", entry, places) for name, entry in given.items()}


def _scale(path: Path, place: str, entry: Any, places: Mapping[str, int]) -> Scale:
    known_keys(path, entry, _PROPERTY, place=place)
    keys = entry.get("bands", list(places))
    if not isinstance(keys, list) or not set(keys) <= places.keys():
        raise ConfigError(f"{path}: {place}.bands", f"names {keys!r}", f"choose among {', '.join(places)}")
    own = words(path, entry, "borders_of_station", place=place) if "borders_of_station" in entry else ""
    borders = () if own else numbers(path, entry, "borders", place=place)
    if not own and (len(borders) != len(keys) - 1 or any(b <= a for a, b in pairwise(borders))):
        what = f"{len(borders)} borders of {len(keys)} bands, or not ascending"
        raise ConfigError(f"{path}: {place}.borders", what, f"give {len(keys) - 1}, ascending")
    return Scale(
        words(path, entry, "unit", place=place),
        tuple(places[k] for k in keys),
        borders,
        number(path, entry, "mean_h", place=place, default=0.0),
        number(path, entry, "step", place=place, default=0.0),
        number(path, entry, "greatest", place=place, default=math.inf),
        number(path, entry, "forecast_from", place=place, default=math.inf),
        own,
    )


def _index(path: Path, entry: Any, places: Mapping[str, int]) -> IndexRule:
    known_keys(path, entry, _INDEX, place="index")
    least = words(path, entry, "least_of_additions", place="index")
    if least not in places:
        raise ConfigError(
            f"{path}: index.least_of_additions", f"{least!r} is no band", closest(least, places)
        )
    additions = numbers(path, entry, "additions", place="index")
    needs = entry.get("needs")
    if not isinstance(needs, list) or not additions:
        raise ConfigError(f"{path}: index", "needs and additions must be lists", "compare a shipped table")
    return IndexRule(tuple(map(str, needs)), places[least], additions, number(path, entry, "greatest"))


def classify(
    table: BandTable,
    observed_property: str,
    values: ArrayLike,
    *,
    unit: str,
    borders: Sequence[float] | None = None,
) -> NDArray[np.int8]:
    """Band of each value, as its place in the table; `NO_BAND` where there is no value.

    Parameters
    ----------
    table : BandTable
    observed_property : str
        Such as ``pm2_5``.
    values : array, any shape
        Already averaged over the scale's hours.
    unit : str
        Of the values; converted where it differs from that of the borders.
    borders : sequence of float, optional
        Those of a station, ascending, in `unit`; fewer than the table's use its first bands.

    Raises
    ------
    UsageError
        If the table does not know the property, or the unit does not fit.

    Examples
    --------
    >>> classify(read_bands("korea-cai"), "pm2_5", [15, 15.4, 16, np.nan, 76], unit="ug/m3").tolist()
    [0, 0, 1, -1, 3]
    """
    scale = scale_of(table, observed_property)
    found = converted(table, observed_property, values, unit=unit)
    limits = scale.borders
    if borders is not None:
        limits = tuple(convert(list(borders), unit=unit, to=scale.unit, gas=observed_property).tolist())
    if not limits or len(limits) > len(scale.bands) - 1:
        what = f"{len(limits)} borders for {observed_property}, where up to {len(scale.bands) - 1} are known"
        raise UsageError(table.name, what, f"give the station's {scale.borders_of_station or 'borders'}")
    side = "right" if table.is_border_above else "left"
    places = np.asarray(scale.bands)[np.searchsorted(np.asarray(limits), found.ravel(), side=side)]  # type: ignore[call-overload]
    return np.where(np.isnan(found), NO_BAND, places.reshape(found.shape)).astype(np.int8)


def station_borders(
    table: BandTable, observed_property: str, properties: Mapping[str, Any]
) -> tuple[float, ...]:
    """Borders that a station has of its own, from the properties of its datastream; empty where it has none.

    They are a row of ascending numbers, or a table by the keys of the bands that they begin; a step that is left out
    begins with the next one.

    Examples
    --------
    >>> table = read_bands("korea-water-stage")
    >>> station_borders(table, "water_level", {"stages": {"interest": 1.0, "serious": 2.5}})
    (1.0, 2.5, 2.5, 2.5)
    """
    scale = scale_of(table, observed_property)
    given = properties.get(scale.borders_of_station) if scale.borders_of_station else None
    if isinstance(given, dict):
        given = _by_key(table, scale, given)
    if not isinstance(given, list | tuple) or not 0 < len(given) < len(scale.bands):
        return ()
    if not all(isinstance(g, int | float) and not isinstance(g, bool) and math.isfinite(g) for g in given):
        return ()
    return tuple(map(float, given)) if all(b >= a for a, b in pairwise(given)) else ()


def _by_key(table: BandTable, scale: Scale, given: Mapping[str, Any]) -> list[Any]:
    """Where each band begins, the highest of those given first looked at."""
    borders: list[Any] = []
    for place in reversed(scale.bands[1:]):
        own = given.get(table.bands[place].key)
        if own is not None or borders:
            borders.append(borders[-1] if own is None else own)
    return borders[::-1]


def converted(
    table: BandTable, observed_property: str, values: ArrayLike, *, unit: str, is_rounded: bool = True
) -> NDArray[np.float64]:
    """Values in the unit of a scale, rounded to its step (halves up, as by hand) unless told otherwise."""
    scale = scale_of(table, observed_property)
    found = convert(
        values, unit=unit, to=scale.unit, gas=observed_property, temperature_c=table.gas_temperature_c
    )
    if not (scale.step and is_rounded):
        return found
    digits = max(0, -math.floor(math.log10(scale.step)))
    return np.asarray(np.round(np.floor(found / scale.step + 0.5 + 1e-9) * scale.step, digits))


def scale_of(table: BandTable, observed_property: str) -> Scale:
    """The scale of a property.

    Raises
    ------
    UsageError
        If the table has none.
    """
    if observed_property not in table.scales:
        raise UsageError(
            table.name, f"has no bands for {observed_property!r}", closest(observed_property, table.scales)
        )
    return table.scales[observed_property]


def colours(table: BandTable, bands: ArrayLike) -> NDArray[np.uint8]:
    """Colour of each band, shape (n, 3); grey where there is none."""
    palette = np.array([*(b.colour for b in table.bands), (150, 150, 150)], np.uint8)
    return palette[np.asarray(bands)]  # NO_BAND is the last


def label(band: Band, language: str = "en") -> str:
    """What a band is called; in English where the language is not known."""
    return band.label.get(language, band.label["en"])


__all__ = [
    "NO_BAND",
    "Band",
    "BandTable",
    "IndexRule",
    "Scale",
    "band_tables",
    "classify",
    "colours",
    "label",
    "read_bands",
    "station_borders",
]
