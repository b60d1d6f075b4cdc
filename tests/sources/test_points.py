"""Point clouds in every version and layout come out as they went in, in blocks of any size."""

from __future__ import annotations

import io
import os
import re
import struct
import sys
from dataclasses import replace
from pathlib import Path

import laspy
import lazrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from twin.core.crs import crs_name, make_transform, parse_crs
from twin.core.errors import CrsError, InputError, InputNotFoundError, LimitError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.sources.las_writer import write_las
from twin.sources.laz import decoding
from twin.sources.points import (
    PointFile,
    common_crs,
    file_transform,
    find_point_files,
    open_point_file,
    open_points,
    read_chunks,
)

VERSIONS = [
    ("1.0", 0),
    ("1.0", 1),
    ("1.1", 1),
    *(("1.2", i) for i in range(4)),
    *(("1.3", i) for i in range(4)),
]
VERSIONS += [("1.4", i) for i in (0, 1, 2, 3, 6, 7, 8)]
WINDOW = Bounds(WEST + 12, SOUTH + 7, WEST + 41, SOUTH + 33)


def read(file: PointFile, **options: object) -> PointCloud:
    """All blocks of a file, and no word about it."""
    notices = Notices()
    cloud = PointCloud.concatenate(list(read_chunks(file, notices=notices, **options)))  # type: ignore[arg-type]
    assert not notices.items
    return cloud


def assert_same(a: PointCloud, b: PointCloud, *, step_m: float = 0.0) -> None:
    """Equal in every array, coordinates to half a step."""
    assert len(a) == len(b)
    assert abs(a.xyz - b.xyz).max(initial=0) <= step_m * 0.5000001
    for name in ("classification", "return_number", "n_returns"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def echoes(n: int = 3000) -> PointCloud:
    """A town whose points have several returns."""
    cloud = town(n)
    n_returns = (1 + np.arange(n) % 5).astype(np.uint8)
    return PointCloud(
        cloud.xyz, cloud.classification, (1 + np.arange(n) % n_returns).astype(np.uint8), n_returns
    )


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@pytest.mark.parametrize(("version", "point_format"), VERSIONS)
def test_every_version_and_format_is_read(
    tmp_path: Path, version: str, point_format: int, suffix: str
) -> None:
    written = "1.2" if version in {"1.0", "1.1"} else version
    path = write_version(
        tmp_path / f"a{suffix}",
        echoes(),
        version=written,
        point_format=point_format,
        extra_bytes=point_format % 2 == 0,
    )
    data = bytearray(path.read_bytes())
    data[25] = int(version[-1])  # 1.0 and 1.1 differ from 1.2 in nothing that is read here
    path.write_bytes(data)
    file = open_point_file(path)
    assert (file.header.version, file.header.point_format) == ((1, int(version[-1])), point_format)
    assert file.header.is_compressed == (suffix == ".laz")
    assert_same(read(file), echoes(), step_m=0.001)


def test_coordinates_are_those_of_laspy_bit_for_bit(tmp_path: Path) -> None:
    path = write_version(tmp_path / "a.laz", echoes())
    las = laspy.read(path)
    np.testing.assert_array_equal(read(open_point_file(path)).xyz, las.xyz)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunk_points=st.integers(1, 5000), kind=st.sampled_from(["a.las", "a.laz", "a.copc.laz"]))
def test_the_size_of_the_blocks_changes_nothing(tmp_path: Path, chunk_points: int, kind: str) -> None:
    path = tmp_path / kind
    if not path.exists():
        (write_copc if "copc" in kind else write_sound)(path, echoes())
    file = open_point_file(path)
    blocks = list(read_chunks(file, notices=Notices(), chunk_points=chunk_points))
    assert all(len(b) > 0 for b in blocks)
    assert_same(PointCloud.concatenate(blocks), read(file))


def test_blocks_are_about_as_large_as_asked_for(tmp_path: Path) -> None:
    file = open_point_file(write_sound(tmp_path / "a.laz", town(160_000)))
    sizes = [len(c) for c in read_chunks(file, notices=Notices(), chunk_points=100_000)]
    assert sizes == [100_000, 60_000]


def test_a_huge_chunk_is_decoded_piece_by_piece(tmp_path: Path) -> None:
    """All points in one chunk must not mean all points in memory."""
    file = open_point_file(write_sound(tmp_path / "a.laz", town(20_000)))
    sizes = [len(c) for c in read_chunks(file, notices=Notices(), chunk_points=3000)]
    assert max(sizes) == 3000
    assert_same(read(file, chunk_points=3000), town(20_000), step_m=0.001)


def test_copc_reads_only_the_chunks_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = town(20_000)
    path = write_copc(tmp_path / "a.copc.laz", cloud, levels=4)
    file = open_point_file(path)
    assert file.is_copc
    whole = read(file)
    read_points = []
    monkeypatch.setattr(
        "twin.sources.points.decode_chunks", counted(read_points, "twin.sources.laz", "decode_chunks")
    )
    part = read(file, bounds=WINDOW)
    inside = WINDOW.contains(whole.xyz[:, 0], whole.xyz[:, 1])
    assert_same(part, whole.select(inside))
    assert sum(read_points) < 0.5 * len(whole)
    assert len(read(file, bounds=Bounds(0, 0, 1, 1))) == 0


def counted(record: list[int], module: str, name: str) -> object:
    import importlib

    original = getattr(importlib.import_module(module), name)

    def wrapped(stream: object, chunks: list[object], *rest: object, **options: object) -> object:
        record.append(sum(c.n_points for c in chunks))  # type: ignore[attr-defined]
        return original(stream, chunks, *rest, **options)

    return wrapped


def test_laspy_agrees_that_our_copc_sample_is_one(tmp_path: Path) -> None:
    path = write_copc(tmp_path / "a.copc.laz", town(), levels=3)
    with laspy.CopcReader.open(str(path)) as reader:
        assert len(reader.query()) == len(town())


@pytest.mark.parametrize("kind", ["a.las", "a.laz"])
def test_bounds_select_points_of_any_file(tmp_path: Path, kind: str) -> None:
    file = open_point_file(write_sound(tmp_path / kind))
    whole = read(file)
    assert_same(read(file, bounds=WINDOW), whole.select(WINDOW.contains(whole.xyz[:, 0], whole.xyz[:, 1])))


def test_bounds_are_meant_in_the_coordinates_after_the_transform(tmp_path: Path) -> None:
    path = write_copc(tmp_path / "a.copc.laz", town(20_000), levels=3)
    file = open_point_file(path)
    home = make_transform(parse_crs(CITY), parse_crs("EPSG:25833"), where="", notices=Notices())
    whole = read(file, transform=home)
    x, y = np.median(whole.xyz[:, 0]), np.median(whole.xyz[:, 1])
    window = Bounds(x - 10, y - 10, x + 10, y + 10)
    part = read(file, transform=home, bounds=window)
    assert_same(part, whole.select(window.contains(whole.xyz[:, 0], whole.xyz[:, 1])))
    assert len(part) > 500


def test_withheld_points_and_noise_are_left_out_and_counted(tmp_path: Path) -> None:
    cloud = with_classes(town(), np.tile([2, 7, 18, 6], 1000))
    withheld = np.arange(4000) < 1000
    path = write_version(tmp_path / "a.laz", cloud, version="1.4", point_format=6, withheld=withheld)
    notices = Notices()
    kept = PointCloud.concatenate(list(read_chunks(open_point_file(path), notices=notices)))
    assert_same(
        kept,
        cloud.select(~withheld & (cloud.classification % 4 == 2) & (cloud.classification < 7)),
        step_m=1e-3,
    )
    (line,) = notices.lines()
    assert "1000 withheld and 1500 of noise (classes 7 and 18) of 4000 points were left out" in line


@pytest.mark.parametrize(
    ("n_withheld", "noise", "told"),
    [(0, 18, "4000 of noise (classes 7 and 18) of"), (100, 2, "a.laz: 100 withheld of 4000 points")],
)
def test_only_what_there_was_to_leave_out_is_told(
    n_withheld: int, noise: int, told: str, tmp_path: Path
) -> None:
    withheld = np.arange(4000) < n_withheld
    cloud = with_classes(town(), noise)
    path = write_version(tmp_path / "a.laz", cloud, version="1.4", point_format=6, withheld=withheld)
    notices = Notices()
    for _ in read_chunks(open_point_file(path), notices=notices):
        pass
    assert told in notices.lines()[0]
    assert not re.search(r"\b0 ", notices.lines()[0])


def test_noise_may_lie_outside_the_bounds_of_the_header(tmp_path: Path) -> None:
    cloud = town()
    cloud.classification[:5], cloud.xyz[:5, 2] = 18, 12_000
    path = write_sound(tmp_path / "a.las", cloud)
    data = bytearray(path.read_bytes())
    struct.pack_into("<d", data, 179 + 32, 520.0)
    path.write_bytes(data)
    notices = Notices()
    assert sum(map(len, read_chunks(open_point_file(path), notices=notices))) == 3995
    assert [item.cause for item in notices.items] == ["points-left-out"]


def test_header_rounded_to_centimetres_is_only_told(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.las")
    data = bytearray(path.read_bytes())
    box = [np.floor(v * 100) / 100 for v in struct.unpack_from("<6d", data, 179)]
    struct.pack_into("<6d", data, 179, *box)
    path.write_bytes(data)
    notices = Notices()
    assert sum(map(len, read_chunks(open_point_file(path), notices=notices))) == 4000
    assert [item.cause for item in notices.items] == ["point-bounds"]


def test_an_appended_file_with_old_bounds_is_only_told(tmp_path: Path) -> None:
    cloud = town()
    path = write_sound(tmp_path / "a.las", cloud)
    data = bytearray(path.read_bytes())
    struct.pack_into("<d", data, 179, WEST + SIDE_M / 2 + 2)
    path.write_bytes(data)
    notices = Notices()
    assert sum(map(len, read_chunks(open_point_file(path), notices=notices))) == 4000
    assert "outside the bounds of the header" in notices.lines()[0]


def test_chunk_table_position_at_the_end_of_a_streamed_file(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.laz")
    data = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<I", data, 96)
    table = data[start : start + 8]
    data[start : start + 8] = struct.pack("<q", -1)
    path.write_bytes(data + table)
    assert_same(read(open_point_file(path)), town(), step_m=0.001)


def test_the_oldest_kind_of_laz_has_no_chunks(tmp_path: Path) -> None:
    """One stream without a table, as LASzip wrote it first."""
    path = write_version(tmp_path / "a.laz", town())
    data = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<I", data, 96)
    (table,) = struct.unpack_from("<q", data, start)
    record = data.index(b"laszip encoded") - 2 + 54
    struct.pack_into("<H", data, record, 1)
    path.write_bytes(data[:start] + data[start + 8 : table])
    file = open_point_file(path)
    assert_same(read(file), town(), step_m=0.001)
    assert [len(c) for c in read_chunks(file, notices=Notices(), chunk_points=3000)] == [3000, 1000]


def test_more_chunks_than_the_header_counts_are_told(tmp_path: Path) -> None:
    path = write_version(tmp_path / "a.laz", town(120_000))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 107, 60_000)
    path.write_bytes(data)
    notices = Notices()
    cloud = PointCloud.concatenate(list(read_chunks(open_point_file(path), notices=notices)))
    assert len(cloud) == 60_000
    assert "counts 60000 points, 1 more chunks" in notices.lines()[0]


def test_a_panic_of_the_decoder_is_an_input_error() -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    with pytest.raises(InputError, match="corrupt"), decoding(Path("a.laz")):
        raise panic("chunk table")
    with pytest.raises(KeyboardInterrupt), decoding(Path("a.laz")):
        raise KeyboardInterrupt


def test_a_real_panic_of_the_decoder_is_an_input_error(capfd: pytest.CaptureFixture[str]) -> None:
    """Variable chunks without a table make the library panic."""
    record = bytearray(lazrs.LazVlr.new_for_compression(1, 0, True).record_data())
    with pytest.raises(InputError, match="corrupt"), decoding(Path("a.laz")):
        decoder = lazrs.LasZipDecompressor(io.BytesIO(bytes(200)), bytes(record))
        decoder.decompress_many(bytearray(28 * 5))
    capfd.readouterr()


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.las")
    file = open_point_file(path)
    blocks = read_chunks(file, notices=Notices(), chunk_points=1000)
    next(blocks)
    with path.open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(InputError, match="changed while it was read"):
        list(blocks)


def test_a_file_that_changed_since_it_was_opened_is_refused(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.las")
    file = open_point_file(path)
    os.utime(path, ns=(0, 0))
    with pytest.raises(InputError, match="changed while it was read"):
        next(read_chunks(file, notices=Notices()))


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.laz")
    with pytest.raises(InputError, match="not a plain file"):
        open_points(tmp_path / "pipe.laz")


def test_the_limit_of_points_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sound(tmp_path / "a.las")
    monkeypatch.setenv("TWIN_MAX_POINTS_PER_FILE", "3999")
    with pytest.raises(LimitError, match="TWIN_MAX_POINTS_PER_FILE=4000"):
        open_points(path)


def test_names_folders_and_globs(tmp_path: Path) -> None:
    names = ["b.laz", "a.LAS", "c[1].laz", "notes.txt"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "d.laz").write_bytes(b"")
    clouds = [tmp_path / n for n in ("a.LAS", "b.laz", "c[1].laz")]
    assert find_point_files(tmp_path) == clouds
    assert find_point_files(str(tmp_path / "*.laz")) == clouds[1:]
    assert find_point_files(str(tmp_path / "c[1].laz")) == clouds[2:]
    assert find_point_files([clouds[1], tmp_path]) == [clouds[1], clouds[0], clouds[2]]
    assert find_point_files(str(tmp_path / "**" / "d.laz")) == [tmp_path / "inner" / "d.laz"]


@pytest.mark.parametrize("name", ["*.laz", "nope.laz", "nope"])
def test_what_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputNotFoundError, match="not found"):
        find_point_files(str(tmp_path / name))


def test_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no points")
    for named in ([], tmp_path, str(tmp_path / "*")):
        with pytest.raises(InputError, match="no LAS"):
            find_point_files(named)


def test_vertical_parts_are_kept_and_shared(tmp_path: Path) -> None:
    flat = open_point_file(write_sound(tmp_path / "a.laz", crs="EPSG:28992"))
    full = open_point_file(write_sound(tmp_path / "b.laz", crs="EPSG:7415"))
    assert crs_name(common_crs([flat, full])) == "EPSG:7415"
    assert crs_name(common_crs([full, flat])) == "EPSG:7415"
    assert crs_name(common_crs([flat, flat])) == "EPSG:28992"
    other = open_point_file(write_sound(tmp_path / "c.laz", crs="EPSG:28992+5783"))
    with pytest.raises(CrsError, match=r"EPSG:7415.*EPSG:28992\+5783"):
        common_crs([flat, full, other])


def test_heights_of_two_kinds_are_never_mixed(tmp_path: Path) -> None:
    dutch = open_point_file(write_sound(tmp_path / "a.laz", crs="EPSG:7415"))
    german = open_point_file(write_sound(tmp_path / "b.laz", crs="EPSG:28992+5783"))
    plain = open_point_file(write_sound(tmp_path / "c.laz", crs="EPSG:28992"))
    satellite = replace(plain, crs=parse_crs("EPSG:28992").to_3d())
    city = parse_crs("EPSG:28992")
    for other in (german, satellite):
        with pytest.raises(CrsError, match=r"a\.laz and .* different CRS"):
            common_crs([dutch, other])
        with pytest.raises(CrsError, match="vertical datum"):
            common_crs([dutch, plain, other], city)
    assert common_crs([dutch, plain, dutch], city) == city
    assert common_crs([dutch, german], parse_crs("EPSG:7415")) == parse_crs("EPSG:7415")


@pytest.mark.parametrize(
    "code", ["EPSG:3879+3900", "EPSG:5186+5193", "EPSG:7415", "EPSG:26917", "EPSG:32118"]
)
def test_the_crs_survives_the_file(tmp_path: Path, code: str) -> None:
    file = open_point_file(write_sound(tmp_path / "a.laz", crs=code))
    assert crs_name(common_crs([file])) == code
    assert file_transform(file, parse_crs(code), notices=Notices()).is_identity


def test_feet_become_metres(tmp_path: Path) -> None:
    cloud = moved(town(), np.eye(3), np.array([984_250.0, 200_000.0, 0.0]) - (WEST, SOUTH, 500))
    file = open_point_file(write_sound(tmp_path / "a.laz", cloud, crs="EPSG:2263"))
    notices = Notices()
    city = common_crs([file])
    home = file_transform(file, city, notices=notices)
    assert crs_name(city) == "EPSG:32118"
    metres = read(file, transform=home)
    expected = cloud.xyz * 1200 / 3937
    assert abs(metres.xyz - expected).max() < 1e-3
    assert [item.cause for item in notices.items] == ["feet"]


def test_a_file_without_crs_is_in_the_citys(tmp_path: Path) -> None:
    file = open_point_file(write_sound(tmp_path / "a.laz", crs=None))
    assert common_crs([file], parse_crs(CITY)) == parse_crs(CITY)
    notices = Notices()
    assert file_transform(file, parse_crs(CITY), notices=notices).is_identity
    assert "names no CRS; taken to be in" in notices.lines()[0]


def test_degrees_are_taken_where_the_city_is_named(tmp_path: Path) -> None:
    there = make_transform(parse_crs(CITY), parse_crs("EPSG:4326"), where="", notices=Notices())
    cloud = moved(town(), np.eye(3), np.zeros(3))
    degrees = PointCloud(there(cloud.xyz), cloud.classification, cloud.return_number, cloud.n_returns)
    path = write_version(tmp_path / "a.laz", degrees, crs=parse_crs("EPSG:4326"), scale=1e-8)
    file = open_point_file(path)
    back = read(file, transform=file_transform(file, parse_crs(CITY), notices=Notices()))
    assert abs(back.xyz - cloud.xyz).max() < 0.002


def test_an_unreadable_crs_is_told_where_the_city_is_named(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.laz")
    path.write_bytes(path.read_bytes().replace(b"PROJCS[", b"garbage"))
    file = open_point_file(path)
    notices = Notices()
    assert file_transform(file, parse_crs(CITY), notices=notices).is_identity
    assert "not WKT" in notices.lines()[0]


def test_written_files_have_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.las", "b.las", "a.laz", "b.laz"):
        write_las(tmp_path / name, echoes(), crs=parse_crs("EPSG:3879+3900"))
    assert (tmp_path / "a.las").read_bytes() == (tmp_path / "b.las").read_bytes()
    assert (tmp_path / "a.laz").read_bytes() == (tmp_path / "b.laz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.las", "a.laz", "b.las", "b.laz"]


def test_points_too_far_apart_for_the_scale_are_not_written(tmp_path: Path) -> None:
    cloud = town()
    cloud.xyz[0, 0] += 1e7
    with pytest.raises(InputError, match=r"too far for steps of 0\.001 m"):
        write_las(tmp_path / "a.laz", cloud, crs=None)
    assert not list(tmp_path.iterdir())
