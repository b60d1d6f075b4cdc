"""A still picture of a city, as the command line asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.core.errors import OutputExistsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twin.city.model import City
    from twin.core.notices import Notices


def write_snapshot(
    city: City,
    out: Path,
    *,
    size: tuple[int, int] = (1920, 1080),
    view: str = "overview",
    time: str | None = None,
    layers: Sequence[str] = (),
    color_by: str | None = None,
    style: str = "light",
    title: str | None = None,
    force: bool = False,
    notices: Notices,
) -> Path:
    """Draw a city into a PNG file; the file.

    Parameters
    ----------
    city : City
    out : Path
        Ends in ``.png``.
    size : tuple of int
        Width and height, pixels.
    view : str
        A named view or a camera file.
    time : str, optional
        ISO 8601 with its offset; decides where the sun stands.
    layers : sequence of str
        Added layers to show; empty shows all.
    color_by : str, optional
        Attribute that colours buildings, with ``:map`` or ``:5,10,20`` behind it if wanted.
    style : str
        ``light``, ``dark``, ``states``, ``quality`` or a style file.
    title : str, optional
        The city's name if not given; an empty one writes none.
    force : bool
        Whether an existing file may be replaced.
    notices : Notices

    Raises
    ------
    OutputExistsError
        If the file is there and `force` is false; asked before anything is drawn.
    UsageError
        If the suffix is not ``.png``, or an option cannot be meant.
    GraphicsError
        If this machine cannot draw.
    LimitError
        If the picture would be too large.
    """
    from twin.scene.scene import Furniture, Scene, check_size

    if out.suffix.lower() != ".png":
        raise UsageError(out, "pictures are written as PNG", f"call it {out.with_suffix('.png').name}")
    if out.exists() and not force:
        raise OutputExistsError(out, "exists already and was kept", "pass --force to replace it")
    check_size(size)
    scene = Scene(city, layers, time=time, style=style, notices=notices)
    return scene.snapshot(
        out, size=size, view=view, color_by=color_by, furniture=Furniture(title=title), force=force
    )
