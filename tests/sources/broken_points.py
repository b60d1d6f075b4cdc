"""Point cloud files with one defect each, made from sound ones; the list that tests run through.

`BROKEN` holds for every defect what makes it, what must happen, and the words that the message must contain.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import laspy
import lazrs
import numpy as np

from tests.sources.point_samples import (
    CITY,
    SIDE_M,
    SOUTH,
    WEST,
    moved,
    town,
    with_classes,
    write_copc,
    write_sound,
    write_version,
)
from twin.core.crs import make_transform, parse_crs
from twin.core.notices import Notices
from twin.core.points import PointCloud

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Must = Literal["error", "warn", "ok"]
ANCHOR = np.array([WEST, SOUTH, 500.0])

# Byte positions in the LAS header.
VERSION_MINOR, N_VLRS, FORMAT, RECORD_LENGTH, COUNT, SCALES, OFFSETS, BOX = (
    25,
    100,
    104,
    105,
    107,
    131,
    155,
    179,
)
EVLRS, COUNT_64 = 235, 247


@dataclass(frozen=True, slots=True)
class Broken:
    """One defect.

    Parameters
    ----------
    id : str
        Row of the list of faults; our own rows start with ``PX``.
    make : callable
        Makes the file or files in a folder and returns what a user would name.
    must : str
        ``error``, ``warn`` or ``ok``.
    exit_code : int
    words : tuple of str
        Each must be in the message.
    """

    id: str
    make: Callable[[Path], list[Path]]
    must: Must
    exit_code: int
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the defect."""
        return self.make.__name__.removeprefix("make_")


def _write(path: Path, data: bytes | bytearray) -> list[Path]:
    path.write_bytes(data)
    return [path]


def _patched(path: Path, *fields: tuple[int, str, object]) -> list[Path]:
    """The file with some header fields overwritten."""
    data = bytearray(path.read_bytes())
    for position, kind, value in fields:
        struct.pack_into(f"<{kind}", data, position, value)
    return _write(path, data)


def _cut(path: Path, n_bytes: int) -> list[Path]:
    return _write(path, path.read_bytes()[:n_bytes])


def make_zero_bytes(folder: Path) -> list[Path]:
    return _write(folder / "zero_bytes.laz", b"")


def make_web_page(folder: Path) -> list[Path]:
    return _write(
        folder / "web_page.laz", b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>" * 9
    )


def make_truncated(folder: Path) -> list[Path]:
    path = write_sound(folder / "truncated.laz")
    return _cut(path, path.stat().st_size * 6 // 10)


def make_truncated_mid_record(folder: Path) -> list[Path]:
    path = write_sound(folder / "truncated_mid_record.las")
    return _cut(path, path.stat().st_size - 15)


def make_truncated_at_record(folder: Path) -> list[Path]:
    path = write_sound(folder / "truncated_at_record.las")
    return _cut(path, path.stat().st_size - 500 * 30)


def make_header_only(folder: Path) -> list[Path]:
    return _cut(write_sound(folder / "header_only.laz"), 375)


def make_count_bomb(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "count_bomb.laz"), (COUNT, "I", 0), (COUNT_64, "Q", 2**40))


def make_count_too_small(folder: Path) -> list[Path]:
    path = write_sound(folder / "count_too_small.las")
    return _patched(path, (COUNT, "I", 1000), (COUNT_64, "Q", 1000))


def make_no_points(folder: Path) -> list[Path]:
    return [write_sound(folder / "no_points.laz", PointCloud.empty())]


def make_one_point(folder: Path) -> list[Path]:
    return [write_sound(folder / "one_point.laz", town().select(np.array([7])))]


def make_all_same_place(folder: Path) -> list[Path]:
    return [write_sound(folder / "all_same_place.laz", town().select(np.zeros(5000, np.int64)))]


def make_no_crs(folder: Path) -> list[Path]:
    return [write_sound(folder / "no_crs.laz", crs=None)]


def make_degrees(folder: Path) -> list[Path]:
    home = make_transform(parse_crs(CITY), parse_crs("EPSG:4326"), where="", notices=Notices())
    cloud = town()
    degrees = PointCloud(home(cloud.xyz), cloud.classification, cloud.return_number, cloud.n_returns)
    path = folder / "degrees.laz"
    write_version(path, degrees, crs=parse_crs("EPSG:4326"), scale=1e-7)
    return [path]


def make_us_feet(folder: Path) -> list[Path]:
    """A town on Long Island, stored in US survey feet throughout."""
    cloud = moved(town(), np.eye(3), np.array([300_000.0, 60_000.0, 20.0]) - ANCHOR)
    feet = moved(cloud, np.eye(3) * 3937 / 1200, np.zeros(3))
    return [write_sound(folder / "us_feet.laz", feet, crs="EPSG:2263")]


def make_z_in_feet(folder: Path) -> list[Path]:
    return [write_sound(folder / "z_in_feet.laz", moved(town(), np.diag([1, 1, 1 / 0.3048]), np.zeros(3)))]


def make_swapped_axes(folder: Path) -> list[Path]:
    return [write_sound(folder / "swapped_axes.laz", moved(town(), np.eye(3)[[1, 0, 2]], np.zeros(3)))]


def make_garbage_wkt(folder: Path) -> list[Path]:
    path = write_sound(folder / "garbage_wkt.laz")
    data = path.read_bytes()
    start = data.index(b"PROJCS[")
    return _write(path, data[:start] + b"garbage" + data[start + 7 :])


def make_unclassified(folder: Path) -> list[Path]:
    return [write_sound(folder / "unclassified.laz", with_classes(town(), 0))]


def make_no_ground(folder: Path) -> list[Path]:
    cloud = town()
    return [write_sound(folder / "no_ground.laz", cloud.select(cloud.classification == 6))]


def make_no_buildings(folder: Path) -> list[Path]:
    cloud = town()
    return [write_sound(folder / "no_buildings.laz", cloud.select(cloud.classification == 2))]


def make_scale_nan(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "scale_nan.las"), (SCALES, "d", float("nan")))


def make_scale_zero(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "scale_zero.las"), (SCALES, "d", 0.0))


def make_offset_1e12(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "offset_1e12.las"), (OFFSETS, "d", 1e12))


def make_outliers(folder: Path) -> list[Path]:
    cloud = town()
    cloud.xyz[:3, 2], cloud.xyz[3:6, 2] = 9000.0, -9999.0
    return [write_sound(folder / "outliers.laz", cloud)]


def make_bounds_lie(folder: Path) -> list[Path]:
    path = write_sound(folder / "bounds_lie.las")
    box = np.frombuffer(path.read_bytes(), "<f8", 4, BOX) + 5000
    return _patched(path, *((BOX + 8 * i, "d", float(v)) for i, v in enumerate(box)))


def make_damaged_chunk(folder: Path) -> list[Path]:
    """Random bytes in the middle of a chunk; the decoder runs out of data."""
    path = write_version(folder / "damaged_chunk.laz", town(32_000), crs=parse_crs(CITY))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = np.random.default_rng(5).integers(0, 256, 64, np.uint8).tobytes()
    return _write(path, data)


def make_flipped_byte(folder: Path) -> list[Path]:
    """One byte of a chunk, where the decoder does not notice and points go astray by metres.

    That happens near the end of a chunk only: before, the decoder would run out of data.
    """
    path = write_version(folder / "flipped_byte.laz", town(32_000), point_format=0, crs=parse_crs(CITY))
    sound = path.read_bytes()
    for at in range(len(sound) - 1200, len(sound) - 100):
        data = bytearray(sound)
        data[at] ^= 0x55
        if _strays(data):
            return _write(path, data)
    raise AssertionError("no such byte was found")


def _strays(data: bytearray) -> bool:
    """Whether a plain reader takes the damage for points metres away from the town."""
    try:
        las = laspy.read(io.BytesIO(bytes(data)))
    except lazrs.LazrsError:
        return False
    return bool(las.header.point_count == len(las.x) and np.max(las.x) - WEST > SIDE_M + 5)


def make_format_99(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "format_99.las"), (FORMAT, "B", 99))


def make_version_1_9(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "version_1_9.las"), (VERSION_MINOR, "B", 9))


def make_vlr_count_lie(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "vlr_count_lie.las"), (N_VLRS, "I", 4_000_000))


def make_evlr_past_end(folder: Path) -> list[Path]:
    path = write_sound(folder / "evlr_past_end.las")
    return _patched(path, (EVLRS, "Q", path.stat().st_size + 1000), (EVLRS + 8, "I", 3))


def make_duplicates(folder: Path) -> list[Path]:
    cloud = town()
    return [write_sound(folder / "duplicates.laz", PointCloud.concatenate([cloud] * 3))]


def make_withheld(folder: Path) -> list[Path]:
    cloud = town()
    half = np.arange(len(cloud)) % 2 == 1
    return [write_version(folder / "withheld.laz", cloud, crs=parse_crs(CITY), withheld=half)]


def make_gps_nan(folder: Path) -> list[Path]:
    path = write_version(folder / "gps_nan.las", town(), crs=parse_crs(CITY))
    las = laspy.read(path)
    path.unlink()
    las.gps_time[:] = np.nan
    las.write(str(folder / "gps_nan.laz"))
    return [folder / "gps_nan.laz"]


def make_plain_las_named(folder: Path) -> list[Path]:
    path = write_sound(folder / "plain.las")
    return [path.rename(folder / "plain_las_named.laz")]


def make_awkward_name(folder: Path) -> list[Path]:
    return [write_sound(folder / "naïve 東京 'quoted' & spaced [1].laz")]


def make_mixed_crs(folder: Path) -> list[Path]:
    return [
        write_sound(folder / "a.laz", crs="EPSG:25832"),
        write_sound(folder / "b.laz", crs="EPSG:25833"),
    ]


def make_one_bad_of_three(folder: Path) -> list[Path]:
    paths = [write_sound(folder / f"{name}.laz") for name in "abc"]
    _cut(paths[1], paths[1].stat().st_size * 6 // 10)
    return paths


def make_broken_link(folder: Path) -> list[Path]:
    link = folder / "broken_link.laz"
    link.symlink_to(folder / "nowhere.laz")
    return [link]


def make_is_a_folder(folder: Path) -> list[Path]:
    path = folder / "is_a_folder.laz"
    path.mkdir()
    return [path]


def make_far_away(folder: Path) -> list[Path]:
    return [write_sound(folder / "far_away.laz", moved(town(), np.eye(3), np.array([200_000.0, 0, 0])))]


def make_no_such_file(folder: Path) -> list[Path]:
    return [folder / "nope.laz"]


def make_record_too_short(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "record_too_short.las"), (RECORD_LENGTH, "H", 20))


def make_bounds_nan(folder: Path) -> list[Path]:
    return _patched(write_sound(folder / "bounds_nan.las"), (BOX, "d", float("nan")))


def make_bounds_swapped(folder: Path) -> list[Path]:
    """Minimum first, where the specification has the maximum."""
    path = write_sound(folder / "bounds_swapped.las")
    box = struct.unpack_from("<6d", path.read_bytes(), BOX)
    return _patched(path, *((BOX + 8 * (i ^ 1), "d", value) for i, value in enumerate(box)))


def make_bounds_zero(folder: Path) -> list[Path]:
    path = write_sound(folder / "bounds_zero.las")
    return _patched(path, *((BOX + 8 * i, "d", 0.0) for i in range(6)))


def make_stray_point(folder: Path) -> list[Path]:
    """A damaged byte in an uncompressed record moves one point by 16 km."""
    path = write_sound(folder / "stray_point.las")
    data = bytearray(path.read_bytes())
    data[-30 * 100 + 3] ^= 0x01
    return _write(path, data)


def make_no_laz_record(folder: Path) -> list[Path]:
    path = write_sound(folder / "no_laz_record.laz")
    return _write(path, path.read_bytes().replace(b"laszip encoded", b"laszip_encoded"))


def make_laz_coder(folder: Path) -> list[Path]:
    path = write_sound(folder / "laz_coder.laz")
    at = path.read_bytes().index(b"laszip encoded") - 2 + 54
    return _patched(path, (at + 2, "H", 15))


def make_laz_items(folder: Path) -> list[Path]:
    path = write_sound(folder / "laz_items.laz")
    at = path.read_bytes().index(b"laszip encoded") - 2 + 54
    return _patched(path, (at + 36, "H", 3000))


def make_chunk_table_bomb(folder: Path) -> list[Path]:
    path = write_sound(folder / "chunk_table_bomb.laz")
    data = path.read_bytes()
    (table,) = struct.unpack_from("<q", data, struct.unpack_from("<I", data, 96)[0])
    return _patched(path, (table + 4, "I", 2**32 - 1))


def make_layer_bomb(folder: Path) -> list[Path]:
    """The first layer of the first chunk claims four gigabytes."""
    path = write_sound(folder / "layer_bomb.laz")
    first = struct.unpack_from("<I", path.read_bytes(), 96)[0] + 8
    return _patched(path, (first + 30 + 4, "I", 2**32 - 1))


def make_chunk_count(folder: Path) -> list[Path]:
    """The header counts more points than the chunks can hold, though the file is whole."""
    path = write_sound(folder / "chunk_count.laz")
    return _patched(path, (COUNT, "I", 0), (COUNT_64, "Q", 200_000))


def make_octree_loop(folder: Path) -> list[Path]:
    """The root page of the octree refers to itself."""
    path = write_copc(folder / "octree_loop.copc.laz", town())
    data = path.read_bytes()
    page_at, page_bytes = struct.unpack_from("<2Q", data, 375 + 54 + 40)
    return _patched(
        path, (page_at + 16, "Q", page_at), (page_at + 24, "i", page_bytes), (page_at + 28, "i", -1)
    )


def make_octree_page(folder: Path) -> list[Path]:
    path = write_copc(folder / "octree_page.copc.laz", town())
    return _patched(path, (375 + 54 + 40, "Q", 2**50))


def make_negative_page(folder: Path) -> list[Path]:
    """The root page names another page that is -32 bytes long."""
    path = write_copc(folder / "negative_page.copc.laz", town())
    (page_at,) = struct.unpack_from("<Q", path.read_bytes(), 375 + 54 + 40)
    return _patched(path, (page_at + 16, "Q", 600), (page_at + 24, "i", -32), (page_at + 28, "i", -1))


def make_geocentric(folder: Path) -> list[Path]:
    path = folder / "geocentric.las"
    write_version(path, town(), version="1.4", point_format=6, crs=parse_crs("EPSG:4978"))
    return [path]


def make_looks_like_degrees(folder: Path) -> list[Path]:
    """Degrees in a file that says metres."""
    degrees = make_degrees(folder)[0]
    las = laspy.read(degrees)
    degrees.unlink()
    path = folder / "looks_like_degrees.laz"
    cloud = PointCloud(
        np.ascontiguousarray(las.xyz), np.array(las.classification), *np.ones((2, len(las.x)), np.uint8)
    )
    write_version(path, cloud, crs=parse_crs(CITY), scale=1e-7)
    return [path]


def make_metres_called_degrees(folder: Path) -> list[Path]:
    return [write_version(folder / "metres_called_degrees.laz", town(), crs=parse_crs("EPSG:4326"))]


BROKEN: tuple[Broken, ...] = (
    Broken("PC-01", make_zero_bytes, "error", 3, ("empty",)),
    Broken("PC-02", make_web_page, "error", 3, ("not a LAS",)),
    Broken("PC-03", make_truncated, "error", 3, ("truncated",)),
    Broken("PC-04", make_truncated_mid_record, "error", 3, ("truncated",)),
    Broken("PC-05", make_truncated_at_record, "error", 3, ("truncated", "4000", "3500")),
    Broken("PC-06", make_header_only, "error", 3, ("truncated",)),
    Broken("PC-07", make_count_bomb, "error", 4, ("points", "limit", "1,099,511,627,776")),
    Broken("PC-08", make_count_too_small, "warn", 0, ("1000", "4000")),
    Broken("PC-09", make_no_points, "warn", 0, ("no points",)),
    Broken("PC-10", make_one_point, "error", 3, ("1 point",)),
    Broken("PC-11", make_all_same_place, "error", 3, ("extent",)),
    Broken("PC-12", make_no_crs, "error", 2, ("CRS", "--crs")),
    Broken("PC-13", make_degrees, "error", 3, ("degree", "EPSG:4326")),
    Broken("PC-14", make_us_feet, "warn", 0, ("foot", "0.3048006096")),
    Broken("PC-15", make_z_in_feet, "warn", 0, ("height", "terrain")),
    Broken("PC-16", make_swapped_axes, "error", 3, ("overlap", "axis")),
    Broken("PC-17", make_garbage_wkt, "error", 2, ("CRS", "--crs")),
    Broken("PC-18", make_unclassified, "warn", 0, ("class",)),
    Broken("PC-19", make_no_ground, "error", 3, ("ground", "class 2")),
    Broken("PC-20", make_no_buildings, "ok", 0, ()),
    Broken("PC-21", make_scale_nan, "error", 3, ("x scale is nan",)),
    Broken("PC-22", make_scale_zero, "error", 3, ("x scale is 0",)),
    Broken("PC-23", make_offset_1e12, "error", 3, ("extent", "1e+12")),
    Broken("PC-24", make_outliers, "warn", 0, ("outlier", "9000", "-9999")),
    Broken("PC-25", make_bounds_lie, "warn", 0, ("bounds",)),
    Broken("PC-26", make_damaged_chunk, "error", 3, ("corrupt",)),
    Broken("PC-27", make_format_99, "error", 3, ("point format 99",)),
    Broken("PC-28", make_version_1_9, "error", 3, ("version", "1.9")),
    Broken("PC-29", make_vlr_count_lie, "error", 3, ("header", "4000000")),
    Broken("PC-30", make_evlr_past_end, "error", 3, ("header",)),
    Broken("PC-31", make_duplicates, "ok", 0, ()),
    Broken("PC-32", make_withheld, "ok", 0, ()),
    Broken("PC-33", make_gps_nan, "ok", 0, ()),
    Broken("PC-34", make_plain_las_named, "ok", 0, ()),
    Broken("PC-35", make_awkward_name, "ok", 0, ()),
    Broken("PC-36", make_mixed_crs, "error", 2, ("EPSG:25832", "EPSG:25833", "a.laz", "b.laz")),
    Broken("PC-37", make_one_bad_of_three, "error", 3, ("b.laz", "truncated")),
    Broken("PC-38", make_broken_link, "error", 3, ("not found",)),
    Broken("PC-39", make_is_a_folder, "error", 3, ("no LAS",)),
    Broken("PC-40", make_far_away, "error", 3, ("overlap",)),
    Broken("PC-41", make_flipped_byte, "error", 3, ("corrupt", "runs from")),
    Broken("PX-01", make_no_such_file, "error", 3, ("nope.laz", "not found")),
    Broken("PX-02", make_record_too_short, "error", 3, ("20 bytes", "needs 30")),
    Broken("PX-03", make_bounds_nan, "error", 3, ("bounds", "finite")),
    Broken("PX-04", make_bounds_swapped, "ok", 0, ()),
    Broken("PX-05", make_bounds_zero, "warn", 0, ("bounds",)),
    Broken("PX-06", make_stray_point, "error", 3, ("corrupt", "x runs from")),
    Broken("PX-07", make_no_laz_record, "error", 3, ("corrupt",)),
    Broken("PX-08", make_laz_coder, "error", 3, ("corrupt", "coder 15")),
    Broken("PX-09", make_laz_items, "error", 3, ("corrupt", "point format 6")),
    Broken("PX-10", make_chunk_table_bomb, "error", 3, ("corrupt", "4294967295 chunks")),
    Broken("PX-11", make_layer_bomb, "error", 3, ("corrupt", "chunk")),
    Broken("PX-12", make_chunk_count, "error", 3, ("truncated", "200000", "50000")),
    Broken("PX-13", make_octree_loop, "error", 3, ("corrupt", "octree")),
    Broken("PX-14", make_octree_page, "error", 3, ("corrupt", "octree")),
    Broken("PX-18", make_negative_page, "error", 3, ("corrupt", "octree page of -32 bytes")),
    Broken("PX-15", make_geocentric, "error", 2, ("EPSG:4978", "--crs")),
    Broken("PX-16", make_looks_like_degrees, "error", 3, ("degree", "EPSG:25832")),
    Broken("PX-17", make_metres_called_degrees, "error", 3, ("EPSG:4326", "degree")),
)
"""Every defect."""
