"""The house: a room imports from the rooms before it, never from one after it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "twin"
ROOMS = (
    "core", "sources", "reconstruct", "city",
    "water", "live", "indoor", "energy", "mobility",
    "coupling", "scene", "outputs", "viewer", "demo", "cli",
)  # fmt: skip
LAYERS = {"water", "live", "indoor", "energy", "mobility"}
MODULES = sorted(p for room in ROOMS for p in (PACKAGE / room).rglob("*.py"))
COLD = (
    "pandas",
    "geopandas",
    "pyvista",
    "vtkmodules",
    "numba",
    "scipy",
    "rasterio",
    "laspy",
    "matplotlib",
    "numpy",
)


def imported_rooms(tree: ast.AST) -> set[str]:
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        else:
            continue
        rooms |= {n.split(".")[1] for n in names if n.startswith("twin.") and n.count(".") >= 1}
    return rooms & set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_room_imports_only_from_rooms_before_it(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    for other in imported_rooms(ast.parse(path.read_text(encoding="utf-8"))) - {room}:
        assert ROOMS.index(other) < ROOMS.index(room), f"{path.name}: {room} must not know {other}"
        assert not (room in LAYERS and other in LAYERS), f"{path.name}: layers do not know one another"


def test_every_folder_of_the_package_is_a_room() -> None:
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert folders <= set(ROOMS)


@pytest.mark.parametrize("statement", ["import twin", "import twin.cli.main"])
def test_the_cold_start_is_light(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint(*sorted(m for m in {COLD!r} if m in sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []
