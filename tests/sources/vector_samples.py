"""Sound vector files of kinds that no library at hand writes."""

from __future__ import annotations

import sqlite3
import struct
from typing import TYPE_CHECKING

import numpy as np
import pyproj

if TYPE_CHECKING:
    from pathlib import Path

    import shapely

TABLES = """
CREATE TABLE spatial_ref_sys (srid INTEGER PRIMARY KEY, auth_name TEXT, auth_srid INTEGER, ref_sys_name TEXT,
    proj4text TEXT, srtext TEXT);
CREATE TABLE geometry_columns (f_table_name TEXT, f_geometry_column TEXT, geometry_type INTEGER,
    coord_dimension INTEGER, srid INTEGER, spatial_index_enabled INTEGER);
"""


def write_spatialite(path: Path, tables: dict[str, dict[str, shapely.Polygon]], *, epsg: int = 25832) -> Path:
    """A SpatiaLite base: for each table its polygons by id."""
    with sqlite3.connect(path) as base:
        base.executescript(TABLES)
        wkt = pyproj.CRS.from_epsg(epsg).to_wkt("WKT1_GDAL")
        base.execute("INSERT INTO spatial_ref_sys VALUES (?, 'epsg', ?, '', '', ?)", (epsg, epsg, wkt))
        for table, polygons in tables.items():
            base.execute("INSERT INTO geometry_columns VALUES (?, 'geom', 3, 2, ?, 0)", (table, epsg))
            base.execute(f'CREATE TABLE "{table}" (ogc_fid INTEGER PRIMARY KEY, id TEXT, geom BLOB)')
            base.executemany(
                f'INSERT INTO "{table}" (id, geom) VALUES (?, ?)',
                [(i, _blob(p, epsg)) for i, p in polygons.items()],
            )
    base.close()
    return path


def _blob(polygon: shapely.Polygon, srid: int) -> bytes:
    """The geometry as SpatiaLite stores it: a start mark, order, SRID, box, and the class of the shape."""
    x0, y0, x1, y1 = polygon.bounds
    head = struct.pack("<BBi4dB", 0, 1, srid, x0, y0, x1, y1, 0x7C)
    ring = np.asarray(polygon.exterior.coords)
    return head + struct.pack("<iii", 3, 1, len(ring)) + ring.astype("<f8").tobytes() + b"\xfe"
