"""Opening the window, from the command line and from scripts."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.memory import share_one_heap
from twin.core.translations import language_of
from twin.viewer.needs import choose_platform, import_before_qt, keep_constants_alive, require_desktop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.scene.layers import SceneLayer
    from twin.viewer.feed import Broker
    from twin.viewer.window import TwinWindow


def view(
    city: str | Path | None = None,
    *,
    workspace: str | Path | None = None,
    language: str | None = None,
    layers: Sequence[SceneLayer] = (),
    broker: Broker | str | None = None,
) -> int:
    """Open the window and return its exit code when it is closed.

    Parameters
    ----------
    city : path, optional
        A city folder; without one the window begins with its start page.
    workspace : path, optional
        A workspace file to go on from.
    language : str, optional
        ``en``, ``ko`` or ``fi``; as it was last, or that of the system, without.
    layers : sequence of SceneLayer
        Layers of one's own over time: objects with ``name``, ``span`` and ``at``, see `twin.scene.layers`.
    broker : str or Broker, optional
        Listened to while the window is open, such as ``mqtt://localhost:1883``.

    Raises
    ------
    ExtraMissingError
        If Qt is not installed.
    GraphicsError
        If there is no screen, or this machine cannot draw.
    TwinError
        If the city or workspace cannot be opened.

    Examples
    --------
    >>> import twin
    >>> twin.view("town.twin", language="fi")  # doctest: +SKIP
    """
    require_desktop()
    app = application()
    window = make_window(city, workspace=workspace, language=language)
    for layer in layers:
        window.moving.show_other(layer, layer.name)
    window.show()
    if broker is not None:
        from twin.viewer.feed import Broker

        window.feed.start(Broker(broker) if isinstance(broker, str) else broker)
    watch_interrupts(app)
    return int(app.exec())


def application() -> Any:
    """Qt's application, made if there is none yet."""
    share_one_heap()
    choose_platform()
    keep_constants_alive()
    import_before_qt()
    # A window system of VTK's own choice would be opened beside Qt's; ours draws out of sight and names its own.
    os.environ.pop("VTK_DEFAULT_OPENGL_WINDOW", None)
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication

    from twin.viewer.icons import icon
    from twin.viewer.theme import dress

    found = QApplication.instance()
    if found is not None:
        return found
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    app = QApplication(["twin"])
    app.setApplicationName("twin")
    app.setDesktopFileName("twin")
    dress(app)
    app.aboutToQuit.connect(icon.cache_clear)  # pictures must not outlive the application
    return app


def make_window(
    city: str | Path | None = None, *, workspace: str | Path | None = None, language: str | None = None
) -> TwinWindow:
    """The window, not shown yet; what cannot be opened is refused here, before there is anything to see."""
    from dataclasses import replace

    from twin.city.model import open_city
    from twin.core.notices import Notices
    from twin.core.translations import load_texts
    from twin.scene.graphics import offscreen_window
    from twin.scene.workspace import Workspace
    from twin.scene.workspace_json import read_workspace
    from twin.scene.workspace_paths import city_folder
    from twin.viewer.session import at_home, load_settings, state_folder
    from twin.viewer.window import TwinWindow

    offscreen_window((16, 16)).Finalize()  # says in words what is missing where OpenGL does not work
    settings = load_settings(state_folder())
    spoken = (
        language or settings.language or language_of(os.environ.get("LC_ALL") or os.environ.get("LANG", ""))
    )
    load_texts(spoken)
    file = Path(workspace) if workspace is not None else None
    state = (
        Workspace(style=settings.style or "light") if file is None else at_home(read_workspace(file), file)
    )
    if language or file is None:
        state = replace(state, language=spoken)  # type: ignore[arg-type]
    folder = Path(city) if city is not None else None
    if folder is None and file is not None:
        folder = city_folder(state.city, file, notices=Notices())
    opened = open_city(folder) if folder is not None else None
    window = TwinWindow(state)
    if opened is not None:
        window.desk.open(opened, state, file)
    window.opening.offer_rescue(folder)
    return window


def watch_interrupts(app: Any) -> None:
    """Let Ctrl-C in the terminal close the window; Python looks at signals only when it runs."""
    from PySide6.QtCore import QTimer

    def end(*_: object) -> None:
        for window in app.topLevelWidgets():
            release = getattr(window, "release", None)
            if release is not None:
                release()
        app.exit(130)

    signal.signal(signal.SIGINT, end)
    timer = QTimer(app, interval=250)
    timer.timeout.connect(lambda: None)
    timer.start()
