"""Whether this machine can draw, found out in a child process: a driver that fails may take its process along."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from twin.core.errors import GraphicsError

_REMEDY = "on Debian or Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri"
_EGL_PLATFORM_DEVICE = 0x313F
_PROBE = """
import sys
from twin.core.errors import GraphicsError
from twin.scene.graphics import offscreen_window
try:
    window = offscreen_window((16, 16))
except GraphicsError as error:
    sys.exit(error.what)
window.Render()
pixels = window.ReportCapabilities()
name = [line for line in pixels.splitlines() if line.startswith("OpenGL renderer string")]
sys.stdout.write(name[0].partition(":")[2].strip() if name else "OpenGL")
"""


def offscreen_window(size: tuple[int, int]) -> Any:
    """A VTK window that nobody sees, on EGL under Linux, where no display is needed.

    Parameters
    ----------
    size : tuple of int
        Width and height, pixels.

    Raises
    ------
    GraphicsError
        If VTK or the OpenGL libraries of the system are missing.
    """
    window = _egl_window() if sys.platform.startswith("linux") else _plain_window()
    window.SetOffScreenRendering(1)
    # Multisamples and translucent water do not go together in software OpenGL; pictures are made larger instead.
    window.SetMultiSamples(0)
    window.SetSize(*size)
    # What was drawn is read from where it was drawn; a copy of it for a screen would take a tenth of each picture.
    window.SwapBuffersOff()
    return window


def _egl_window() -> Any:
    """A window on EGL: no display, no X server; asked for by name, so that windows on a screen stay as they are."""
    _require_egl()
    try:
        from vtkmodules.vtkRenderingOpenGL2 import vtkEGLRenderWindow
    except ImportError as error:
        raise GraphicsError("vtk", f"cannot be loaded ({error})", _REMEDY) from error
    return vtkEGLRenderWindow()


def _plain_window() -> Any:
    try:
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers the OpenGL classes
        from vtkmodules.vtkRenderingCore import vtkRenderWindow
    except ImportError as error:
        raise GraphicsError("vtk", f"cannot be loaded ({error})", "install it: pip install vtk") from error
    return vtkRenderWindow()


def _require_egl() -> None:
    """Make sure that EGL has a device that starts; VTK would end the process where there is none.

    Raises
    ------
    GraphicsError
        If the library is missing, or no device starts.
    """
    import ctypes

    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError as error:
        raise GraphicsError("OpenGL", "libEGL.so.1 is missing", _REMEDY) from error
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    egl.eglGetProcAddress.restype = pointer
    query = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    display_of = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    if not (query and display_of):
        return
    devices, count = (pointer * 16)(), integer(0)
    ctypes.CFUNCTYPE(integer, integer, pointer, pointer)(query)(16, devices, ctypes.addressof(count))
    make = ctypes.CFUNCTYPE(pointer, integer, pointer, pointer)(display_of)
    egl.eglInitialize.argtypes = (pointer, pointer, pointer)
    for device in devices[: count.value]:
        display = make(_EGL_PLATFORM_DEVICE, device, None)
        if display and egl.eglInitialize(display, None, None):
            return
    raise GraphicsError("OpenGL", f"none of {count.value} EGL devices starts", _REMEDY)


def probe_graphics(*, timeout_s: float = 60.0) -> str | None:
    """What keeps this machine from drawing, in words, or None if it draws. Raises nothing: for a state report."""
    try:
        require_graphics(timeout_s=timeout_s)
    except GraphicsError as error:
        return error.what
    return None


def require_graphics(*, timeout_s: float = 60.0) -> str:
    """Name of what draws here.

    Raises
    ------
    GraphicsError
        With the cause, if a window cannot be made or dies in the making.
    """
    command = [sys.executable, "-c", _PROBE]
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise GraphicsError("OpenGL", f"made no window within {timeout_s:.0f} s", _REMEDY) from error
    if ended.returncode == 0 and ended.stdout:
        return ended.stdout.strip()
    lines = ended.stderr.strip().splitlines()
    raise GraphicsError(
        "OpenGL", f"does not work ({lines[-1][:160] if lines else ended.returncode})", _REMEDY
    )
