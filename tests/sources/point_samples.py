"""Small sound point clouds in every shape that a file can have, made from a seed."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import laspy
import lazrs
import numpy as np

from twin.core.crs import parse_crs
from twin.core.points import PointCloud
from twin.sources.las_writer import write_las

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

WEST, SOUTH, SIDE_M = 691_000.0, 5_334_000.0, 80.0
CITY = "EPSG:25832"
BUILDINGS = ((10, 10, 6.0), (50, 10, 8.0), (10, 50, 10.0), (50, 50, 12.0))
BUILDING_SIDE_M = 12.0


def town(n: int = 4000, *, seed: int = 1) -> PointCloud:
    """Ground with four flat-roofed houses, classes 2 and 6, single returns."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, SIDE_M, (2, n))
    # A scanner sweeps; points in order of place are what LAZ is made for.
    order = np.lexsort((x, np.floor(y)))
    x, y = x[order], y[order]
    z = 500 + 0.02 * x + rng.normal(0, 0.02, n)
    classification = np.full(n, 2, np.uint8)
    for west, south, height in BUILDINGS:
        inside = (abs(x - west - 6) < 6) & (abs(y - south - 6) < 6)
        z[inside] += height
        classification[inside] = 6
    ones = np.ones(n, np.uint8)
    return PointCloud(np.c_[WEST + x, SOUTH + y, z], classification, ones, ones)


def moved(cloud: PointCloud, matrix: np.ndarray, shift: np.ndarray) -> PointCloud:
    """The cloud with its coordinates mapped linearly."""
    return PointCloud(
        cloud.xyz @ matrix.T + shift, cloud.classification, cloud.return_number, cloud.n_returns
    )


def with_classes(cloud: PointCloud, classification: np.ndarray | int) -> PointCloud:
    """The cloud with other classes."""
    classes = np.broadcast_to(np.asarray(classification, np.uint8), len(cloud)).copy()
    return PointCloud(cloud.xyz, classes, cloud.return_number, cloud.n_returns)


def write_version(
    path: Path,
    cloud: PointCloud,
    *,
    version: str = "1.2",
    point_format: int = 1,
    crs: CRS | None = None,
    withheld: np.ndarray | None = None,
    extra_bytes: bool = False,
    scale: float = 0.001,
) -> Path:
    """Any version and point format that laspy writes."""
    header = laspy.LasHeader(version=version, point_format=point_format)
    header.scales, header.offsets = np.full(3, scale), np.floor(cloud.xyz.min(axis=0))
    if extra_bytes:
        header.add_extra_dim(laspy.ExtraBytesParams("amplitude", "f4"))
    if crs is not None:
        header.add_crs(crs)
    las = laspy.LasData(header)
    las.points = laspy.ScaleAwarePointRecord.zeros(len(cloud), header=header)
    las.x, las.y, las.z = cloud.xyz.T
    las.classification = cloud.classification
    las.return_number, las.number_of_returns = cloud.return_number, cloud.n_returns
    if withheld is not None:
        las.withheld = withheld
    if "gps_time" in header.point_format.dimension_names:
        las.gps_time = np.linspace(0, 60, len(cloud))
    las.write(str(path), do_compress=path.suffix == ".laz")
    return path


def write_sound(path: Path, cloud: PointCloud | None = None, *, crs: str | None = CITY) -> Path:
    """LAS 1.4 as this project writes it."""
    write_las(path, town() if cloud is None else cloud, crs=parse_crs(crs) if crs else None)
    return path


def write_copc(path: Path, cloud: PointCloud, *, levels: int = 2) -> Path:
    """A COPC file: every point in a leaf of the octree but for every tenth, which stays in the root."""
    las_path = path.with_suffix(".plain.las")
    write_version(las_path, cloud, version="1.4", point_format=6, crs=parse_crs(CITY))
    las = laspy.read(las_path)
    las_path.unlink()
    half = SIDE_M / 2
    centre = np.array([WEST + half, SOUTH + half, 510.0])
    keys = _octree_keys(cloud, centre - half, 2 * half, levels)
    vlr = lazrs.LazVlr.new_for_compression(6, 0, True)
    chunks = [las.points.array[(keys == key).all(axis=1)].tobytes() for key in np.unique(keys, axis=0)]
    counts = [len(chunk) // 30 for chunk in chunks]
    head, packed = _copc_parts(las, vlr, chunks)
    offsets = len(head) + 8 + np.cumsum([0, *[size for _, size in packed[1]]])[:-1]
    nodes = {tuple(map(int, key)): (0, 0, 0) for key in _parents(keys)}
    for key, offset, (_, size), count in zip(
        np.unique(keys, axis=0), offsets, packed[1], counts, strict=True
    ):
        nodes[tuple(map(int, key))] = (int(offset), size, count)
    entries = b"".join(struct.pack("<4iQii", *key, *node) for key, node in sorted(nodes.items()))
    page_at = len(head) + len(packed[0]) + 60
    info = struct.pack("<5d2Q2d", *centre, half, 10.0, page_at, len(entries), 0, 0) + bytes(88)
    evlr = struct.pack("<H16sHQ32s", 0, b"copc", 1000, len(entries), b"EPT Hierarchy") + entries
    out = bytearray(head + packed[0] + evlr)
    out[375 + 54 : 375 + 54 + 160] = info
    struct.pack_into("<QI", out, 235, page_at - 60, 1)
    path.write_bytes(out)
    return path


def _octree_keys(cloud: PointCloud, corner: np.ndarray, side: float, levels: int) -> np.ndarray:
    depth = levels - 1
    cells = np.floor((cloud.xyz - corner) / side * 2**depth).astype(np.int64).clip(0, 2**depth - 1)
    keys = np.c_[np.full(len(cloud), depth), cells]
    keys[::10] = 0
    return keys


def _parents(keys: np.ndarray) -> list[tuple[int, ...]]:
    """Every node above the given ones; a reader walks down through them."""
    return [
        (level, *(key[1:] >> (key[0] - level)))
        for key in np.unique(keys, axis=0)
        for level in range(int(key[0]))
    ]


def _copc_parts(
    las: laspy.LasData, vlr: lazrs.LazVlr, chunks: list[bytes]
) -> tuple[bytes, tuple[bytes, list[tuple[int, int]]]]:
    """Header with its records, and the packed points behind it with the table of their chunks."""
    plain = io.BytesIO()
    las.write(plain, do_compress=False)
    source = plain.getvalue()
    wkt = source[375 : struct.unpack_from("<I", source, 96)[0]]
    laz = bytes(vlr.record_data())
    records = struct.pack("<H16sHH32s", 0, b"copc", 1, 160, b"COPC info") + bytes(160) + wkt
    records += struct.pack("<H16sHH32s", 0, b"laszip encoded", 22204, len(laz), b"") + laz
    head = bytearray(source[:375] + records)
    struct.pack_into("<IIB", head, 96, len(head), 2 + struct.unpack_from("<I", source, 100)[0], 0x80 | 6)
    packed = io.BytesIO(bytes(head))
    packed.seek(0, io.SEEK_END)
    compressor = lazrs.LasZipCompressor(packed, vlr)
    compressor.compress_chunks([np.frombuffer(chunk, np.uint8) for chunk in chunks])
    compressor.done()
    body = packed.getvalue()[len(head) :]
    (table_at,) = struct.unpack_from("<q", body)
    table = lazrs.read_chunk_table_only(io.BytesIO(body[table_at - len(head) :]), vlr)
    return bytes(head), (body, table[: len(chunks)])
