"""Units as people write them, by UCUM, and those that are converted when results come in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_KEPT = {
    "m": ("m", "metre", "meter", "metres", "meters", "미터"),
    "mm": ("mm", "millimetre", "millimeter"),
    "km": ("km",),
    "m2": ("m²",),
    "m3": ("m³",),
    "m/s": ("m/s", "m s-1", "ms-1", "mps"),
    "km/h": ("km/h", "kph", "kmh", "km h-1"),
    "m3/s": ("m³/s", "m^3/s", "cms", "cumecs"),
    "m3/h": ("m³/h",),
    "L/s": ("l/s",),
    "L/min": ("l/min",),
    "mm/h": ("mm/hr", "mm h-1"),
    "Cel": ("°C", "℃", "degC", "deg C", "celsius", "degree celsius", "degrees celsius", "C"),
    "K": ("kelvin",),
    "%": ("percent", "pct", "%rh", "% rh"),
    "hPa": ("mbar", "mb", "hectopascal"),
    "Pa": ("pascal",),
    "kPa": ("kilopascal",),
    "ug/m3": ("µg/m³", "μg/m³", "µg/m3", "μg/m3", "ug/m³", "µg m-3", "ug m-3", "microgram per cubic meter"),
    "mg/m3": ("mg/m³",),
    "[ppm]": ("ppm", "parts per million"),
    "[ppb]": ("ppb",),
    "dB": ("db", "dB(A)", "dBA", "decibel"),
    "W": ("watt",),
    "kW": ("kilowatt",),
    "MW": ("megawatt",),
    "W/m2": ("w/m²",),
    "W.h": ("Wh",),
    "kW.h": ("kWh",),
    "MW.h": ("MWh",),
    "J": (),
    "MJ": (),
    "GJ": (),
    "V": ("volt",),
    "A": ("ampere", "amp"),
    "Hz": ("hertz",),
    "lx": ("lux",),
    "deg": ("°", "degree", "degrees", "deg true"),
    "s": ("sec", "second", "seconds"),
    "min": ("minute", "minutes"),
    "h": ("hr", "hour", "hours"),
    "d": ("day", "days"),
    "g": (),
    "kg": (),
    "mg/L": ("mg/l",),
    "uS/cm": ("µS/cm", "μS/cm", "us/cm @25c"),
    "[NTU]": ("ntu", "fnu"),
    "[pH]": ("ph", "std units"),
    "%/m": (),
    "{#}": ("count", "counts", "{count}", "people", "persons", "vehicles", "veh", "대", "명"),
    "1": ("-", "unitless", "dimensionless", "none"),
}
_SYMBOLS = {
    "Cel": "°C", "ug/m3": "µg/m³", "mg/m3": "mg/m³", "m3/s": "m³/s", "m3/h": "m³/h", "m2": "m²", "m3": "m³",
    "[ppm]": "ppm", "[ppb]": "ppb", "deg": "°", "kW.h": "kWh", "W.h": "Wh", "MW.h": "MWh", "W/m2": "W/m²",
    "{#}": "", "1": "", "uS/cm": "µS/cm", "[NTU]": "NTU", "[pH]": "pH",
}  # fmt: skip
_CONVERTED: dict[str, tuple[float, float, tuple[str, ...]]] = {
    "cm m": (0.01, 0.0, ("cm", "centimetre", "centimeter")),
    "ft m": (0.3048, 0.0, ("ft", "[ft_i]", "[ft_us]", "foot", "feet", "ft_i", "'")),
    "in mm": (25.4, 0.0, ("in", "[in_i]", "inch", "inches")),
    "in/h mm/h": (25.4, 0.0, ("in/h", "in/hr", "[in_i]/h")),
    "mi/h m/s": (0.44704, 0.0, ("mph", "mi/h", "[mi_i]/h")),
    "kn m/s": (1852 / 3600, 0.0, ("kn", "kt", "knots", "knot", "[kn_i]")),
    "ft/s m/s": (0.3048, 0.0, ("ft/s", "ft/sec", "[ft_i]/s")),
    "ft3/s m3/s": (0.3048**3, 0.0, ("ft3/s", "ft³/s", "cfs", "[cft_i]/s", "[ft_i]3/s", "cubic feet per second")),
    "degF Cel": (5 / 9, -160 / 9, ("degF", "°F", "[degF]", "deg F", "fahrenheit", "F")),
    "gal/min L/min": (3.785411784, 0.0, ("gal/min", "gpm", "[gal_us]/min")),
    "inHg hPa": (33.8638866667, 0.0, ("inHg", "[in_i'Hg]")),
    "psi kPa": (6.894757293168, 0.0, ("psi", "[psi]")),
}  # fmt: skip
_ANY_CASE = {
    "mps", "kph", "kmh", "cms", "cfs", "gpm", "mph", "psi", "[psi]", "kt", "ft", "ft/s", "ft3/s", "in/hr", "pct",
    "%rh", "% rh", "ppm", "[ppm]", "ppb", "[ppb]", "ntu", "[NTU]", "fnu", "[pH]", "veh", "amp", "lux", "sec", "min",
    "hr", "day", "dB", "dBA", "dB(A)", "°C", "°F", "deg", "deg C", "deg F", "Cel", "Hz", "hPa", "kPa", "km", "km/h",
    "kg", "kW", "kWh", "kW.h", "ug/m3", "ug/m³", "µg/m3", "µg/m³", "us/cm @25c",
}  # fmt: skip
"""Short names that mean the same however they are cased; mW and MW, s and S, mg and Mg are two units each."""
_WORD = re.compile(r"[^\W\d_]{4}")
_LENGTHS_M = {"mm": 0.001, "km": 1000.0}
_EXTREMES = {
    "m": (-12_000.0, 12_000.0), "mm": (-1e7, 1e7), "Cel": (-273.15, 10_000.0), "K": (0.0, 10_000.0),
    "hPa": (0.0, 1e6), "%": (-1e6, 1e6), "m/s": (-3e8, 3e8), "km/h": (-1e9, 1e9), "deg": (-1e6, 1e6),
}  # fmt: skip
_ANY = (-1e15, 1e15)
_PREFIXES = ("ucum:", "http://unitsofmeasure.org/", "https://unitsofmeasure.org/", "urn:ogc:def:uom:ucum::")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, and what results that come in it become.

    Parameters
    ----------
    code : str
        UCUM; empty where the unit is not known.
    symbol : str
        As it is shown.
    scale, offset : float
        Results become ``result * scale + offset``.
    is_known : bool
    """

    code: str
    symbol: str
    scale: float = 1.0
    offset: float = 0.0
    is_known: bool = True


def _table() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for code, names in _KEPT.items():
        for name in (code, *names):
            table[name] = Unit(code, _SYMBOLS.get(code, code))
    for pair, (scale, offset, names) in _CONVERTED.items():
        code = pair.split()[1]
        for name in names:
            table[name] = Unit(code, _SYMBOLS.get(code, code), scale, offset)
    return table


def _is_cased_freely(name: str) -> bool:
    """Whether a name may be written in capitals too: words may, and those of the short ones that stay what they are."""
    return name in _ANY_CASE or (_WORD.search(name) is not None and name != "mbar")


_UNITS = _table()
_FOLDED = {n.casefold(): unit for n, unit in reversed(_UNITS.items()) if _is_cased_freely(n)}


def find_unit(*names: str, length_in_m: bool = False) -> Unit:
    """The unit that the first known of some names means.

    Parameters
    ----------
    *names : str
        Such as definition, symbol and name of a SensorThings unit.
    length_in_m : bool
        Whether all lengths become metres, as levels of water do; rain stays in millimetres.

    Examples
    --------
    >>> find_unit("ucum:ug/m3").symbol, find_unit("feet").code, find_unit("°F").scale
    ('µg/m³', 'm', 0.5555555555555556)
    >>> find_unit("smoots")
    Unit(code='', symbol='smoots', scale=1.0, offset=0.0, is_known=False)
    >>> find_unit("MW").code, find_unit("mW").is_known, find_unit("S").is_known, find_unit("Meter").code
    ('MW', False, False, 'm')
    """
    given = [n.strip() for n in names if n and n.strip()]
    if not given:
        return Unit("", "")
    for name in map(_plain, given):
        unit = _UNITS.get(name) or _FOLDED.get(name.casefold())
        if unit is not None:
            return _in_metres(unit) if length_in_m else unit
    return Unit("", next((n for n in given if ":" not in n), given[0]), is_known=False)


def _plain(name: str) -> str:
    for prefix in _PREFIXES:
        if name.lower().startswith(prefix):
            return name[len(prefix) :]
    return name


def _in_metres(unit: Unit) -> Unit:
    factor = _LENGTHS_M.get(unit.code)
    return unit if factor is None else Unit("m", "m", unit.scale * factor)


def extremes(code: str) -> tuple[float, float]:
    """What results in a unit lie between, whatever is measured: beyond it something is broken."""
    return _EXTREMES.get(code, _ANY)


def unit_texts(value: Any) -> tuple[str, ...]:
    """The texts of a SensorThings ``unitOfMeasurement``: definition, symbol, name."""
    if not isinstance(value, dict):
        return (value,) if isinstance(value, str) else ()
    return tuple(v for v in map(value.get, ("definition", "symbol", "name")) if isinstance(v, str))
