"""Units of what stations measure: factors between them, and ppm to mass per volume of a gas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SAME = {
    "µg/m³": "ug/m3",
    "μg/m³": "ug/m3",
    "ug/m³": "ug/m3",
    "µg/m3": "ug/m3",
    "mg/m³": "mg/m3",
    "ppm": "[ppm]",
    "ppb": "[ppb]",
    "°c": "Cel",
    "degc": "Cel",
    "db(a)": "dB",
    "dba": "dB",
    "db[a]": "dB",
    "db": "dB",
    "{#}": "1",
    "": "1",
}
_FACTORS = {
    "ug/m3": ("mass", 1.0),
    "mg/m3": ("mass", 1000.0),
    "[ppm]": ("share", 1.0),
    "[ppb]": ("share", 1e-3),
    "m": ("length", 1.0),
    "cm": ("length", 0.01),
    "mm": ("length", 1e-3),
    "[ft_i]": ("length", 0.3048),
    "mm/h": ("rain", 1.0),
    "m/s": ("speed", 1.0),
    "km/h": ("speed", 1 / 3.6),
}
MOLAR_MASS = {
    "o3": 47.998,
    "no2": 46.006,
    "so2": 64.064,
    "co": 28.010,
    "co2": 44.009,
    "no": 30.006,
    "nh3": 17.031,
}
"""Grams per mole, IUPAC standard atomic weights."""
GAS_CONSTANT = 8.314462618
PRESSURE_PA = 101_325.0


def unit_name(unit: str) -> str:
    """The UCUM spelling of a unit as it is written on stations.

    Examples
    --------
    >>> unit_name("µg/m³"), unit_name("ppm"), unit_name("ucum:mm/h")
    ('ug/m3', '[ppm]', 'mm/h')
    """
    plain = unit.strip().removeprefix("ucum:")
    return _SAME.get(plain.lower(), plain)


def convert(
    values: ArrayLike, *, unit: str, to: str, gas: str = "", temperature_c: float = 25.0
) -> NDArray[np.float64]:
    """Values in another unit; between ppm and mass per volume as an ideal gas at 101.325 kPa.

    Parameters
    ----------
    values : array, any shape
    unit, to : str
        UCUM, or as written on stations.
    gas : str
        Observed property such as ``o3``, needed between ppm and mass per volume.
    temperature_c : float
        To which the mass per volume refers: 20 by European law, 25 in Korea and by WHO.

    Raises
    ------
    UsageError
        If the two units measure different things.

    Examples
    --------
    >>> convert([0.060], unit="ppm", to="ug/m3", gas="o3", temperature_c=20).round(1).tolist()
    [119.7]
    """
    found = np.asarray(values, np.float64)
    have, want = unit_name(unit), unit_name(to)
    if have == want:
        return found.copy()
    kind, factor = _FACTORS.get(have, ("", 1.0))
    other, divisor = _FACTORS.get(want, ("", 1.0))
    if kind and kind == other:
        return found * (factor / divisor)
    mass = _micrograms_per_ppm(gas, temperature_c)
    if mass and (kind, other) == ("share", "mass"):
        return found * (factor * mass / divisor)
    if mass and (kind, other) == ("mass", "share"):
        return found * (factor / mass / divisor)
    raise UsageError(gas or "unit", f"{unit!r} cannot become {to!r}", "give the unit that is meant")


def is_convertible(unit: str, to: str, *, gas: str = "") -> bool:
    """Whether `convert` knows the way from one unit to another."""
    try:
        convert([0.0], unit=unit, to=to, gas=gas)
    except UsageError:
        return False
    return True


def _micrograms_per_ppm(gas: str, temperature_c: float) -> float:
    """Mass per volume of a gas of one millionth, ug/m3; 0 of a gas that is not known."""
    molar_volume_m3 = GAS_CONSTANT * (temperature_c + 273.15) / PRESSURE_PA
    return MOLAR_MASS.get(gas, 0.0) / molar_volume_m3
