"""Cities damaged on disk, disks that are full, folders of other people, and files that fail at the worst time."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.faults.fault_harness import Twin, assert_told, differing, snapshot
from tests.faults.small_city import OTHER, SmallInputs, outlines
from tests.full_disk import file_size_limit
from tests.sources.broken_rasters import geotiff, hill
from tests.sources.broken_vectors import gpkg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DTM = "terrain/dtm.tif"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def rot(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "ST-01": (lambda city: cut(city / "twin.json"), ("manifest", "twin.json", "building it anew")),
    "ST-02": (lambda city: (city / "twin.json").write_bytes(b""), ("manifest", "empty")),
    "ST-03": (lambda city: (city / DTM).unlink(), ("dtm.tif", "missing")),
    "ST-04": (lambda city: rot(city / DTM), ("dtm.tif", "checksum")),
    "ST-05": (lambda city: cut(city / DTM), ("dtm.tif", "bytes")),
    "ST-07": (
        lambda city: (city / ".lock.json").write_text(
            json.dumps({"pid": 999_999, "host": "elsewhere", "started": "2024-01-01T00:00:00Z"})
        ),
        ("lock", "999999", "elsewhere"),
    ),
    "cut in the middle of a character": (
        lambda city: (city / "twin.json").write_bytes(b'{"name": "\xea\xb0'),
        ("manifest", "UTF-8"),
    ),
    "another program's twin.json": (lambda city: (city / "twin.json").write_text("[1, 2]"), ("manifest",)),
}


@pytest.mark.parametrize("row", DAMAGE)
def test_the_same_build_mends_a_damaged_city(
    row: str, twin: Twin, inputs: SmallInputs, city: Path, sound_city: Path
) -> None:
    damage, words = DAMAGE[row]
    damage(city)
    done = twin(*inputs.arguments(city))
    assert done.code == 0, done.err
    assert_told(done.notes, *words)
    assert differing(snapshot(city), snapshot(sound_city)) == []
    assert not twin(*inputs.arguments(city)).notes


@pytest.mark.parametrize("row", ["ST-01", "ST-02", "ST-03", "ST-05"])
@pytest.mark.parametrize("verb", ["info", "export", "add", "snapshot"])
def test_a_damaged_city_is_not_read(row: str, verb: str, twin: Twin, city: Path, tmp_path: Path) -> None:
    DAMAGE[row][0](city)
    before = snapshot(city)
    out = {
        "export": [tmp_path / "o.obj"],
        "add": [gpkg(tmp_path, "a.gpkg", outlines())],
        "snapshot": [tmp_path / "o.png"],
    }
    done = twin(verb, city, *out.get(verb, []))
    assert done.code == 5, done.err
    assert_told(done.error, "manifest" if row in {"ST-01", "ST-02"} else "dtm.tif", "twin build")
    assert snapshot(city) == before
    assert not (tmp_path / "o.obj").exists()


def test_check_lists_what_is_damaged(twin: Twin, city: Path) -> None:
    """ST-04: a size that is right says nothing yet."""
    rot(city / DTM)
    assert twin("info", city).code == 0
    done = twin("check", city)
    assert done.code == 1
    assert_told(done.out, "damaged", "dtm.tif", "checksum")


def test_leftovers_of_killed_runs_go_quietly(
    twin: Twin, inputs: SmallInputs, city: Path, sound_city: Path
) -> None:
    """ST-06"""
    (city / "terrain" / ".77.twin-tmp-dtm.tif.tif").write_bytes(b"half")
    (city / ".77.twin-tmp-twin.json.json").write_bytes(b"half")
    (city / ".build" / "0123456789abcdef" / "spool").mkdir(parents=True)
    (city / ".build" / "stray").write_bytes(b"x")
    done = twin(*inputs.arguments(city, "--detail", "0.4"))
    assert done.code == 0
    assert not done.notes
    assert snapshot(city).keys() == snapshot(sound_city).keys()


def test_a_city_from_the_future_is_left_alone(twin: Twin, inputs: SmallInputs, city: Path) -> None:
    """ST-08"""
    manifest = json.loads((city / "twin.json").read_text())
    (city / "twin.json").write_text(json.dumps({**manifest, "format": 99, "novelty": 1}))
    before = snapshot(city)
    for arguments in (inputs.arguments(city), ["info", city], ["check", city]):
        done = twin(*arguments)
        assert done.code == 5
        assert_told(done.error, "format 99", "newer", "upgrade")
        assert snapshot(city) == before


def test_somebody_else_s_folder_is_left_alone(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    """ST-09"""
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("\\section{Introduction}")
    before = snapshot(tmp_path)
    done = twin(*inputs.arguments(folder))
    assert done.code == 5
    assert_told(done.error, "thesis", "not a twin build", "chapter1.tex")
    assert snapshot(tmp_path) == before
    for verb in ("info", "check"):
        assert twin(verb, folder).code == 5


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "C:\\x", "..\\x", "", "a/../../b"])
def test_a_manifest_names_no_file_outside(path: str, twin: Twin, city: Path, tmp_path: Path) -> None:
    """A city folder may come from anybody."""
    manifest = json.loads((city / "twin.json").read_text())
    manifest["layers"]["terrain"]["files"][0]["path"] = path
    (city / "twin.json").write_text(json.dumps(manifest))
    done = twin("info", city)
    assert done.code == 5
    assert_told(done.error, "twin.json", "outside")
    assert twin("add", city, gpkg(tmp_path, "a.gpkg", outlines())).code == 5


def test_a_damaged_layer_is_left_out_and_told_and_can_be_added_again(
    twin: Twin, inputs: SmallInputs, city: Path, tmp_path: Path
) -> None:
    """What a user added cannot be built anew; the city must not stay unreadable for its sake."""
    layers = [gpkg(tmp_path, f"{name}.gpkg", outlines()) for name in ("paths", "parks")]
    assert twin("add", city, *layers).code == 0
    cut(city / "layers" / "paths.parquet")
    assert twin("info", city).code == 5
    done = twin(*inputs.arguments(city))
    assert done.code == 0
    assert_told(done.notes, "paths.parquet", "add it again")
    assert json.loads(twin("info", city, "--json").out)["layers"].keys() >= {"parks", "terrain"}
    assert "paths" not in json.loads(twin("info", city, "--json").out)["layers"]
    assert twin("add", city, layers[0]).code == 0
    assert not twin(*inputs.arguments(city)).notes


def test_layers_of_a_lost_manifest_are_named(
    twin: Twin, inputs: SmallInputs, city: Path, tmp_path: Path
) -> None:
    assert twin("add", city, gpkg(tmp_path, "paths.gpkg", outlines())).code == 0
    cut(city / "twin.json")
    done = twin(*inputs.arguments(city))
    assert done.code == 0
    assert_told(done.notes, "add its layers again", "paths.parquet")
    assert (city / "layers" / "paths.parquet").exists()


# --- disks and permissions


def test_a_disk_nearly_full_is_noticed_before_work(
    twin: Twin, inputs: SmallInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RT-04"""
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    done = twin(*inputs.arguments(tmp_path / "town.twin"))
    assert done.code == 5
    assert_told(done.error, "town.twin", "needs about 20 MB", "has 1 MB")
    assert not (tmp_path / "town.twin").exists()


def test_an_output_below_a_file_or_in_a_file_s_place(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    """RT-05 for those whom permissions do not bind."""
    (tmp_path / "file").write_text("mine")
    for output in (tmp_path / "file" / "town.twin", tmp_path / "file"):
        done = twin(*inputs.arguments(output))
        assert done.code == 5
        assert_told(done.error, "file")
    assert snapshot(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_folder_without_permission(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    """RT-05"""
    (tmp_path / "locked").mkdir(mode=0o500)
    done = twin(*inputs.arguments(tmp_path / "locked" / "town.twin"))
    assert done.code == 5
    assert_told(done.error, "locked", "permission")


def test_a_name_too_long_for_the_disk(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    done = twin(*inputs.arguments(tmp_path / ("x" * 300)))
    assert done.code == 5
    assert_told(done.error, "too long")


STAGES = {
    "spool": "twin.city.survey_pass.spool_survey",
    "ground": "twin.city.ground_pass.ground_pass",
    "objects": "twin.city.object_pass.object_pass",
    "assembly": "twin.city.assemble.assemble",
    "commit": "twin.city.build.commit",
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("n_bytes", [0, pytest.param(700, marks=pytest.mark.nightly), 12_000])
def test_a_disk_that_fills_up_in_any_stage(
    stage: str,
    n_bytes: int,
    twin: Twin,
    inputs: SmallInputs,
    sound_city: Path,
    other_city: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RT-03: the old city stays, nothing half-written bears a final name, and a second run completes."""
    city = shutil.copytree(sound_city, tmp_path / "town.twin")
    command = inputs.arguments(city, *OTHER)
    module, name = STAGES[stage].rsplit(".", 1)
    original = getattr(__import__(module, fromlist=[name]), name)

    def on_a_full_disk(*arguments: Any, **named: Any) -> Any:
        with file_size_limit(n_bytes):
            return original(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(STAGES[stage], on_a_full_disk)
        done = twin(*command)
    if stage == "commit" and n_bytes:  # a journal is smaller than that
        assert done.code == 0
        return
    assert done.code == 5, done.err
    assert_told(done.error, str(city), "disk full")
    after = {k: v for k, v in snapshot(city).items() if not k.startswith(".build/")}
    assert after == snapshot(sound_city)
    assert not list(city.rglob("*twin-tmp*"))
    assert twin(*command).code == 0
    assert differing(snapshot(city), snapshot(other_city)) == []


@pytest.mark.skipif(not hasattr(os.stat_result, "st_blocks"), reason="this system does not tell blocks")
def test_rasters_of_a_city_take_their_room_when_they_are_made(tmp_path: Path) -> None:
    """RT-03: a file with holes that is mapped into memory ends the process where the disk has no room for them."""
    from twin.city.mosaic import BANDS, create_mosaic
    from twin.core.grid import Bounds

    mosaic = create_mosaic(tmp_path, Bounds(0, 0, 700, 900), cell_size_m=0.5)
    for name, dtype in BANDS.items():
        state = (tmp_path / f"{name}.npy").stat()
        assert state.st_size > mosaic.grid.nx * mosaic.grid.ny * np.dtype(dtype).itemsize
        assert state.st_blocks * 512 >= state.st_size
        band = mosaic.band(name)
        assert band.shape == mosaic.grid.shape
        assert band.dtype == dtype
        assert np.isnan(band).all() if dtype is np.float32 else not band.any()


@pytest.mark.parametrize("kind", ["vector", "raster", "table", "model"])
def test_a_disk_that_fills_up_while_adding(kind: str, twin: Twin, city: Path, tmp_path: Path) -> None:
    files = {
        "vector": lambda: gpkg(tmp_path, "a.gpkg", outlines()),
        "raster": lambda: geotiff(tmp_path, "a.tif", hill()),
        "table": lambda: _written(tmp_path / "a.csv", "name,kwh\n" + "b1,7\n" * 300),
        "model": lambda: _written(
            tmp_path / "a.obj", "v 565060 5930060 0\nv 565061 5930060 0\nv 565060 5930061 0\nf 1 2 3\n"
        ),
    }
    path = files[kind]()
    assert twin("add", city, path, "--as", "warm").code == 0  # compiled code is kept on disk too
    before = snapshot(city)
    with file_size_limit(400):
        done = twin("add", city, path)
    assert done.code == 5, done.err
    assert_told(done.error, str(city), "disk full")
    assert snapshot(city) == before
    assert twin("add", city, path).code == 0


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", [".city.json", ".city.jsonl", ".gpkg", ".glb", ".obj", ".stl", ".ply"])
def test_exports_are_kept_unless_forced_and_whole_or_not_there(
    suffix: str, twin: Twin, city: Path, tmp_path: Path
) -> None:
    """RT-28 and RT-03 for every writer."""
    out = tmp_path / "out" / f"town{suffix}"
    assert twin("export", city, tmp_path / f"warm{suffix}").code == 0  # compiled code is kept on disk too
    with file_size_limit(300):
        done = twin("export", city, out)
    assert done.code == 5, done.err
    assert_told(done.error, out.name)
    assert list(out.parent.glob("*")) == []
    out.write_text("mine")
    done = twin("export", city, out)
    assert done.code == 5
    assert_told(done.error, out.name, "exists", "--force")
    assert out.read_text() == "mine"
    with file_size_limit(300):
        assert twin("export", city, out, "--force").code == 5
    assert out.read_text() == "mine"
    assert twin("export", city, out, "--force").code == 0
    assert out.stat().st_size > 300
    assert [p for p in out.parent.iterdir() if "twin-tmp" in p.name] == []


def test_an_export_without_a_writer(twin: Twin, city: Path, tmp_path: Path) -> None:
    done = twin("export", city, tmp_path / "town.docx")
    assert done.code == 2
    assert_told(done.error, "town.docx", ".glb")


def test_a_full_disk_is_no_bug_wherever_it_is_met(
    twin: Twin, city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as where compiled code is kept."""

    def full(_path: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "kernel.nbc")

    monkeypatch.setattr("twin.city.model.open_city", full)
    done = twin("info", city)
    assert done.code == 5
    assert_told(done.error, "kernel.nbc", "disk full")


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege on Windows")
def test_an_output_that_is_a_link_to_a_city(
    twin: Twin, inputs: SmallInputs, city: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.twin"
    link.symlink_to(city)
    assert twin(*inputs.arguments(link, "--detail", "0.3")).code == 0
    assert link.is_symlink()
    assert twin("check", city).code == 0
