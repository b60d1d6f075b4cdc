"""Light and what lies on the ground as pictures for the page, small because eyes do not see what is left out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.outputs.web.lit_charts import MANY_FACES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.outputs.web.codec import Bundle
    from twin.scene.bake import Light
    from twin.scene.pack import ScenePack
    from twin.scene.style import Style

_LIGHT_QUALITY = 62
_MANY_QUALITY = 25
_OVERLAY_QUALITY = 80


def webp(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """A picture of shape (rows, columns) or (rows, columns, 3 or 4) as WebP."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def light_quality(n_faces: int) -> int:
    """Quality of pictures of light: with many thousand buildings less is seen of each face than in a street."""
    return _LIGHT_QUALITY if n_faces <= MANY_FACES else _MANY_QUALITY


def light_pictures(light: Light, bundle: Bundle, *, n_faces: int) -> dict[str, Any]:
    """Sun and sky on ground and table, each a grey picture of its own: colours would be kept more coarsely."""
    maps = {"plan": light.plan, "table": light.table}
    quality = light_quality(n_faces)
    return {
        name: {
            part: bundle.add_bytes(webp(values[..., channel], quality))
            for channel, part in enumerate(("sun", "sky"))
        }
        for name, values in maps.items()
    }


def overlay_pictures(pack: ScenePack, style: Style, bundle: Bundle) -> list[dict[str, Any]]:
    """Areas and pictures of added layers, lowest first, each so that it can be shown alone."""
    from twin.scene.drape import compose_overlay
    from twin.scene.paint import overlay_colours

    pictures: list[dict[str, Any]] = []
    colours = overlay_colours(pack, style)
    for i, entry in enumerate(pack.meta.overlays):
        for there, name, rgb in (
            (entry.picture, f"overlay_picture_{i}", None),
            (entry.areas, f"overlay_area_{i}", colours[i]),
        ):
            shown = compose_overlay([(pack[name], rgb)]) if there else None
            if shown is not None:
                place = {"overlay": i, "picture": bundle.add_bytes(webp(shown, _OVERLAY_QUALITY))}
                pictures.insert(0, place) if rgb is None else pictures.append(place)
    return pictures
