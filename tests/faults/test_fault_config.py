"""Broken configuration files through the command line: the message names the line or the key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.fault_harness import Twin, assert_told, differing, snapshot
from tests.faults.small_city import SmallInputs, write_small

SOUND = """[project]
name = "town"
crs = "EPSG:25832+7837"
[sources]
points = ["survey.laz"]
footprints = "houses.gpkg"
[terrain]
cell_size = 0.5
[output]
folder = "town.twin"
"""


@dataclass(frozen=True, slots=True)
class Broken:
    """One mistake: the sound file with a text replaced, what must be said, and the exit code."""

    row: str
    old: str
    new: str
    code: int
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        assert self.old in SOUND
        text = SOUND.replace(self.old, self.new)
        return text.replace('folder = "town.twin"\n', "") if self.row == "name as folder" else text


BROKEN = [
    Broken("CF-01", '"town"\n', '"town\n', 2, ("line 2",)),
    Broken("CF-02", "footprints =", "footprnts =", 2, ("sources.footprnts", "'footprints'")),
    Broken("CF-03", "0.5", '"fine"', 2, ("terrain.cell_size", "'fine'")),
    Broken("CF-03b", "0.5", "true", 2, ("terrain.cell_size",)),
    Broken("CF-04", "0.5", "-1", 2, ("terrain.cell_size", "-1")),
    Broken("CF-05", "0.5", "nan", 2, ("terrain.cell_size", "nan")),
    Broken("CF-06", "0.5", "inf", 2, ("terrain.cell_size", "inf")),
    Broken("CF-07", "0.5", "1e-6", 4, ("terrain.cell_size", "limit", "1,000,000,000")),
    Broken("CF-08", '"survey.laz"', '"nope.laz"', 3, ("nope.laz", "not found")),
    Broken("CF-08b", '"houses.gpkg"', '"nope.gpkg"', 3, ("nope.gpkg", "not found")),
    Broken("CF-08c", '["survey.laz"]', '"nope/*.laz"', 3, ("nope", "not found")),
    Broken(
        "CF-09", SOUND[SOUND.index("[sources]") : SOUND.index("[terrain]")], "", 2, ("sources", "missing")
    ),
    Broken("CF-10", "25832+7837", "99999999", 2, ("EPSG:99999999",)),
    Broken("CF-11", "25832+7837", "4326", 2, ("project.crs", "degree")),
    Broken("CF-12", '"town.twin"', '"../../../../etc"', 2, ("output.folder", "outside")),
    Broken("CF-12b", '"town.twin"', '"/etc"', 2, ("output.folder", "outside")),
    Broken("CF-13", '"town.twin"', '"."', 2, ("output.folder", "holds the input")),
    Broken("CF-14", "0.5", "0.5\ncell_size = 1.0", 2, ("line 9",)),
    Broken("CF-15", SOUND, "", 2, ("project", "missing")),
    Broken("digits", "0.5", "9" * 5000, 2, ("twin.toml", "4300 digits")),
    Broken("nested", "[output]", f"x = {'[' * 3000}\n[output]", 2, ("twin.toml", "nested too deeply")),
    Broken(
        "name as folder",
        SOUND[SOUND.index("[project]") : SOUND.index("crs")],
        '[project]\nname = "../../etc"\n',
        2,
        ("output.folder", "outside"),
    ),
    Broken("section", "[terrain]", "[terain]", 2, ("terain", "'terrain'")),
    Broken("points", '["survey.laz"]', "7", 2, ("sources.points",)),
    Broken("lod", "[output]", '[buildings]\nlod = "9"\n[output]', 2, ("buildings.lod", "'9'", "1.3")),
    Broken("detail", "[output]", "[buildings]\ndetail = 2.0\n[output]", 2, ("buildings.detail", "2.0")),
]


@pytest.fixture
def folder(inputs: SmallInputs, tmp_path: Path) -> Path:
    """The sound inputs beside a configuration."""
    for path in (*inputs.points, inputs.footprints):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize("case", BROKEN, ids=lambda c: c.row)
def test_a_mistake_is_named_by_line_or_key(case: Broken, twin: Twin, folder: Path) -> None:
    (folder / "twin.toml").write_text(case.text, encoding="utf-8")
    before = snapshot(folder)
    done = twin("build", folder / "twin.toml")
    assert done.code == case.code, done.err
    assert_told(done.error, *case.words)
    assert "; " in done.error, "a remedy follows the cause"
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("row", "data"),
    [
        ("CF-16", SOUND.encode("utf-16")),
        ("CF-16 without a mark", SOUND.encode("utf-16-le")),
        ("CF-17", SOUND.replace("town", "Köln").encode("latin-1")),
    ],
)
def test_other_encodings_are_named(row: str, data: bytes, twin: Twin, folder: Path) -> None:
    (folder / "twin.toml").write_bytes(data)
    before = snapshot(folder)
    done = twin("build", folder / "twin.toml")
    assert done.code == 2, row
    assert_told(done.error, "twin.toml", "UTF-8")
    assert snapshot(folder) == before


def test_a_byte_order_mark_does_no_harm_and_the_file_builds_what_the_options_do(
    twin: Twin, folder: Path
) -> None:
    """CF-18"""
    (folder / "twin.toml").write_text(SOUND, encoding="utf-8-sig")
    assert twin("build", folder / "twin.toml").code == 0
    options = [
        "--footprints",
        folder / "houses.gpkg",
        "--crs",
        "EPSG:25832+7837",
        "-o",
        folder / "other" / "town.twin",
    ]
    assert twin("build", folder / "survey.laz", *options).code == 0
    by_file, by_options = snapshot(folder / "town.twin"), snapshot(folder / "other" / "town.twin")
    assert differing(by_file, by_options) in (
        [],
        ["twin.json"],
    )  # the name is given in one and follows in the other
    assert twin("build", folder / "twin.toml").code == 0


@pytest.mark.parametrize("what", ["nope.toml", "a folder.toml"])
def test_a_configuration_that_is_not_there(what: str, twin: Twin, folder: Path) -> None:
    (folder / "a folder.toml").mkdir()
    done = twin("build", folder / what)
    assert done.code in {2, 3}
    assert_told(done.error, what)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--detail", "2"], ("--detail", "2.0")),
        (["--detail", "nan"], ("--detail", "nan")),
        (["--cell-size", "0"], ("--cell-size", "0.0")),
        (["--cell-size", "inf"], ("--cell-size", "inf")),
        (["--lod", "3"], ("--lod", "'3'", "1.3")),
        (["--crs", "EPSG:nonsense"], ("--crs", "nonsense")),
        (["--crs", "EPSG:4326"], ("degree",)),
        (["--height-offset", "nan"], ("--height-offset", "nan")),
    ],
)
def test_options_that_cannot_be_meant(
    options: list[str], words: tuple[str, ...], twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    done = twin(*inputs.arguments(tmp_path / "town.twin", *options))
    assert done.code == 2, done.err
    assert_told(done.error, *words)
    assert not (tmp_path / "town.twin").exists()


def test_cells_too_fine_for_the_extent_by_option(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    """CF-07 from the command line."""
    done = twin(*inputs.arguments(tmp_path / "town.twin", "--cell-size", "1e-6"))
    assert done.code == 4
    assert_told(done.error, "--cell-size", "limit", "TWIN_MAX_RASTER_CELLS")
    assert not (tmp_path / "town.twin").exists()


def test_a_limit_that_is_no_number(
    twin: Twin, inputs: SmallInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_MAX_RASTER_CELLS", "many")
    done = twin(*inputs.arguments(tmp_path / "town.twin"))
    assert done.code == 2
    assert_told(done.error, "TWIN_MAX_RASTER_CELLS", "'many'")


def test_the_output_is_no_input(twin: Twin, tmp_path: Path) -> None:
    """CF-13 from the command line: the folder of the inputs, an input itself, a folder above."""
    inputs = write_small(tmp_path / "survey" / "2024")
    before = snapshot(tmp_path)
    for output in (tmp_path / "survey" / "2024", inputs.points[0], tmp_path / "survey"):
        done = twin(*inputs.arguments(output))
        assert done.code in {2, 5}, done.err
        assert_told(done.error, output.name)
        assert snapshot(tmp_path) == before
