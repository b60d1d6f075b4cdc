"""What a window remembers between its lives: the last cities, its language, and work that a crash cut off."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import TwinError
from twin.core.files import canonical_json, remove_file, write_text
from twin.core.typed_json import fields, number, row_of, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.scene.workspace import Workspace

MOST_RECENT = 6
_SETTINGS = "window.json"
_KINDS = {"recent": row_of(text), "language": text, "style": text, "geometry": text, "text_scale": number}


@dataclass(frozen=True, slots=True)
class Settings:
    """What is remembered of the user.

    Parameters
    ----------
    recent : tuple of str
        Folders of cities, the last one first.
    language, style : str
        Empty for those of the system.
    geometry : str
        Place and size of the window as Qt tells them, in base 64; empty for those of a first time.
    """

    recent: tuple[str, ...] = ()
    language: str = ""
    style: str = ""
    geometry: str = ""


def state_folder() -> Path:
    """Where twin keeps what it remembers, as each operating system has it; ``TWIN_STATE`` says otherwise."""
    if told := os.environ.get("TWIN_STATE"):
        return Path(told)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "twin"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "twin"
    return Path(os.environ.get("XDG_STATE_HOME", home / ".local" / "state")) / "twin"


def load_settings(folder: Path) -> Settings:
    """What is remembered; nothing where the file is missing or damaged, since it is worth no error."""
    try:
        data = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
        known = fields(data, "", _KINDS, needed=frozenset())
    except (OSError, ValueError):
        return Settings()
    words = {name: known.get(name, "") for name in ("language", "style", "geometry")}
    return Settings(known.get("recent", ()), **words)


def save_settings(folder: Path, settings: Settings) -> bool:
    """Remember; whether it could be written."""
    data = {**asdict(settings), "recent": list(settings.recent)}
    try:
        write_text(folder / _SETTINGS, canonical_json(data))
    except TwinError:
        return False
    return True


def with_recent(settings: Settings, city: Path) -> Settings:
    """The settings with a city as the last one.

    Examples
    --------
    >>> with_recent(Settings(("/a.twin", "/b.twin")), Path("/b.twin")).recent
    ('/b.twin', '/a.twin')
    """
    name = city.as_posix()
    recent = (name, *(c for c in settings.recent if c != name))[:MOST_RECENT]
    return replace(settings, recent=recent)


class Autosave:
    """A copy of the workspace on the desk, for the day that the program does not end by itself.

    Parameters
    ----------
    folder : Path
        Of the state; each running window has a file of its own there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / f"unsaved-{os.getpid()}.workspace.json"
        self._kept: Workspace | None = None
        self._writing = threading.Lock()
        self._n_drops = 0

    def keep(self, workspace: Workspace) -> bool:
        """Write the workspace if it is another one; whether it lies safe."""
        write = self.writer(workspace)
        return write is None or write()

    def writer(self, workspace: Workspace) -> Callable[[], bool] | None:
        """What writes the workspace and tells whether it lies safe, to be called by a thread, since a disk may take its
        time; None where it lies safe already. Once the copy is dropped it does nothing any more.
        """
        if workspace == self._kept:
            return None
        n_drops = self._n_drops

        def write() -> bool:
            with self._writing:
                return n_drops == self._n_drops and self._write(workspace)

        return write

    def _write(self, workspace: Workspace) -> bool:
        from twin.scene.workspace_json import write_workspace

        try:
            write_workspace(workspace, self.path, force=True)
        except TwinError:
            return False
        self._kept = workspace
        return True

    def drop(self) -> None:
        """Nothing is left to come back to."""
        with self._writing:
            self._n_drops += 1
            self._kept = None
            try:
                remove_file(self.path)
            except TwinError:
                return


def left_behind(folder: Path, city: Path | None = None) -> list[Path]:
    """Workspaces of windows that ended without a word, the newest first; of one city if it is named."""
    asked = None if city is None else city.resolve().as_posix()
    dead = [p for p in folder.glob("unsaved-*.workspace.json") if not _is_alive(p)]
    found = [p for p in dead if (shown := _city_of(p)) is not None and asked in {None, shown}]
    return sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)


def _city_of(file: Path) -> str | None:
    """The city that a workspace shows; None of a damaged one, which cannot be come back to."""
    from twin.scene.workspace_json import read_workspace

    try:
        return read_workspace(file).city.path
    except TwinError:
        return None


def _is_alive(path: Path) -> bool:
    """Whether the window of a file runs still."""
    import psutil

    digits = path.name.removeprefix("unsaved-").partition(".")[0]
    if not digits.isdigit():
        return False
    pid = int(digits)
    if pid == os.getpid():
        return True
    try:
        process: Any = psutil.Process(pid)
        return bool(process.create_time() <= path.stat().st_mtime + 1 and process.is_running())
    except (psutil.Error, OSError):
        return False


def age_text(path: Path) -> str:
    """When a file was written, on the clock of the user."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))


def portable(workspace: Workspace, file: Path) -> Workspace:
    """The workspace with paths as seen from the file that it is written to; models are copied beside it."""
    from twin.scene.workspace_paths import adopt_file, relative_text

    if not workspace.city.path:
        return workspace
    path = relative_text(Path(workspace.city.path), file)
    proposals = tuple(
        replace(p, model=adopt_file(Path(p.model), file)) if Path(p.model).is_absolute() else p
        for p in workspace.proposals
    )
    survey = workspace.survey
    if survey is not None and survey.files:
        survey = replace(survey, files=tuple(relative_text(Path(name), file) for name in survey.files))
    return replace(workspace, city=replace(workspace.city, path=path), proposals=proposals, survey=survey)


def at_home(workspace: Workspace, file: Path) -> Workspace:
    """The workspace of a file with its survey files where they lie, so that it may be saved elsewhere.

    Raises
    ------
    UnsafeInputError
        If one is an address, or lies on another machine.
    """
    from twin.scene.workspace_paths import beside

    survey = workspace.survey
    if survey is None or not survey.files:
        return workspace
    return replace(
        workspace, survey=replace(survey, files=tuple(beside(name, file) for name in survey.files))
    )
