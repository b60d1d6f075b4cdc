"""What a picture of a scene shows where nothing else is asked for: view, colours, furniture, size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.core.errors import LimitError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from twin.scene.camera import Camera
    from twin.scene.colour import ColourBy
    from twin.scene.workspace import LayerState

MIN_SIDE_PX = 16
MAX_SIDE_PX = 16_384
MAX_PIXELS = 7680 * 4320 * 2


@dataclass(frozen=True, slots=True)
class Furniture:
    """What stands around a picture; each part can be left out.

    Parameters
    ----------
    title : str, optional
        None writes the city's name, an empty text nothing.
    legend, scale, north, labels, attribution : bool
    text_scale : float
        Makes texts and legends so many times as large as the size of the picture asks for; 0.5 to 4.

    Raises
    ------
    ValueError
        If they would be too small or too large to read.
    """

    title: str | None = None
    legend: bool = True
    scale: bool = True
    north: bool = True
    labels: bool = True
    attribution: bool = True
    text_scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0.5 <= self.text_scale <= 4:
            raise ValueError(f"text_scale must be 0.5 to 4, is {self.text_scale:g}")

    @classmethod
    def none(cls) -> Furniture:
        """The bare picture."""
        return cls("", legend=False, scale=False, north=False, labels=False, attribution=False)


@dataclass(frozen=True, slots=True)
class Shot:
    """What a picture of a scene shows where nothing else is asked for."""

    view: str | Path | Camera = "overview"
    color_by: str | ColourBy | None = None
    furniture: Furniture = Furniture()
    looks: tuple[LayerState, ...] = ()


def check_size(size: tuple[int, int]) -> None:
    """Refuse sizes that make no picture or too large a one.

    Raises
    ------
    UsageError
        If a side is under 16 pixels.
    LimitError
        If the picture would pass twice 8K.
    """
    width, height = size
    if min(size) < MIN_SIDE_PX:
        raise UsageError(
            "--size", f"{width}x{height} is no picture", f"ask for at least {MIN_SIDE_PX} pixels a side"
        )
    if max(size) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise LimitError(
            "--size",
            f"{width}x{height} is too large",
            f"ask for at most {MAX_PIXELS / 1e6:.0f} million pixels",
        )
