"""The files beside a model that it may use: in its own folder only, and of a size that can be held."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from twin.core.errors import InputError, InputNotFoundError, UnsafeInputError
from twin.core.limits import check_limit, limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TEXTURE_PIXELS = 100_000_000
MAX_SIDE_FILE_BYTES = 2**30


def neighbour(path: Path, name: str) -> Path:
    """A file that a model names, in the model's folder or below it.

    Raises
    ------
    UnsafeInputError
        If the name is an address, or leads outside the folder.
    InputNotFoundError
        If the file is not there.
    LimitError
        If it is too large.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", name):
        raise UnsafeInputError(
            path, f"refers to {name[:80]!r}, an address that would have to be fetched", "export it as one GLB"
        )
    folder = path.absolute().parent.resolve()
    outside = PureWindowsPath(name).drive or PureWindowsPath(name).root
    target = (folder / name.replace("\\", "/")).resolve()
    if outside or not target.is_relative_to(folder):
        raise UnsafeInputError(path, f"refers to {name[:80]!r}, outside its folder", "export it as one GLB")
    if not target.is_file():
        raise InputNotFoundError(
            path, f"refers to {name[:80]!r}, which is not there", "keep its files together"
        )
    check_limit(path, f"bytes of {name[:80]}", target.stat().st_size, MAX_SIDE_FILE_BYTES)
    return target


def check_image(path: Path, data: bytes, *, name: str) -> None:
    """Refuse a picture with too many pixels, told by its header.

    Raises
    ------
    LimitError
        If it has more than `MAX_TEXTURE_PIXELS` pixels, or more than rasters may have cells.
    InputError
        If it is no picture.
    """
    try:
        # Pillow has a limit of its own, lower than ours, and warns or raises while it reads the header.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                width, height = picture.size
    except Image.DecompressionBombError:
        width, height = _size_of_bomb(data)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InputError(
            path, f"{name} is no picture that can be read ({error})", "export it with PNG or JPEG"
        ) from error
    allowed = min(MAX_TEXTURE_PIXELS, limits().max_raster_cells)
    check_limit(path, f"pixels in {name} ({width} x {height})", width * height, allowed)


def _size_of_bomb(data: bytes) -> tuple[int, int]:
    """Width and height of a picture that Pillow will not open at all."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    finally:
        Image.MAX_IMAGE_PIXELS = before


def mean_colour(picture: Image.Image) -> NDArray[np.float64]:
    """Mean red, green, blue and opacity of a picture, 0 to 1, opaque pixels counting more."""
    small = picture.convert("RGBA").resize((32, 32), Image.Resampling.BOX)
    rgba = np.asarray(small, np.float64).reshape(-1, 4) / 255
    weight = rgba[:, 3:] + 1e-9
    return np.append((rgba[:, :3] * weight).sum(axis=0) / weight.sum(), rgba[:, 3].mean())
