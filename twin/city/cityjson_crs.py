"""How CityJSON names a coordinate reference system, and how this project does."""

from __future__ import annotations

import re

_ROOT = "https://www.opengis.net/def/crs"
_NAME = re.compile(r"([A-Za-z]+):(\d+)(?:\+(\d+))?")
_URL = re.compile(r"https?://(?:www\.)?opengis\.net/def/crs/([A-Za-z]+)/[^/]*/(\d+)/?")
_URN = re.compile(r"(?:urn:(?:x-)?ogc:def:)?crs:([A-Za-z]+):[^:,]*:(\d+)")


def reference_system(name: str) -> dict[str, str]:
    """Members of CityJSON's ``metadata`` that tell the CRS of the coordinates.

    CityJSON takes one URL of the form ``…/def/crs/AUTHORITY/VERSION/CODE`` (its schema refuses others). A pair of a
    horizontal and a vertical CRS without a code of its own is therefore told twice: the horizontal part where every
    program looks for it, and the pair in OGC's compound form beside it.

    Parameters
    ----------
    name : str
        ``"EPSG:7415"``, ``"EPSG:5187+5193"``, or a text that is neither, which says nothing in CityJSON.

    Examples
    --------
    >>> reference_system("EPSG:7415")
    {'referenceSystem': 'https://www.opengis.net/def/crs/EPSG/0/7415'}
    """
    match = _NAME.fullmatch(name.strip())
    if match is None:
        return {}
    authority, code, vertical = match.group(1).upper(), match.group(2), match.group(3)
    first = f"{_ROOT}/{authority}/0/{code}"
    if vertical is None:
        return {"referenceSystem": first}
    pair = f"{_ROOT}-compound?1={first}&2={_ROOT}/{authority}/0/{vertical}"
    return {"referenceSystem": first, "compoundReferenceSystem": pair}


def crs_of_reference_system(metadata: dict[str, object]) -> str:
    """The CRS named by CityJSON's ``metadata``, as ``EPSG:7415`` or ``EPSG:5187+5193``; empty if it names none.

    URL and URN forms of CityJSON 1.0 to 2.0 and OGC's compound forms are understood; any other text comes back as it
    is, for the caller to judge.

    Examples
    --------
    >>> crs_of_reference_system({"referenceSystem": "urn:ogc:def:crs:EPSG::7415"})
    'EPSG:7415'
    """
    text = metadata.get("compoundReferenceSystem") or metadata.get("referenceSystem")
    if not isinstance(text, str):
        return ""
    text = text.strip()
    if _NAME.fullmatch(text):
        return text.upper()
    pairs = _URL.findall(text) if "opengis.net" in text else _URN.findall(text)
    if not pairs:
        return text
    authority, code = pairs[0]
    if len(pairs) == 2 and pairs[1][0].upper() == authority.upper():
        return f"{authority.upper()}:{code}+{pairs[1][1]}"
    return f"{authority.upper()}:{code}"
