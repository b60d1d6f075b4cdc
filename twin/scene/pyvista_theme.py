"""PyVista themes in the colours of our styles; PyVista finds them by their entry points.

Examples
--------
>>> import pyvista as pv
>>> pv.Plotter(theme=TwinTheme(), off_screen=True).theme.name
'twin'
"""

from __future__ import annotations

from typing import Any, ClassVar

from pyvista.plotting.themes import DocumentTheme

from twin.scene.style import load_style


class TwinTheme(DocumentTheme):
    """Light paper, warm walls, colours that colour-blind eyes tell apart."""

    _default_name: ClassVar[str] = "twin"

    def __init__(self) -> None:
        super().__init__()
        _apply(self, "light", self._default_name)


class TwinDarkTheme(DocumentTheme):
    """The same at night, for large screens in dim rooms."""

    _default_name: ClassVar[str] = "twin_dark"

    def __init__(self) -> None:
        super().__init__()
        _apply(self, "dark", self._default_name)


def _apply(theme: Any, style_name: str, name: str) -> None:
    style = load_style(style_name)
    theme.name = name
    theme.background = _hex(style.rgb("sky.horizon"))
    theme.font.color = _hex(style.rgb("text.colour"))
    theme.color = _hex(style.rgb("building.walls"))
    theme.edge_color = _hex(style.rgb("building.edge"))
    theme.cmap = "viridis"
    theme.show_edges = False
    theme.lighting_params.ambient = 0.35


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
