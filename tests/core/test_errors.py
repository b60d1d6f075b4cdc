"""Codes, exit codes and their page in the documentation stay together."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from twin.core import errors

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
LEAVES = sorted(errors.TwinError.__subclasses__(), key=lambda c: c.__name__)


def test_codes_are_unique() -> None:
    assert len({leaf.code for leaf in LEAVES}) == len(LEAVES) >= 12


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda c: c.__name__)
def test_every_leaf_is_documented_with_its_exit_code_and_builtin(leaf: type[errors.TwinError]) -> None:
    builtin = next(b for b in leaf.__mro__ if b.__module__ == "builtins")
    assert f"| `{leaf.code}` | `{leaf.__name__}` | {leaf.exit_code} | `{builtin.__name__}` |" in PAGE


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda c: c.__name__)
def test_errors_travel_between_processes(leaf: type[errors.TwinError]) -> None:
    error = pickle.loads(pickle.dumps(leaf("a.laz", "is odd", "mend it")))
    assert type(error) is leaf
    assert str(error) == "a.laz: is odd; mend it"
