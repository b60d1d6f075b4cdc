"""Point clouds written as LAS 1.4 or LAZ: for the demo district and for tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.core.errors import InputError
from twin.core.files import atomic_path, guard_storage

if TYPE_CHECKING:
    import laspy
    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.points import PointCloud

POINT_FORMAT = 6
SCAN_ANGLE_STEP_DEG = 0.006
MAX_STORED = 2**31 - 1


class PulseNotes(NamedTuple):
    """What a scanner notes of each point besides its place; arrays of shape (n,).

    `source` is the flight strip, `gps_time` adjusted standard GPS time in seconds, `intensity` of 16 bits, and
    `scan_angle_deg` negative to the left of the flight's direction.
    """

    source: NDArray[np.uint8] | NDArray[np.uint16]
    gps_time: NDArray[np.float64]
    intensity: NDArray[np.uint16]
    scan_angle_deg: NDArray[np.float32]


def write_las(
    path: str | Path,
    cloud: PointCloud,
    *,
    crs: CRS | None,
    notes: PulseNotes | None = None,
    scale_m: float = 0.001,
    day: date = date(2000, 1, 1),
    force: bool = True,
) -> None:
    """Write a cloud as LAS 1.4, point format 6; compressed where the name ends in ``.laz``.

    The same cloud gives the same bytes.

    Parameters
    ----------
    path : path
    cloud : PointCloud
    crs : CRS or None
        Stored as WKT.
    notes : PulseNotes, optional
        Strip, time, intensity and scan angle of each point; zero if not given.
    scale_m : float
        Coordinates are rounded to multiples of this.
    day : date
        What the header says about when the file was made.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the points lie too far apart for this scale.
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If it cannot be written; nothing is left under the name then.
    """
    path = Path(path)
    header = _header(path, cloud, crs, scale_m, day)
    with atomic_path(path, force=force) as temporary, guard_storage(path):
        _write(temporary, cloud, notes, header, compress=path.suffix.lower() == ".laz")


def _header(path: Path, cloud: PointCloud, crs: CRS | None, scale_m: float, day: date) -> laspy.LasHeader:
    import laspy
    from laspy.vlrs.known import WktCoordinateSystemVlr

    header = laspy.LasHeader(version="1.4", point_format=POINT_FORMAT)
    header.scales = np.full(3, scale_m)
    header.offsets = np.floor(cloud.xyz.min(axis=0)) if len(cloud) else np.zeros(3)
    reach = (cloud.xyz.max(axis=0) - header.offsets).max() if len(cloud) else 0.0
    if not reach / scale_m < MAX_STORED:
        raise InputError(
            path, f"points reach over {reach:.0f} m, too far for steps of {scale_m} m", "use a larger scale"
        )
    header.creation_date = day
    header.generating_software = "twin"
    header.global_encoding.gps_time_type = laspy.header.GpsTimeType.STANDARD
    if crs is not None:
        header.vlrs.append(WktCoordinateSystemVlr(crs.to_wkt("WKT1_GDAL")))
        header.global_encoding.wkt = True
    return header


def _write(
    path: Path, cloud: PointCloud, notes: PulseNotes | None, header: laspy.LasHeader, *, compress: bool
) -> None:
    import laspy

    las = laspy.LasData(header)
    las.points = laspy.ScaleAwarePointRecord.zeros(len(cloud), header=header)
    if len(cloud):
        las.x, las.y, las.z = cloud.xyz.T
    las.classification = cloud.classification
    las.return_number = cloud.return_number
    las.number_of_returns = cloud.n_returns
    if notes is not None:
        las.point_source_id = notes.source
        las.gps_time = notes.gps_time
        las.intensity = notes.intensity
        las.scan_angle = np.round(notes.scan_angle_deg / SCAN_ANGLE_STEP_DEG).astype(np.int16)
    las.write(str(path), do_compress=compress)
