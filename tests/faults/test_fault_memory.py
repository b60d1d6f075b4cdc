"""Builds that are short of memory: done, or refused with the figure, and never told as a fault of a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.faults.fault_harness import Twin, assert_told, differing, environment, snapshot
from twin.core.errors import LimitError
from twin.core.files import guard_storage
from twin.sources.formats import Format
from twin.sources.gdal import load_rasterio
from twin.sources.raster_info import open_dataset
from twin.sources.vector_errors import explained

if TYPE_CHECKING:
    from tests.faults.small_city import SmallInputs

pytestmark = pytest.mark.slow
SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
from twin.cli.main import run
small, large = sys.argv[1].split("|"), sys.argv[2].split("|")
assert run(small) == 0  # everything is imported and compiled before memory becomes scarce
pages = int(Path("/proc/self/statm").read_text().split()[0])
held = pages * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + int(float(sys.argv[3]) * 2**20), -1))
sys.exit(run(large))
"""


def build_with_spare(
    spare_mib: float, city: Path, small: SmallInputs, larger: SmallInputs
) -> tuple[int, str]:
    """Exit code and messages of a build that is given little more memory than an idle process has."""
    lines = ["|".join(small.arguments(city.with_name("small.twin"))), "|".join(larger.arguments(city))]
    command = [sys.executable, "-c", SHORT_OF_MEMORY, *lines, str(spare_mib)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on address space is Linux's")
@pytest.mark.parametrize(
    "spare_mib",
    [
        1,
        12,
        *(pytest.param(mib, marks=pytest.mark.nightly) for mib in (0.1, 2, 3, 5, 8, 16, 20, 25, 32, 48, 64)),
    ],
)
def test_a_build_short_of_memory_ends_in_words(
    spare_mib: float, twin: Twin, larger: SmallInputs, larger_city: dict[str, bytes], inputs: SmallInputs,
    tmp_path: Path,
) -> None:  # fmt: skip
    """RT-13: done, or refused with the figure; never a traceback, and no file is blamed."""
    city = tmp_path / "town.twin"
    code, said = build_with_spare(spare_mib, city, inputs, larger)
    assert "Traceback" not in said, said
    assert code in {0, 4}, said
    if code == 4:
        assert_told(said, "memory", "--workers 1")
        assert not (city / "twin.json").exists()
    assert twin(*larger.arguments(city)).code == 0
    assert differing(snapshot(city), larger_city) == []


def test_point_clouds_beyond_a_limit_of_ours_are_refused_with_the_figure(
    twin: Twin, inputs: SmallInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RT-13"""
    monkeypatch.setenv("TWIN_MAX_POINTS_PER_FILE", "1e4")
    done = twin(*inputs.arguments(tmp_path / "town.twin"))
    assert done.code == 4
    assert_told(done.error, "survey.laz", "11,760 points", "10,000", "TWIN_MAX_POINTS_PER_FILE")


@pytest.mark.parametrize(
    "error",
    [
        OSError("ograrrowarrayhelper.cpp, 320: cannot allocate 6553600 bytes"),
        pa.ArrowMemoryError("malloc of size 4096 failed"),
        MemoryError("Unable to allocate 2.0 GiB"),
    ],
    ids=["GDAL", "Arrow", "numpy"],
)
@pytest.mark.parametrize("where", ["vector", "raster", "disk"])
def test_libraries_that_cannot_allocate_do_not_blame_the_file(
    error: Exception, where: str, tmp_path: Path
) -> None:
    """RT-13: the classes are those of damaged files; only the words differ."""
    path = tmp_path / "a.tif"
    readers = {
        "vector": lambda: explained(path, Format.GPKG),
        "raster": lambda: open_dataset(path, Format.GEOTIFF),
        "disk": lambda: guard_storage(path),
    }
    rasterio = load_rasterio()
    with rasterio.open(path, "w", driver="GTiff", width=1, height=1, count=1, dtype="uint8"):
        pass
    raised = rasterio.errors.RasterioIOError(str(error)) if where == "raster" else error
    with pytest.raises(MemoryError, match=r"memory|allocate|malloc") as told, readers[where]():  # type: ignore[operator]
        raise raised
    assert isinstance(told.value, LimitError) or told.value is error
