"""The example notebook is stored without output and runs from top to bottom."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.small_town import small_town

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = json.loads((ROOT / "examples" / "notebook.ipynb").read_text(encoding="utf-8"))
CODE = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_it_is_stored_without_output() -> None:
    assert CODE
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CODE)


@pytest.mark.slow
def test_its_cells_run_and_scenes_show_themselves(tmp_path_factory, monkeypatch) -> None:
    """Each cell in turn, as a kernel does: the value of its last line is what is shown."""
    town = small_town(tmp_path_factory)
    monkeypatch.setenv("TWIN_CITY", str(town / "town.twin"))
    monkeypatch.setattr("twin.scene.notebook.is_in_notebook", lambda: True)
    names: dict[str, object] = {}
    shown = [_run(cell["source"], names) for cell in CODE]
    pictures = [value._repr_mimebundle_() for value in shown if hasattr(value, "_repr_mimebundle_")]
    scenes = [bundle for bundle in pictures if "image/png" in bundle and "<Scene" in bundle["text/plain"]]
    assert len(scenes) == 5
    assert len({bundle["image/png"] for bundle in scenes}) == 5


def _run(source: str, names: dict[str, object]) -> object:
    tree = ast.parse(source)
    last = tree.body.pop()
    exec(compile(tree, "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    exec(compile(ast.Module([last], []), "cell", "exec"), names)
    return None
