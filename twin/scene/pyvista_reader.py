"""``pyvista.read("town.twin")``: terrain and buildings of a city; PyVista finds it by its entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def read_city(path: str, /) -> Any:
    """Blocks ``terrain`` and ``buildings`` of a city folder, metres from the origin in their field data.

    Raises
    ------
    StorageError
        If the folder is no city, or a damaged one.
    """
    import pyvista as pv

    from twin.city.model import open_city

    city = open_city(Path(path))
    blocks = pv.MultiBlock()
    for layer in ("terrain", "buildings"):
        if layer in city.manifest.layers:
            blocks.append(city.mesh(layer), layer)
    return blocks
