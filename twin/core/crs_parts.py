"""What a coordinate reference system is made of: names, parts, units, and what a city can live in.

Import these from `twin.core.crs`.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from twin.core.errors import CrsError

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

MAX_TEXT = 100_000
# PROJ's measure of likeness: at 70 and above the definitions are equivalent and at most the names differ.
EQUIVALENT = 70
METRE_TOLERANCE = 1e-9


def parse_crs(text: str, *, where: str | Path = "--crs") -> CRS:
    """The coordinate reference system that a text names.

    Parameters
    ----------
    text : str
        ``"EPSG:28992"``, ``"EPSG:3879+3900"`` (horizontal and vertical), a bare EPSG number, a URN, WKT or a
        PROJ string.
    where : path or str
        The option or file that holds the text, for the message.

    Raises
    ------
    CrsError
        If the text names nothing that PROJ knows.

    Examples
    --------
    >>> parse_crs("EPSG:3879+3900").name
    'ETRS89 / GK25FIN + N2000 height'
    >>> parse_crs("EPSG:99999999")
    Traceback (most recent call last):
    twin.core.errors.CrsError: --crs: EPSG:99999999 is not a known coordinate reference system; give its EPSG
    code, such as EPSG:28992 or EPSG:3879+3900
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    text = text.strip()
    if len(text) > MAX_TEXT:
        raise CrsError(where, f"a CRS of {len(text)} characters", "give its EPSG code")
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        shown = text if len(text) <= 80 else text[:77] + "..."
        raise CrsError(
            where,
            f"{shown or 'an empty text'} is not a known coordinate reference system",
            "give its EPSG code, such as EPSG:28992 or EPSG:3879+3900",
        ) from error


def horizontal(crs: CRS) -> CRS:
    """The horizontal part, two-dimensional."""
    part = crs.sub_crs_list[0] if crs.is_compound else crs
    return part.to_2d() if len(part.axis_info) > 2 else part


def vertical(crs: CRS) -> CRS | None:
    """The vertical part, None where heights are not defined or count from the ellipsoid."""
    if not crs.is_compound:
        return None
    part = crs.sub_crs_list[1]
    if part.is_bound and part.source_crs is not None:
        return part.source_crs
    return part


def has_ellipsoidal_heights(crs: CRS) -> bool:
    """Whether heights are part of the definition and count from the ellipsoid."""
    return not crs.is_compound and len(crs.axis_info) == 3


def crs_name(crs: CRS) -> str:
    """The shortest text that `parse_crs` takes back: ``EPSG:7415``, ``EPSG:3879+3900``; else its name.

    Examples
    --------
    >>> crs_name(parse_crs("EPSG:3879+3900"))
    'EPSG:3879+3900'
    """
    code = _epsg(crs)
    if code is not None:
        return f"EPSG:{code}"
    up = vertical(crs)
    if up is not None:
        codes = _epsg(horizontal(crs)), _epsg(up)
        if None not in codes:
            return f"EPSG:{codes[0]}+{codes[1]}"
    return str(crs.name)


def crs_text(crs: CRS) -> str:
    """A text that `parse_crs` takes back for sure: the EPSG name if it has one, else WKT."""
    name = crs_name(crs)
    return name if name.startswith("EPSG:") else str(crs.to_wkt())


def describe(crs: CRS) -> str:
    """Code and name, for people: ``EPSG:28992 (Amersfoort / RD New)``."""
    name = crs_name(crs)
    return name if name == crs.name else f"{name} ({crs.name})"


@lru_cache(maxsize=256)
def _epsg(crs: CRS) -> int | None:
    """The EPSG code: the one that the definition claims, if it keeps to it, else the one that PROJ finds."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    crs = _unbound(crs)
    claim = crs.to_json_dict().get("id", {})
    if claim.get("authority") == "EPSG":
        try:
            if _alike(CRS.from_epsg(claim["code"]), crs):
                return int(claim["code"])
        except CRSError:
            pass
    return crs.to_epsg(min_confidence=EQUIVALENT)


def _alike(a: CRS, b: CRS) -> bool:
    """Whether two definitions differ in nothing but the order of their axes.

    Older WKT, the kind in LAS files, cannot say that northing comes first, as it does in Finland and in Korea.
    """
    if a.equals(b, ignore_axis_order=True):
        return True
    if a.is_compound and b.is_compound:
        parts = zip(a.sub_crs_list, b.sub_crs_list, strict=True)
        return all(_alike(_unbound(p), _unbound(q)) for p, q in parts)
    if a.is_vertical or b.is_vertical or a.is_compound or b.is_compound:
        return False
    with warnings.catch_warnings():
        # PROJ strings lose the name of the datum, which is why this is asked only of what claims the same code.
        warnings.simplefilter("ignore", UserWarning)
        return bool(a.to_dict() == b.to_dict())


def same_horizontal(a: CRS, b: CRS) -> bool:
    """Whether easting and northing mean the same in both."""
    return _same(_unbound(horizontal(a)), _unbound(horizontal(b)))


def same_crs(a: CRS, b: CRS) -> bool:
    """Whether coordinates, heights included, mean the same in both."""
    up, other = vertical(a), vertical(b)
    if (up is None) != (other is None) or has_ellipsoidal_heights(a) != has_ellipsoidal_heights(b):
        return False
    return same_horizontal(a, b) and (up is None or other is None or _same(up, other))


def same_vertical_datum(a: CRS, b: CRS) -> bool:
    """Whether elevations count from the same zero, be it in other units."""
    up, other = vertical(a), vertical(b)
    if up is None or other is None:
        return up is other
    if str(up.name).casefold() == str(other.name).casefold():
        return True  # GeoTIFF keeps the name of a vertical CRS, but readers can lose or mistake its datum
    if any(part.axis_info[0].direction != "up" for part in (up, other)):
        return _same(up, other)
    return _same(_part_in_metres(up), _part_in_metres(other))


def is_placed(crs: CRS) -> bool:
    """Whether the CRS is tied to the earth: not a drawing's own axes, not an unknown zero of heights."""
    part = crs.sub_crs_list[0] if crs.is_compound else crs
    part = _unbound(part)
    if part.is_vertical:
        return "unknown" not in str(part.name).lower()
    return bool(part.is_projected or part.is_geographic)


def _same(a: CRS, b: CRS) -> bool:
    if a.equals(b, ignore_axis_order=True):
        return True
    code = _epsg(a)
    return code is not None and code == _epsg(b)


def _unbound(crs: CRS) -> CRS:
    return crs.source_crs if crs.is_bound and crs.source_crs is not None else crs


def to_metre_factors(crs: CRS) -> tuple[float, float]:
    """What one unit of easting and one of elevation are in metres.

    Where the CRS has no vertical part, elevations of a projected CRS are taken to be in its own unit: that is
    how surveys in feet are delivered. Beside degrees, elevations are metres.

    Returns
    -------
    tuple of float
        Horizontal (1 for degrees, which no factor turns into metres) and vertical factor.

    Examples
    --------
    >>> to_metre_factors(parse_crs("EPSG:2992+8228"))
    (0.3048, 0.3048)
    """
    flat = _unbound(horizontal(crs))
    xy = float(flat.axis_info[0].unit_conversion_factor) if _is_linear(flat) else 1.0
    up = vertical(crs)
    if up is not None:
        return xy, float(up.axis_info[0].unit_conversion_factor)
    if has_ellipsoidal_heights(crs):
        return xy, float(crs.axis_info[2].unit_conversion_factor)
    return xy, xy


def _is_linear(flat: CRS) -> bool:
    return bool(flat.axis_info) and not flat.is_geographic


def check_city_crs(crs: CRS, *, where: str | Path = "--crs") -> None:
    """Refuse what cannot be the frame of a city: degrees, feet, a frame without a place on earth.

    Raises
    ------
    CrsError
        With the CRS that would do, where one can be named.
    """
    flat = _unbound(horizontal(crs))
    if flat.is_geographic:
        raise CrsError(
            where,
            f"{describe(crs)} counts in degrees; a city needs a projected CRS in metres",
            "give one, such as EPSG:25832",
        )
    if not flat.is_projected:
        raise CrsError(
            where,
            f"{describe(crs)} is not a projected CRS",
            "give a projected one in metres, such as EPSG:25832",
        )
    if any(abs(factor - 1) > METRE_TOLERANCE for factor in to_metre_factors(crs)):
        raise CrsError(
            where,
            f"{describe(crs)} counts in {_unit_names(crs)}; a city needs metres",
            f"give {crs_name(in_metres(crs))} (inputs in feet are converted)",
        )


def _unit_names(crs: CRS) -> str:
    names = [_unbound(horizontal(crs)).axis_info[0].unit_name]
    up = vertical(crs)
    if up is not None:
        names.append(up.axis_info[0].unit_name)
    return " and ".join(dict.fromkeys(names))


def in_metres(crs: CRS) -> CRS:
    """The same projection, datum and heights, counted in metres; `crs` itself if it already is.

    Examples
    --------
    >>> crs_name(in_metres(parse_crs("EPSG:2263+6360")))
    'EPSG:32118+5703'
    """
    from pyproj.crs import CompoundCRS

    if all(abs(factor - 1) <= METRE_TOLERANCE for factor in to_metre_factors(crs)):
        return crs
    flat, up = _part_in_metres(_unbound(horizontal(crs))), vertical(crs)
    if up is None:
        return flat
    up = _part_in_metres(up)
    return CompoundCRS(f"{flat.name} + {up.name}", [flat, up])


def _part_in_metres(part: CRS) -> CRS:
    from pyproj import CRS

    definition = part.to_json_dict()
    definition.pop("id", None)
    definition["name"] = definition["name"].replace(" (ftUS)", "").replace(" (ft)", "")
    for axis in definition["coordinate_system"]["axis"]:
        axis["unit"] = "metre"
    metric = CRS.from_json_dict(definition)
    code = metric.to_epsg(min_confidence=EQUIVALENT)
    return CRS.from_epsg(code) if code is not None else metric
