"""Work that keeps Python busy for seconds, in child processes: the pack of a city, the light of a scene.

In a thread the window would stand still: Embree alone takes more than half a second to make its tree of a city with
its trees, for which no other thread of a process goes on. What a child makes it leaves in the city's cache; where it
fails, this process does the work after all, and says what is wrong.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from twin.core.errors import StorageError
from twin.scene.pack import save_pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.city.model import City
    from twin.scene.scene import Scene
    from twin.viewer.work import Told

_POLL_S = 0.05


def prepare_elsewhere(city: City, layers: tuple[str, ...], lod: str | None, *, told: Told) -> None:
    """Make the pack of a city in a child process, which keeps it in the city's cache."""
    level = ["--lod", lod] if lod else []
    _child(["pack", str(city.path), *level, "--layers", *layers], told)


def light_elsewhere(scene: Scene, *, told: Told) -> None:
    """Cast the light of a scene in a child process, unless it is at hand or cannot be kept."""
    folder, sun = scene.light_folder, scene.sun
    if scene.has_light or folder is None:
        return
    place = ["--azimuth", repr(sun.azimuth_deg), "--elevation", repr(sun.elevation_deg)]
    with suppress(StorageError), _file_of(scene) as file:
        _child(["light", str(file), "--folder", str(folder), *place], told)


@contextmanager
def _file_of(scene: Scene) -> Iterator[Path]:
    """Where the pack of a scene lies as a file; that of a plan is written for as long."""
    if scene.pack_file is not None:
        yield scene.pack_file
        return
    with tempfile.TemporaryDirectory(prefix="twin-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "pack.npz"
        save_pack(scene.pack, file)
        yield file


def _child(arguments: list[str], told: Told) -> None:
    command = [sys.executable, "-m", "twin.viewer.prepare", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        try:
            while child.poll() is None:
                told.check()
                time.sleep(_POLL_S)
        finally:
            if child.poll() is None:
                child.kill()
