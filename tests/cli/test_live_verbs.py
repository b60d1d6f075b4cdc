"""The verbs of live observations: each is documented, and loaded only when it is called."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from twin.cli.live import VERBS, command

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_in_the_reference(verb: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    section = re.search(rf"^## twin live {verb}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    cells = " ".join(re.findall(r"^\| (`[^|]+) \|", section[1], re.MULTILINE))
    told = set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", cells))
    found = command.get_command(click.Context(command), verb)
    assert found is not None
    assert told == {o for p in found.params if isinstance(p, click.Option) for o in p.opts}
    assert found.epilog


def test_help_is_light() -> None:
    code = "import sys; from twin.cli.main import run; run(['live', '--help']); print(*sys.modules, file=sys.stderr)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "import" in said.stdout
    assert not {"numpy", "pandas", "numba", "httpx"} & set(said.stderr.split())


def test_an_attached_ingest_ends_with_its_input(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "twin", "live", "ingest", str(tmp_path / "c.twin"), "--crs", "EPSG:3879"]
    command += ["--mqtt", "mqtt://127.0.0.1:1", "--attached"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        line = child.stderr.readline()
        assert b"offline" in line
        child.stdin.close()
        assert child.wait(20) == 0
        assert json.loads(child.stdout.read())["stored"] == 0
