"""Icons as strokes on a grid of 24, drawn in the ink of the theme at the density of the screen."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from twin.core.assets import asset_path

_DENSITIES = (16, 20, 24, 32, 48)


@lru_cache(maxsize=256)
def icon(name: str, ink: str, *, faint: str | None = None) -> QIcon:
    """An icon of ``assets/icons.svg`` in a colour, with a fainter one where it is disabled; drawn once."""
    made = QIcon()
    normal = _drawn(name, ink)
    disabled = normal if faint in {None, ink} else _drawn(name, faint or ink)
    for mode, pictures in ((QIcon.Mode.Normal, normal), (QIcon.Mode.Disabled, disabled)):
        for picture in pictures:
            made.addPixmap(picture, mode)
    return made


def _drawn(name: str, ink: str) -> list[QPixmap]:
    """The icon in all densities, read once."""
    renderer = QSvgRenderer(QByteArray(_svg(name, ink).encode()))
    return [_square(renderer, side) for side in _DENSITIES]


def _square(renderer: QSvgRenderer, side: int) -> QPixmap:
    image = QPixmap(side, side)
    image.fill(QColor(Qt.GlobalColor.transparent))
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    return image


def _svg(name: str, ink: str) -> str:
    return asset_path(f"icons/{name}.svg").read_text(encoding="utf-8").replace("currentColor", ink)
