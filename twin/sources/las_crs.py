"""The coordinate reference system that a LAS file names, by WKT or by GeoTIFF keys.

Codes are looked up; keys that define a projection of their own go to GDAL, which reads them best when they
stand in a GeoTIFF, so we hand it one of a single pixel.

References
----------
OGC 19-008r4, GeoTIFF 1.1 (2019), annex B; for the vertical codes below 6000: GeoTIFF 1.0 (1995), section 6.3.4.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from twin.core.crs import horizontal, to_metre_factors, vertical
from twin.sources.las_header import WKT_BIT, LasHeader

if TYPE_CHECKING:
    from pyproj import CRS

WKT, GEO_KEYS, GEO_DOUBLES, GEO_TEXT = 2112, 34735, 34736, 34737
GEOGRAPHIC, PROJECTED, LINEAR_UNITS, VERTICAL, VERTICAL_UNITS = 2048, 3072, 3076, 4096, 4099
USER_DEFINED = 32767
# Linear units by EPSG code, in the words of PROJ.
_UNITS = {9001: ("metre", 1.0), 9002: ("foot", 0.3048), 9003: ("US survey foot", 1200 / 3937)}
# GeoTIFF 1.0 numbered seven vertical systems itself, and gave heights above an ellipsoid 5001 to 5033.
_OLD_VERTICAL = {5101: 5701, 5102: 5702, 5103: 5703, 5104: 5736, 5105: 5705, 5106: 5706}
_ELLIPSOIDAL = range(5001, 5034)
FACTOR_TOLERANCE = 1e-8


def crs_of_header(header: LasHeader) -> tuple[CRS | None, str]:
    """The CRS of a file, and what is wrong where it names one that cannot be understood.

    Parameters
    ----------
    header : LasHeader

    Returns
    -------
    crs : CRS or None
        Its vertical part is called ``unknown`` where the file gives the unit of its heights but no datum.
    problem : str
        Empty where all is well, and where no CRS is named at all.
    """
    readers = [_from_wkt_record, _from_geo_keys]
    if not header.global_encoding & WKT_BIT:
        readers.reverse()
    problems = []
    for read in readers:
        crs, problem = read(header)
        if crs is not None:
            return crs, ""
        if problem:
            problems.append(problem)
    return None, "; ".join(problems)


def _from_wkt_record(header: LasHeader) -> tuple[CRS | None, str]:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    record = header.record("LASF_Projection", WKT) or header.record("liblas", WKT)
    if record is None:
        return None, ""
    text = record.data.split(b"\0", 1)[0].decode("utf-8", errors="replace").strip()
    if not text:
        return None, ""
    try:
        return CRS.from_wkt(text), ""
    except CRSError:
        return None, f"the CRS record is not WKT (it starts with {text[:40]!r})"


def _from_geo_keys(header: LasHeader) -> tuple[CRS | None, str]:
    from pyproj.exceptions import CRSError

    record = header.record("LASF_Projection", GEO_KEYS)
    if record is None:
        return None, ""
    keys = _short_keys(record.data)
    try:
        flat = _flat_crs(header, keys)
        return (flat if flat is None else _with_heights(flat, keys)), ""
    except CRSError as error:
        return None, f"the GeoTIFF keys name no known CRS ({str(error)[:120]})"


def _short_keys(data: bytes) -> dict[int, int]:
    """The keys that hold a number of 16 bits, by id."""
    entries = [struct.unpack_from("<4H", data, at) for at in range(8, len(data) - 7, 8)]
    return {key: value for key, location, _, value in entries if location == 0}


def _flat_crs(header: LasHeader, keys: dict[int, int]) -> CRS | None:
    from pyproj import CRS

    code = keys.get(PROJECTED) or keys.get(GEOGRAPHIC)
    if not code:
        return None
    if USER_DEFINED in (keys.get(PROJECTED), code):
        return _by_gdal(header)
    flat = CRS.from_epsg(code)
    unit = _UNITS.get(keys.get(LINEAR_UNITS, 0))
    if unit and flat.is_projected and abs(to_metre_factors(flat)[0] - unit[1]) > FACTOR_TOLERANCE:
        # The keys overrule the unit of the code: surveys in feet named after their metric zone.
        return _in_unit(flat, unit)
    return flat


def _with_heights(flat: CRS, keys: dict[int, int]) -> CRS:
    from pyproj import CRS
    from pyproj.crs import CompoundCRS
    from pyproj.exceptions import CRSError

    if vertical(flat) is not None:
        return flat
    code, unit = keys.get(VERTICAL, 0), _UNITS.get(keys.get(VERTICAL_UNITS, 0))
    if code in _ELLIPSOIDAL:
        return flat.to_3d()
    up = None
    if code not in (0, USER_DEFINED):
        try:
            up = CRS.from_epsg(_OLD_VERTICAL.get(code, code))
        except CRSError:
            up = None
    if up is None or not up.is_vertical:
        usual = to_metre_factors(flat)[1]
        if unit is None or abs(usual - unit[1]) <= FACTOR_TOLERANCE:
            return flat
        up = _unknown_heights(unit)
    elif unit is not None and abs(float(up.axis_info[0].unit_conversion_factor) - unit[1]) > FACTOR_TOLERANCE:
        up = _in_unit(up, unit)
    return CompoundCRS(f"{flat.name} + {up.name}", [horizontal(flat), up])


def _in_unit(part: CRS, unit: tuple[str, float]) -> CRS:
    from pyproj import CRS

    name, factor = unit
    definition = part.to_json_dict()
    definition.pop("id", None)
    definition["name"] = f"{definition['name']} ({name})"
    for axis in definition["coordinate_system"]["axis"]:
        axis["unit"] = {"type": "LinearUnit", "name": name, "conversion_factor": factor}
    return CRS.from_json_dict(definition)


def _unknown_heights(unit: tuple[str, float]) -> CRS:
    from pyproj import CRS

    name, factor = unit
    return CRS.from_wkt(
        f'VERT_CS["unknown",VERT_DATUM["unknown",2005],UNIT["{name}",{factor!r}],AXIS["Up",UP]]'
    )


def _by_gdal(header: LasHeader) -> CRS | None:
    """Keys that define a projection parameter by parameter."""
    from pyproj import CRS

    from twin.sources.gdal import load_rasterio

    rasterio = load_rasterio()

    records = (header.record("LASF_Projection", tag) for tag in (GEO_KEYS, GEO_DOUBLES, GEO_TEXT))
    picture = _one_pixel_geotiff({r.record_id: r.data for r in records if r is not None and r.data})
    try:
        with rasterio.MemoryFile(picture) as memory, memory.open(driver="GTiff") as dataset:
            found = dataset.crs
            return CRS.from_wkt(found.to_wkt()) if found else None
    except rasterio.errors.RasterioError:
        return None


def _one_pixel_geotiff(records: dict[int, bytes]) -> bytes:
    """A valid GeoTIFF of one grey pixel that carries the given records as its tags."""
    short, long, double, text = (3, "H", 2), (4, "I", 4), (12, "d", 8), (2, "s", 1)
    ones = {256: short, 257: short, 259: short, 262: short, 277: short, 278: short, 279: long}
    entries = [(tag, kind[0], 1, 1) for tag, kind in ones.items()]
    entries += [(258, short[0], 1, 8), (273, long[0], 1, 8)]  # bits of a sample; where the pixel lies
    body = bytearray(8)
    place = struct.pack("<3d", 1, 1, 0), struct.pack("<6d", 0, 0, 0, 0, 0, 0)
    blobs = {33550: (double, place[0]), 33922: (double, place[1])}
    kinds = {GEO_KEYS: short, GEO_DOUBLES: double, GEO_TEXT: text}
    blobs |= {tag: (kinds[tag], data) for tag, data in records.items()}
    for tag, (kind, data) in blobs.items():
        entries.append((tag, kind[0], len(data) // kind[2], 8 + len(body)))
        body += data + bytes(-len(data) % 8 or 8)
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + bytes(body) + directory + bytes(4)
