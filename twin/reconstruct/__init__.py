"""Points and footprints to geometry: ground, terrain, solids, trees, bridges, quality and validity.

Examples
--------
>>> from twin.reconstruct import classify_ground
>>> classify_ground.__module__
'twin.reconstruct.ground'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.reconstruct.ground import classify_ground

__all__ = ["classify_ground"]


def __getattr__(name: str) -> Any:
    if name == "classify_ground":  # loaded when it is used: compiled code takes half a second to import
        from twin.reconstruct.ground import classify_ground

        return classify_ground
    raise AttributeError(f"module 'twin.reconstruct' has no attribute {name!r}")
