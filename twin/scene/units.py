"""What the name of a column tells: its unit, its level of detail, and what a legend calls it."""

from __future__ import annotations

import re

_UNITS = {
    "m": "m",
    "m2": "m²",
    "m3": "m³",
    "deg": "°",
    "pct": "%",
    "percent": "%",
    "kwh": "kWh",
    "s": "s",
    "h": "h",
    "c": "°C",
    "kw": "kW",
    "mm": "mm",
    "cm": "cm",
    "km": "km",
    "year": "",
}
_ACRONYMS = frozenset({"rmse", "p95", "id"})
_LEVEL = re.compile(r"_lod(\d)(\d)$")


def _parts_of(name: str) -> tuple[str, str, str]:
    """Stem, unit and level of detail that the name of a column tells; the latter two are empty where it does not."""
    level = _LEVEL.search(name)
    lod = f"LoD{level[1]}.{level[2]}" if level else ""
    bare = name[: level.start()] if level else name
    stem, _, ending = bare.rpartition("_")
    unit = _UNITS.get(ending.lower(), "") if stem else ""
    if not unit:
        return bare, "", lod
    if stem.lower().endswith("_per"):
        return stem[: -len("_per")], f"1/{unit}", lod
    return stem, unit, lod


def grouped_text(value: float, digits: int = 0) -> str:
    """A number with a thin space between thousands, which every language reads the same way.

    Examples
    --------
    >>> grouped_text(1234567), grouped_text(2000.4), grouped_text(1200.5, 1)
    ('1\u2009234\u2009567', '2\u2009000', '1\u2009200.5')
    """
    return f"{value:,.{digits}f}".replace(",", "\u2009")


def unit_of(name: str) -> str:
    """Unit that the ending of a name tells, before a level of detail if it has one; or nothing.

    Examples
    --------
    >>> unit_of("volume_m3"), unit_of("rmse_m_lod13"), unit_of("density_per_m2"), unit_of("state")
    ('m³', 'm', '1/m²', '')
    """
    return _parts_of(name)[1]


def heading(name: str, unit: str) -> str:
    """What the legend calls an attribute.

    Examples
    --------
    >>> heading("height_m", "m"), heading("rmse_holdout_m", "m"), heading("rmse_m_lod13", "m")
    ('Height (m)', 'RMSE holdout (m)', 'RMSE, LoD1.3 (m)')
    """
    stem, told, lod = _parts_of(name)
    if told != unit:
        stem, lod = name, ""
    words = stem.replace("_", " ").strip() or name
    words = f"number of {words[2:]}" if words.startswith("n ") else words
    words = " ".join(w.upper() if w.lower() in _ACRONYMS else w for w in words.split(" "))
    words = words[:1].upper() + words[1:]
    return words + (f", {lod}" if lod else "") + (f" ({unit})" if unit else "")


def number_text(value: float) -> str:
    """A number as short as three figures behind the point allow.

    Examples
    --------
    >>> number_text(12.3456), number_text(1200.0), number_text(0.04411)
    ('12.3', '1200', '0.0441')
    """
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 4
    return f"{value:.{digits}f}"
