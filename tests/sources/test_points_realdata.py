"""Real surveys and the regression files of other projects."""

from __future__ import annotations

from pathlib import Path

import laspy
import numpy as np
import pytest

from twin.city.plan import _in_city
from twin.core.crs import crs_name, parse_crs
from twin.core.errors import CrsError, InputError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.sources.points import (
    PointFile,
    common_crs,
    file_transform,
    open_point_file,
    open_points,
    read_chunks,
)

pytestmark = pytest.mark.realdata

ODD_BUT_READABLE = {
    "1_4_w_evlr.las": (1000, "EPSG:2903"),
    "Example.las": (30, "EPSG:26917"),
    "append-bug.laz": (37_805, "EPSG:2154"),
    "autzen_geo_proj.las": (106, "EPSG:2994"),
    "example.copc.laz": (30, "EPSG:26917"),
    "fullwave.laz": (10_750, "EPSG:32723"),
    "malformed_extrabytes.las": (10, None),
    "nocrs.las": (30, None),
    "pdal_1.2-empty-geotiff-vlrs.las": (43, None),
    "pdal_100-points.las": (100, None),
    "pdal_bad-geotiff-keys.las": (10, "EPSG:32617"),
    "pdal_bad_vlr_count.las": (10, "EPSG:32617"),
    "pdal_epsg_4326.las": (5380, "EPSG:4326"),
    "pdal_extrabytes.las": (1065, None),
    "pdal_gps-time-nan.las": (1, None),
    "pdal_no-points.las": (0, "EPSG:4269"),
    "pdal_spec_3.las": (10, "EPSG:32617"),
    "pdal_test1_4.las": (1000, "EPSG:2903"),
    "pdal_test_epsg_4326_axis.las": (10, "EPSG:4326"),
    "pdal_warsaw_small.las": (3000, None),
    "pdal_wontcompress3.las": (1000, "EPSG:26919"),
    "simple1_1.las": (1065, None),
    "simple1_3.las": (999, None),
    "unregistered_extra_bytes.las": (4, None),
    "vegetation_1_3.las": (10_683, None),
}


def read(file: PointFile, notices: Notices | None = None, **options: object) -> PointCloud:
    chunks = read_chunks(file, notices=notices or Notices(), **options)  # type: ignore[arg-type]
    return PointCloud.concatenate(list(chunks))


def assert_as_laspy(path: Path, cloud: PointCloud) -> None:
    las = laspy.read(path)
    kept = ~(np.asarray(las.withheld, bool) | np.isin(las.classification, (7, 18)))
    np.testing.assert_array_equal(cloud.xyz, las.xyz[kept])
    np.testing.assert_array_equal(cloud.classification, las.classification[kept])
    np.testing.assert_array_equal(cloud.return_number, las.return_number[kept])
    np.testing.assert_array_equal(cloud.n_returns, las.number_of_returns[kept])


@pytest.mark.parametrize("name", ODD_BUT_READABLE)
def test_odd_files_are_read_as_laspy_reads_them(shared_data: Path, name: str) -> None:
    path = shared_data / "bad_las" / name
    file = open_point_file(path)
    n_points, code = ODD_BUT_READABLE[name]
    assert file.n_points == n_points
    assert (file.crs and crs_name(file.crs)) == code
    assert_as_laspy(path, read(file))


@pytest.mark.parametrize("name", ["laszip_broken_coder.laz", "laszip_broken_compressor.laz"])
def test_broken_files_are_refused_before_the_decoder_panics(shared_data: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: corrupt"):
        open_points(shared_data / "bad_las" / name)


@pytest.mark.parametrize(
    ("name", "causes"),
    [
        ("pdal_bad_vlr_count.las", ["point-header"]),
        ("pdal_no-points.las", ["no-points"]),
        ("simple1_3.las", ["point-bounds"]),
        ("pdal_wontcompress3.las", ["points-left-out"]),
        ("Example.las", []),
    ],
)
def test_what_is_odd_is_told(shared_data: Path, name: str, causes: list[str]) -> None:
    notices = Notices()
    read(open_point_file(shared_data / "bad_las" / name), notices)
    assert list(notices.causes()) == causes


@pytest.mark.parametrize("folder", ["delft/ahn3", "copc", "lakes_megaplot_ca", "autzen_usft"])
def test_surveys_are_read_as_laspy_reads_them(shared_data: Path, folder: str) -> None:
    for file in open_points(shared_data / folder):
        assert_as_laspy(file.path, read(file))


def test_delft_names_no_crs(shared_data: Path) -> None:
    files = open_points(str(shared_data / "delft" / "ahn3" / "*.laz"))
    assert [f.n_points for f in files] == [640_510, 208_432]
    with pytest.raises(CrsError, match=r"names no CRS; .*--crs"):
        common_crs(files)
    assert all(file_transform(f, parse_crs("EPSG:7415"), notices=Notices()).is_identity for f in files)


def test_copc_windows(shared_data: Path) -> None:
    for name in ("lone-star.copc.laz", "lidar0_CH_val.copc.laz"):
        file = open_point_file(shared_data / "copc" / name)
        assert file.is_copc
        whole, b = read(file), file.bounds
        window = Bounds(b.x_min, b.y_min, b.x_min + b.width / 3, b.y_min + b.height / 4)
        inside = window.contains(whole.xyz[:, 0], whole.xyz[:, 1])
        part = read(file, bounds=window)
        assert 0 < len(part) < len(whole)
        np.testing.assert_array_equal(part.xyz, whole.xyz[inside])


def test_autzen_is_in_feet(shared_data: Path) -> None:
    file = open_point_file(shared_data / "autzen_usft" / "autzen_trim.laz")
    notices = Notices()
    city = common_crs([file])
    cloud = read(file, notices, transform=file_transform(file, city, notices=notices))
    feet = np.asarray(laspy.read(file.path).xyz)
    # The metric twin has its own false easting, so that only differences compare.
    np.testing.assert_allclose(np.ptp(cloud.xyz, axis=0), np.ptp(feet, axis=0) * 0.3048, atol=1e-3)
    np.testing.assert_allclose(cloud.xyz[:, 2], feet[:, 2] * 0.3048, atol=1e-9)
    assert list(notices.causes()) == ["feet"]


def test_a_frame_without_a_place_needs_the_users_word(shared_data: Path) -> None:
    file = open_point_file(shared_data / "copc" / "lone-star.copc.laz")
    with pytest.raises(CrsError, match="EPSG:4978"):
        common_crs([file])
    notices = Notices()
    assert file_transform(file, parse_crs("EPSG:32614"), notices=notices).is_identity
    assert list(notices.causes()) == ["point-crs"]
    assert _in_city(file, parse_crs("EPSG:32614")) == file.bounds
