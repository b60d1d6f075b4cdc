"""A scene in a notebook: a picture by itself, and one to turn where PyVista has what that needs."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from twin.core.errors import GraphicsError, UsageError

if TYPE_CHECKING:
    from twin.scene.scene import Scene

PICTURE_SIZE = (960, 540)
_LIVE_PACKAGES = ("trame", "trame_pyvista", "nest_asyncio2")
_LIVE_REMEDY = 'pip install "twin[notebook]"'


def is_in_notebook() -> bool:
    """Whether a notebook's kernel runs this, which shows values by itself."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def can_be_turned() -> bool:
    """Whether scenes can be turned in a notebook here."""
    return all(find_spec(name) is not None for name in _LIVE_PACKAGES)


def mime_bundle(scene: Scene) -> dict[str, Any]:
    """A scene as Jupyter asks for it: a picture, or words where this machine cannot draw."""
    try:
        return {"image/png": picture_bytes(scene), "text/plain": repr(scene)}
    except GraphicsError as error:
        return {"text/plain": f"{scene!r}: {error}"}


def picture_bytes(scene: Scene) -> bytes:
    """The picture of a scene in a notebook, as PNG."""
    from twin.scene.png import png_bytes

    camera = scene.camera(None, PICTURE_SIZE)
    picture = scene.image(size=PICTURE_SIZE, view=camera)
    return png_bytes(picture, scene.pack.meta, camera, scene.sun)


def show_in_notebook(scene: Scene, *, size: tuple[int, int] = PICTURE_SIZE) -> Any:
    """A view to turn, drawn by this machine and sent to the browser; a widget that the notebook shows.

    Raises
    ------
    UsageError
        If PyVista lacks what it needs for that.
    """
    if not can_be_turned():
        raise UsageError("interactive", "needs packages that are not installed", _LIVE_REMEDY)
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        # A kernel without a screen: what it draws is sent as pictures, with our light, which no browser would draw.
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    from twin.scene.window import plotter_of

    plotter = plotter_of(
        scene.stage(scene.shot.color_by).stage, scene.camera(None, size), size, notebook=True
    )
    return plotter.show(jupyter_backend="server", return_viewer=True)
