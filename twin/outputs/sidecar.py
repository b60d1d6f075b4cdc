"""What stands beside a picture: everything that says what it shows and from what it was made."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

from twin import __version__
from twin.core.files import canonical_json, write_text
from twin.scene.camera import camera_to_json

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City
    from twin.scene.camera import Camera
    from twin.scene.scene import Scene
    from twin.scene.shot import Furniture

FORMAT = 1
_PACKAGES = ("numpy", "pillow", "vtk", "embreex")
"""What decides the bytes of a picture, besides twin and the graphics of the machine."""


def sidecar_path(picture: Path) -> Path:
    """Where the sidecar of a picture lies.

    Examples
    --------
    >>> from pathlib import Path
    >>> sidecar_path(Path("a/street.png")).name
    'street.png.json'
    """
    return picture.with_name(f"{picture.name}.json")


def describe(
    city: City,
    scene: Scene,
    camera: Camera,
    *,
    size: tuple[int, int],
    color_by: str | None,
    furniture: Furniture,
) -> dict[str, Any]:
    """Data, moment, camera, look and versions of a picture: the same text for the same picture, and no date."""
    return {
        "kind": "twin picture",
        "format": FORMAT,
        "city": _city(city),
        "crs": city.manifest.crs,
        "camera": camera_to_json(camera, scene.pack.meta.origin),
        "time": scene.when.isoformat() if scene.when else None,
        "sun": {
            "azimuth_deg": round(scene.sun.azimuth_deg, 2),
            "elevation_deg": round(scene.sun.elevation_deg, 2),
        },
        "size": list(size),
        "style": scene.style.name,
        "style_sha256": hashlib.sha256(repr(scene.style).encode()).hexdigest(),
        "layers": shown_layers(scene),
        "color_by": color_by or (repr(scene.shot.color_by) if scene.shot.color_by else None),
        "furniture": {name: getattr(furniture, name) for name in furniture.__slots__},
        "language": scene.language,
        "attribution": list(scene.pack.meta.attribution),
        "versions": versions(),
    }


def shown_layers(scene: Scene) -> list[str]:
    """Names of added layers and of layers over time."""
    return [*(entry.name for entry in scene.pack.meta.overlays), *(layer.name for layer in scene.layers)]


def versions() -> dict[str, str]:
    """Of twin, of Python and of the libraries that draw."""
    found = {name: metadata.version(name) for name in _PACKAGES if _is_installed(name)}
    return {"twin": __version__, "python": platform.python_version(), **found}


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _city(city: City) -> dict[str, Any]:
    """The city's files and the inputs that they were made from, each with its digest."""
    layers = city.manifest.layers
    return {
        "name": city.manifest.name,
        "build_key": city.manifest.build_key,
        "files": {f.path: f.sha256 for layer in layers.values() for f in layer.files},
        "inputs": {s.name: s.sha256 for layer in layers.values() for s in layer.provenance.inputs},
        "licences": sorted({la.provenance.licence for la in layers.values() if la.provenance.licence}),
    }


def picture_key(told: dict[str, Any]) -> str:
    """Digest of what a picture was made from: the same key on the same machine means the same bytes."""
    return hashlib.sha256(canonical_json(told).encode()).hexdigest()


def write_sidecar(picture: Path, told: dict[str, Any], *, sha256: str) -> Path:
    """Write the sidecar of a picture; its path.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    path = sidecar_path(picture)
    write_text(
        path, canonical_json({**told, "picture": picture.name, "key": picture_key(told), "sha256": sha256})
    )
    return path
