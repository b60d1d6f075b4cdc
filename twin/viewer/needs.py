"""What a window needs before Qt is loaded: its packages and a screen; said in words where one is missing."""

from __future__ import annotations

import os
import sys
from importlib import import_module, util

from twin.core.errors import ExtraMissingError, GraphicsError

INSTALL = 'pip install "twin[desktop]"'
_LASTING = 1 << 40
_OFFSCREEN = ("offscreen", "minimal", "vnc")


def require_desktop() -> None:
    """Make sure that Qt is installed and that there is a screen to open a window on.

    Raises
    ------
    ExtraMissingError
        With the command that installs Qt.
    GraphicsError
        If there is no screen.
    """
    if util.find_spec("PySide6") is None:
        raise ExtraMissingError("PySide6", "the window needs Qt, which is not installed", INSTALL)
    if not has_screen():
        raise GraphicsError(
            "screen",
            "there is none (DISPLAY and WAYLAND_DISPLAY are not set)",
            "write pictures with `twin snapshot`, or start in a desktop session or under `xvfb-run`",
        )


def has_screen() -> bool:
    """Whether a window system can be reached, as far as the environment tells."""
    if os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in _OFFSCREEN or not _is_x11():
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _is_x11() -> bool:
    return sys.platform.startswith(("linux", "freebsd", "openbsd"))


def choose_platform() -> None:
    """Prefer X where both window systems are there: only on it do torn off panels find their place again.

    A choice of the user's own stays.
    """
    if _is_x11() and os.environ.get("DISPLAY") and os.environ.get("WAYLAND_DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")


def keep_constants_alive() -> None:
    """Make None, True and False as lasting as Python 3.12 makes them.

    PySide6 6.12 counts on that: under Python 3.11 every one of its calls that returns nothing takes a reference of None
    that it was never given, and every signal that is sent takes one of True; after some ten thousand of them the
    interpreter ends. A count that no session reaches keeps them alive.
    """
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return
    import ctypes

    for constant in (None, True, False, NotImplemented, Ellipsis):
        count = ctypes.c_ssize_t.from_address(id(constant))
        if count.value < _LASTING:
            count.value += _LASTING


def import_before_qt() -> None:
    """Import what must be there before PySide6 is.

    PySide6 looks into the source of each module that is imported after it and asks the module for attributes then.
    pydantic's modules answer by importing others of their own; where two threads import it at once, one of them meets a
    module that is half made, and the city does not open.
    """
    for module in ("pydantic.main", "pydantic.type_adapter"):
        import_module(module)
