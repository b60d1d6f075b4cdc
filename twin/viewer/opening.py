"""Ways into the window: a new city, one that is there, another layer, a workspace; and what becomes of it meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog

from twin.city.folder import manifest_mark, open_manifest
from twin.core.errors import InputError, TwinError
from twin.core.notices import Notices
from twin.scene.workspace import Workspace
from twin.scene.workspace_points import POINT_SUFFIXES
from twin.viewer.adding import Adding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.city.manifest import Manifest
    from twin.city.model import City
    from twin.viewer.window import TwinWindow

PATIENCE_S = 20.0
"""A folder that does not answer for so long lies on a drive that is gone."""
_LOOK_MS = 2000
WORKSPACE_SUFFIX = ".workspace.json"
OWN_CHANGES = frozenset({"opening", "workspace", "sun_keep"})
"""Tasks of the window after which its city holds something else, or is read anew."""
MODELS = frozenset({".glb", ".gltf", ".obj", ".ply", ".stl", ".ifc", ".skp"})
"""Suffixes of what is dropped as a proposal rather than as a layer."""


class Opening(QObject):
    """Opens what is asked for, and watches whether it is replaced."""

    def __init__(self, window: TwinWindow) -> None:
        super().__init__(window)
        self.window = window
        self._looks = QTimer(self, interval=_LOOK_MS)
        self._looks.timeout.connect(self._look)
        self._looks.start()
        self.is_replaced = False
        self._same: Same | None = None
        self.adding = Adding(window)

    def ask(self) -> None:
        """Ask for a city folder."""
        path = QFileDialog.getExistingDirectory(self.window, self.window.texts("action.open"))
        if path:
            self.open(Path(path))

    def open(
        self,
        path: Path,
        workspace: Workspace | None = None,
        file: Path | None = None,
        *,
        rescued: Path | None = None,
    ) -> None:
        """Open a city, with the workspace if there is one; `rescued` is the copy that it comes from, then let go."""
        state = self.window.desk.state
        fresh = workspace or Workspace(language=state.language, style=state.style)

        def work(_told: object) -> City:
            from twin.city.model import open_city

            return open_city(path)

        def done(city: City) -> None:
            self._forget_replaced()
            self.window.desk.open(city, fresh, file, is_saved=rescued is None)
            if rescued is not None and self.window.autosave.keep(self.window.desk.state):
                rescued.unlink(missing_ok=True)

        self._with_patience("opening", path, work, done)

    def open_workspace(self, file: Path, city: Path | None = None) -> None:
        """Open a workspace and the city that it was made with, or another one."""

        def work(_told: object) -> tuple[Workspace, Path]:
            from twin.scene.workspace_json import read_workspace
            from twin.scene.workspace_paths import city_folder
            from twin.viewer.session import at_home

            workspace = at_home(read_workspace(file), file)
            return workspace, city or city_folder(workspace.city, file, notices=Notices())

        def done(found: tuple[Workspace, Path]) -> None:
            self.open(found[1], found[0], file)

        self._with_patience("workspace", file, work, done)

    def take(self, paths: Sequence[Path]) -> None:
        """Open, add or begin with whatever was dropped."""
        folders = [p for p in paths if p.is_dir() and (p / "twin.json").exists()]
        workspaces = [p for p in paths if p.name.endswith(WORKSPACE_SUFFIX)]
        if workspaces:
            self.open_workspace(workspaces[0])
        elif folders:
            self.open(folders[0])
        elif self.window.desk.city is not None and paths and paths[0].suffix.lower() in MODELS:
            self.window.show_panel("plan")
            self.window.plan.take(paths[0])
        elif self.window.desk.city is not None:
            self.add_layers(paths)
        else:
            self.ask_new(paths)

    def ask_new(self, paths: Sequence[Path] = ()) -> Any:
        """Show the page for a new city; the dialog."""
        from twin.viewer.panels.new_city import NewCityDialog

        dialog = NewCityDialog(self.window.room, self.window)
        dialog.built.connect(self.open)
        if paths:
            dialog.take(paths)
        dialog.show()
        return dialog

    def ask_layer(self) -> None:
        """Ask for files to add."""
        paths, _ = QFileDialog.getOpenFileNames(self.window, self.window.texts("action.add"))
        if paths:
            self.add_layers([Path(p) for p in paths])

    def add_layers(self, paths: Sequence[Path]) -> None:
        """Put files into the city that is open; survey points stay where they are."""
        if self.window.desk.city is None:
            return
        points = [p for p in paths if p.suffix.lower() in POINT_SUFFIXES]
        if points:
            self.window.cloud.add(points)
        rest = [p for p in paths if p not in points]
        if rest:
            self.adding.add(rest)

    def reload(self) -> None:
        """Read the city anew; the state with its past, and what is not saved, stay as they are."""
        city = self.window.desk.city
        if city is None:
            return

        def work(_told: object) -> City:
            from twin.city.model import open_city

            return open_city(city.path)

        def done(fresh: City) -> None:
            if self.window.desk.city is city:
                self._forget_replaced()
                self.window.desk.renew(fresh)

        self._with_patience("opening", city.path, work, done)

    def _forget_replaced(self) -> None:
        self.is_replaced = False
        self.window.banner.hide()

    def ask_picture(self) -> None:
        """Ask where to save the picture that is shown."""
        path, _ = QFileDialog.getSaveFileName(
            self.window, self.window.texts("action.picture"), "view.png", "*.png"
        )
        if path:
            self.save_picture(Path(path))

    def save_picture(self, path: Path, size: tuple[int, int] | None = None) -> None:
        """Write the picture as `twin snapshot` does, from the workspace as it is, in a process of its own."""
        from twin.scene.workspace_json import write_workspace
        from twin.viewer.session import portable

        window = self.window
        if window.desk.city is None:
            return
        width, height = size or window.canvas.size_px
        copy = window.folder / "picture.workspace.json"
        try:
            shown = replace(window.present_workspace(), furniture=window.picture.furniture)
            write_workspace(portable(shown, copy), copy)
        except TwinError as error:
            window.complain(error)
            return
        arguments = ["snapshot", str(window.desk.city.path), str(path), "--workspace", str(copy),
                     "--size", f"{width}x{height}", "--force", "--json"]  # fmt: skip
        window.tasks.run_verb(
            "picture", arguments, lambda _a: window.say(window.texts("window.saved", name=path.name))
        )

    def ask_broker(self) -> Any:
        """Ask for a broker to listen to; the dialog."""
        from twin.viewer.panels.connect import ConnectDialog

        dialog = ConnectDialog(self.window.texts, self.window.feed, self.window)
        dialog.show()
        return dialog

    def show_help(self) -> Any:
        """Show the help page; the dialog."""
        from twin.viewer.panels.help import HelpDialog

        dialog = HelpDialog(self.window.texts, self.window.theme, self.window.entries, self.window)
        dialog.show()
        return dialog

    def offer_rescue(self, city: Path | None = None) -> None:
        """Offer the last work that a crash cut off, of one city if it is named."""
        from twin.viewer.session import age_text, left_behind

        found = left_behind(self.window.folder, city)
        if found:
            text = self.window.texts("window.rescue", time=age_text(found[0]))
            self.window.banner.offer(
                text, self.window.texts("window.rescue_take"), lambda: self._rescue(found[0])
            )

    def _rescue(self, file: Path) -> None:
        def work(_told: object) -> tuple[Workspace, Path]:
            from twin.scene.workspace_json import read_workspace

            workspace = read_workspace(file)
            return workspace, Path(workspace.city.path)

        def done(pair: tuple[Workspace, Path]) -> None:
            self.open(pair[1], pair[0], rescued=file)

        self._with_patience("workspace", file, work, done)

    def _with_patience(self, name: str, path: Path, work: Any, done: Any) -> None:
        """Do work that reads from a path, and give up on it when nothing answers."""
        self.limit(self.window.tasks.run(name, work, done), path)

    def limit(self, job: Any, path: Path) -> None:
        """Give up on work that neither ends nor tells anything for a while."""
        timer = QTimer(job, singleShot=True, interval=int(PATIENCE_S * 1000))

        def give_up() -> None:
            self.window.tasks.cancel(job.name)
            self.window.status.drop(job)
            what = f"did not answer for {PATIENCE_S:.0f} s"
            self.window.complain(InputError(path, what, "check the drive and the network, and try again"))

        timer.timeout.connect(give_up)
        job.progressed.connect(lambda *_told: timer.start())
        job.ended.connect(timer.stop)
        timer.start()

    def _look(self) -> None:
        """See whether another build has finished in the folder of the city that is open."""
        city = self.window.desk.city
        if city is None or self.is_replaced or self.changes_itself or "look" in self.window.tasks.names:
            return
        follows = self.window.desk.state.clock.is_live or self.window.feed.broker is not None
        known = self._same

        def work(_told: object) -> Same | None:
            return still_the_same(city, follows, known)

        def done(same: Same | None) -> None:
            if self.window.desk.city is city and not self.changes_itself:
                self._same = same
                self._tell_replaced(same is None)

        self.window.tasks.run("look", work, done, is_quiet=True)

    @property
    def changes_itself(self) -> bool:
        """Whether the window itself changes what its city holds, or opens it anew: that is no news to tell."""
        return self.adding.is_busy or not OWN_CHANGES.isdisjoint(self.window.tasks.names)

    def _tell_replaced(self, is_replaced: bool) -> None:
        if is_replaced and self.window.desk.city is not None:
            self.is_replaced = True
            texts = self.window.texts
            self.window.banner.offer(texts("window.replaced"), texts("window.reload"), self.reload)


@dataclass(frozen=True, slots=True)
class Same:
    """That a city's folder was found to hold what the window has opened.

    Parameters
    ----------
    manifest : Manifest
        Of the city as it was opened.
    follows : bool
        As `holds_other` takes it.
    mark : tuple of int, optional
        Of the manifest's file, as `twin.city.folder.manifest_mark` gives it.
    """

    manifest: Manifest
    follows: bool
    mark: tuple[int, int, int] | None


def still_the_same(city: City, follows: bool, known: Same | None) -> Same | None:
    """Look whether a city's folder still holds what was opened; None if it holds something else.

    What was found the last time is taken over while the manifest's file is the same one. To read it every two seconds
    costs more with each tile; and its paths, as names that come and go, had Python's table of names double, by 4 MB,
    within an hour.
    """
    # Before the manifest is read: a commit between the two is seen by the next look.
    found = Same(city.manifest, follows, manifest_mark(city.path))
    if found.mark is not None and found == known:
        return known
    try:
        return None if holds_other(city, follows) else found
    except TwinError:
        return replace(found, mark=None)  # in the midst of a commit, or gone: the next look tells


def holds_other(city: City, follows: bool) -> bool:
    """Whether the folder of a city holds something else than when it was opened.

    Parameters
    ----------
    city : City
    follows : bool
        Whether observations are followed as they come: then they are no news.
    """

    def seen(manifest: Manifest) -> Manifest:
        kept = {n: la for n, la in manifest.layers.items() if not (follows and la.kind == "observations")}
        return replace(manifest, layers=kept)

    return seen(open_manifest(city.path)) != seen(city.manifest)
