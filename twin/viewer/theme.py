"""How panels look, light or dark: one palette, one style sheet, the same margins everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette

from twin.core.assets import asset_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication

MARGIN = 12
GAP = 8
PANEL_WIDTH = 300
_FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "Open Sans", "Noto Sans CJK KR", "DejaVu Sans")


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of the panels.

    Parameters
    ----------
    name : str
        ``light`` or ``dark``, as the style of a scene.
    window, panel, field, line : str
        Backgrounds from the back to the front, and what divides them.
    ink, muted : str
        Text, and text that matters less.
    accent, on_accent : str
        What is chosen, and text on it.
    warn, alarm, good : str
    """

    name: str
    window: str
    panel: str
    field: str
    line: str
    ink: str
    muted: str
    accent: str
    on_accent: str
    warn: str
    alarm: str
    good: str


LIGHT = Theme(
    "light", window="#eef1f4", panel="#ffffff", field="#f5f7f9", line="#d9dee4", ink="#1d2733",
    muted="#5d6b7a", accent="#0b6bcb", on_accent="#ffffff", warn="#a15c00", alarm="#b3261e", good="#1a7f37",
)  # fmt: skip
DARK = Theme(
    "dark", window="#171b20", panel="#20262d", field="#2a3139", line="#3a434d", ink="#e6ebf0",
    muted="#9aa7b4", accent="#4ea1f3", on_accent="#0d1620", warn="#f0b35a", alarm="#ff8b80", good="#6cd28a",
)  # fmt: skip


def theme_for(style: str) -> Theme:
    """The theme of the panels that goes with the style of a scene."""
    return DARK if style == "dark" else LIGHT


def apply(app: QApplication, theme: Theme) -> Iterator[None]:
    """Give all windows a theme, in steps, each of which polishes every widget anew; none where they have it."""
    wanted = sheet(theme)
    if app.styleSheet() == wanted:
        return
    if not app.styleSheet():
        dress(app)
    app.setPalette(palette(theme))
    yield
    app.setStyleSheet(wanted)


def dress(app: QApplication) -> None:
    """Give an application its style and font; best before it has widgets, since some keep what they began with."""
    app.setStyle("Fusion")
    app.setFont(font())


def font() -> QFont:
    """The first of the usual families that is there, with Hangul behind it."""
    there = set(QFontDatabase.families())
    chosen = [name for name in _FAMILIES if name in there]
    made = QFont()
    if chosen:
        made.setFamilies(chosen)
    made.setPixelSize(13)
    return made


def palette(theme: Theme) -> QPalette:
    """Qt's palette of a theme."""
    made = QPalette()
    role = QPalette.ColorRole
    for key, colour in (
        (role.Window, theme.window), (role.Base, theme.field), (role.AlternateBase, theme.panel),
        (role.Button, theme.panel), (role.WindowText, theme.ink), (role.Text, theme.ink),
        (role.ButtonText, theme.ink), (role.ToolTipBase, theme.panel), (role.ToolTipText, theme.ink),
        (role.PlaceholderText, theme.muted), (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent), (role.Link, theme.accent), (role.Mid, theme.line),
    ):  # fmt: skip
        made.setColor(key, QColor(colour))
    for key in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, key, QColor(theme.muted))
    return made


def sheet(theme: Theme) -> str:
    """The style sheet of a theme."""
    text = asset_path("window/sheet.qss").read_text(encoding="utf-8")
    drawn = {name: asset_path(f"window/{name}-{theme.name}.svg").as_posix() for name in ("chevron", "check")}
    return text.format(t=theme, margin=MARGIN, **drawn)
