"""A picture as a PNG file that says what it shows."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from twin import __version__
from twin.core.files import atomic_path
from twin.scene.camera import camera_to_json

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from twin.energy.sun import Sun
    from twin.scene.camera import Camera
    from twin.scene.pack import PackMeta

_COMPRESSION = 2
"""Half the time of Pillow's default for 6 % more bytes."""


def write_png(
    path: Path, picture: NDArray[np.uint8], meta: PackMeta, camera: Camera, sun: Sun, *, force: bool
) -> None:
    """Write a picture atomically, with CRS, camera and sun beside the pixels and no date: same picture, same bytes.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If it cannot be written.
    """
    with atomic_path(path, force=force) as temporary:
        temporary.write_bytes(png_bytes(picture, meta, camera, sun))


def png_bytes(picture: NDArray[np.uint8], meta: PackMeta, camera: Camera, sun: Sun) -> bytes:
    """A picture as it stands in its file."""
    info = PngInfo()
    texts = {
        "Software": f"twin {__version__}",
        "Title": meta.name,
        "Source": " · ".join(meta.attribution),
        "twin:crs": meta.crs,
        "twin:camera": json.dumps(camera_to_json(camera, meta.origin)),
        "twin:sun": json.dumps(
            {
                "azimuth_deg": round(sun.azimuth_deg, 2),
                "elevation_deg": round(sun.elevation_deg, 2),
                "time": sun.when.isoformat() if sun.when else None,
            }
        ),
    }
    for key, text in texts.items():
        if text:
            info.add_itxt(key, text)
    kept = io.BytesIO()
    Image.fromarray(picture).save(kept, format="PNG", pnginfo=info, compress_level=_COMPRESSION)
    return kept.getvalue()
