"""Command lines run in this process or another, and what must hold after every one that failed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from twin.cli.main import run

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command line ended with.

    Parameters
    ----------
    code : int
        Its exit code.
    out, err : str
        What it said.
    """

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The line that begins with ``error:``, empty where there is none."""
        return next((line for line in self.err.splitlines() if line.startswith("error: ")), "")

    @property
    def notes(self) -> str:
        """All that was noticed."""
        return "\n".join(line for line in self.err.splitlines() if line.startswith("note: "))


class Twin:
    """The command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str | Path | int | float) -> Outcome:
        self.capsys.readouterr()
        code = run([str(a) for a in arguments])
        said = self.capsys.readouterr()
        assert "Traceback" not in said.err, said.err
        return Outcome(code, said.out, said.err)


def environment(**more: str) -> dict[str, str]:
    """This process's environment for a child, with the checkout on its path."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, **more}


def twin_process(
    *arguments: str | Path | int, timeout: float = 120, module: str = "twin.cli.main", **env: str
) -> Outcome:
    """The command line as a process of its own, or a module that changes something and then runs it."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(**env), capture_output=True, text=True, timeout=timeout, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with its bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def differing(a: dict[str, bytes], b: dict[str, bytes]) -> list[str]:
    """Names of files that are in one only or not the same; short where bytes would fill the screen."""
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def assert_told(text: str, *words: str) -> None:
    """Every word is in the text, whatever its case."""
    missing = [w for w in words if w.lower() not in text.lower()]
    assert not missing, f"{missing} not in: {text}"
