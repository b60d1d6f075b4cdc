"""Colour and light of a scene in one picture each for faces and ground, for programs that draw pictures on meshes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.scene import Scene

_RIM_TEXELS = 3


def shaded(
    rgb: NDArray[np.uint8], light: NDArray[np.uint8], strength: dict[str, tuple[float, ...]]
) -> NDArray[np.uint8]:
    """Colours in light, as the scene's shaders shade them.

    Parameters
    ----------
    rgb : array, shape (..., 3)
    light : array, shape (..., 2 or more)
        Sun and sky, 0 to 255.
    strength : mapping
        As `twin.scene.stage.light_balance` gives it.
    """
    sun, sky = light[..., :1].astype(np.float32) / 255, light[..., 1:2].astype(np.float32) / 255
    suns, skies, bounces = (np.asarray(strength[f"{k}Light"], np.float32) for k in ("sun", "sky", "bounce"))
    seen = suns * sun + skies * sky + bounces * (1 - sky)
    return np.clip(np.rint(rgb * np.sqrt(seen)), 0, 255).astype(np.uint8)


def face_picture(scene: Scene) -> NDArray[np.uint8]:
    """Faces of buildings, bridges and quays as the atlas lays them out, shape (rows, columns, 3)."""
    from twin.scene.bake import facet_mesh
    from twin.scene.pack import Material
    from twin.scene.paint import colour_slots, colour_table, plain_colours

    pack, style = scene.pack, scene.style
    table = colour_table(style, plain_colours(pack, style)).reshape(-1, 4)
    colours = table[colour_slots(pack).astype(np.int64), :3]
    if len(pack["facet_rgb"]):
        colours[pack["facet_material"] == Material.MODEL] = pack["facet_rgb"]
    return _picture(scene, facet_mesh(pack), colours, scene.light.atlas)


def ground_picture(scene: Scene) -> NDArray[np.uint8]:
    """The ground as the plan lays it out, water in its own colour, shape (rows, columns, 3)."""
    from twin.scene.bake import terrain_mesh
    from twin.scene.paint import terrain_colours

    pack = scene.pack
    colours = terrain_colours(pack, scene.style)
    for tile in pack.meta.terrain_tiles:
        if tile.group == "water":
            colours[slice(*tile.points)] = scene.style.rgb("water.deep")
    return _picture(scene, terrain_mesh(pack), colours, scene.light.plan)


def _picture(
    scene: Scene, mesh: Any, colours: NDArray[np.uint8], light: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    from twin.scene.light import Texels
    from twin.scene.light_smoothing import grow_into_gaps
    from twin.scene.stage import light_balance

    texels = Texels.of(mesh)
    flat = texels.owner.ravel()
    shown = np.zeros((*mesh.shape, 3), np.uint8)
    shown.reshape(-1, 3)[texels.index] = colours[mesh.triangles[flat[texels.index], 0]]
    lit = shaded(shown, light, light_balance(scene.style, scene.sun))
    # A coarser copy of the picture mixes texels of a face with what lies beside it: carry its colours over the rim.
    grown = grow_into_gaps(lit.astype(np.float32), texels.owner >= 0, _RIM_TEXELS)
    return np.clip(np.rint(grown), 0, 255).astype(np.uint8)


def jpeg(pixels: NDArray[np.uint8], *, most: int, quality: int = 90) -> bytes:
    """A picture as JPEG, no side longer than `most`."""
    import io

    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    size = (min(image.width, most), min(image.height, most))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()
