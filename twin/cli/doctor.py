"""``twin doctor``."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

import click

from twin.cli.console import json_option, tell, tell_json
from twin.core.errors import EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = """\b
Examples:
  twin doctor
  twin doctor --json
"""
DEBIAN_OPENGL = "sudo apt-get install libegl1 libgl1 libgl1-mesa-dri libxrender1"
DEBIAN_FONTS = "sudo apt-get install fonts-noto-cjk"
MEMORY_WANTED_GB = 2.0
DISK_WANTED_GB = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    name : str
        What.
    ok : bool
        Whether it works.
    needed : bool
        Whether the main job needs it.
    state : str
        What was found.
    remedy : str
        The command or step that mends it.
    """

    name: str
    ok: bool
    needed: bool
    state: str
    remedy: str = ""


@click.command(epilog=EXAMPLES)
@json_option
def command(as_json: bool) -> int:
    """What works on this machine, and the command that mends the rest; exit code 2 if the main job would fail."""
    findings = list(examine())
    if as_json:
        tell_json([asdict(f) for f in findings])
    else:
        for finding in findings:
            tell(_line(finding))
    return EXIT_OK if all(f.ok for f in findings if f.needed) else EXIT_USAGE


def _line(finding: Finding) -> str:
    mark = "ok     " if finding.ok else ("MISSING" if finding.needed else "absent ")
    remedy = f"  ->  {finding.remedy}" if not finding.ok else ""
    return f"{mark}  {finding.name:<18} {finding.state}{remedy}"


def examine() -> Iterator[Finding]:
    """Every finding, quick ones first."""
    yield _python()
    yield from _machine()
    yield from _packages()
    yield from _takeaway()
    yield _compiled_code()
    yield _opengl()
    yield _hangul()


def _python() -> Finding:
    version = platform.python_version()
    state = f"{version} on {platform.system()} {platform.machine()}"
    return Finding("Python", sys.version_info >= (3, 11), True, state, "install Python 3.11 or newer")


def _machine() -> Iterator[Finding]:
    import psutil

    from twin.core.tasks import default_workers

    memory = psutil.virtual_memory().available / 1e9
    state = f"{memory:.1f} GB free, {default_workers()} cores"
    yield Finding(
        "memory and cores", memory > MEMORY_WANTED_GB, False, state, "close programs or use --workers 1"
    )
    disk = shutil.disk_usage(Path.cwd()).free / 1e9
    yield Finding("disk here", disk > DISK_WANTED_GB, True, f"{disk:.1f} GB free", "free some space")


def _packages() -> Iterator[Finding]:
    core = ("numpy", "numba", "laspy", "lazrs", "geopandas", "rasterio", "vtk", "pyvista", "pythoncdt")
    missing = [n for n in core if util.find_spec(n) is None]
    state = (
        ", ".join(missing) + " missing" if missing else f"twin {metadata.version('twin')} and its packages"
    )
    yield Finding("packages", not missing, True, state, f"{Path(sys.executable).name} -m pip install twin")
    fast = util.find_spec("embreex") is not None
    state = "embree" if fast else "a slower way is used: no embreex wheel here"
    yield Finding("ray casting", fast, False, state, "pip install embreex")
    excel = util.find_spec("openpyxl") is not None
    yield Finding(
        "Excel tables", excel, False, "openpyxl" if excel else "not installed", 'pip install "twin[tables]"'
    )
    yield from _live()


def _live() -> Iterator[Finding]:
    """What live observations need: packages, and a broker where none is elsewhere."""
    missing = [n for n in ("paho", "httpx") if util.find_spec(n) is None]
    state = ", ".join(missing) + " missing" if missing else "paho-mqtt, httpx"
    yield Finding("live sources", not missing, False, state, 'pip install "twin[live]"')
    broker = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    embedded = "amqtt, for demos" if util.find_spec("amqtt") else "none on this machine"
    remedy = "sudo apt-get install mosquitto" if shutil.which("apt-get") else "install mosquitto"
    yield Finding("MQTT broker", broker is not None, False, broker or embedded, remedy)


def _takeaway() -> Iterator[Finding]:
    """What pages and models to hand out need."""
    from twin.core.errors import ExtraMissingError
    from twin.outputs.web.library import three_js

    try:
        state, remedy = three_js().licence.splitlines()[2].strip(" *"), ""
    except ExtraMissingError as error:
        state, remedy = str(error), 'pip install "trimesh>=4.4,<6"'
    yield Finding("web pages", not remedy, False, state, remedy)
    for name, package, module in (("USDZ", "usd-core", "pxr"), ("3D prints", "manifold3d", "manifold3d")):
        there = util.find_spec(module) is not None
        yield Finding(name, there, False, package if there else "not installed", 'pip install "twin[expo]"')


def _compiled_code() -> Finding:
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", Path(__file__).resolve().parents[1]))
    ok = os.access(folder, os.W_OK)
    state = "kept between runs" if ok else f"{folder} is read-only: kernels compile anew in every run"
    return Finding("compiled code", ok, False, state, "set NUMBA_CACHE_DIR to a folder of yours")


def _opengl() -> Finding:
    from twin.scene.graphics import probe_graphics

    problem = probe_graphics()
    remedy = (
        DEBIAN_OPENGL if shutil.which("apt-get") else "install OpenGL libraries (Mesa) or a graphics driver"
    )
    return Finding("OpenGL", problem is None, True, problem or "draws off-screen", remedy)


def _hangul() -> Finding:
    from twin.scene.fonts import font_for

    path = font_for("한글")
    remedy = DEBIAN_FONTS if shutil.which("apt-get") else "install Noto Sans CJK"
    return Finding("Hangul font", path is not None, False, str(path or "none found"), remedy)
