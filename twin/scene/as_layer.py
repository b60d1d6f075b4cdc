"""Whatever a user hands to a scene as a layer over time: floods, live feeds, layers of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from twin.core.errors import UsageError
from twin.scene.store import NO_LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.city.model import City
    from twin.scene.layers import SceneLayer
    from twin.scene.model import SceneContent


@dataclass(frozen=True, slots=True)
class ChosenLayers:
    """What was asked for, told apart.

    Parameters
    ----------
    overlays : tuple of str
        Added layers to show, as `twin.scene.store.stored_pack` takes them.
    moving : tuple of SceneLayer
        What changes over time.
    """

    overlays: tuple[str, ...]
    moving: tuple[SceneLayer, ...]


def chosen_layers(source: City | SceneContent, layers: Sequence[Any]) -> ChosenLayers:
    """Layers by what they are: names of added layers, names of floods, floods, and anything with a state in time.

    Nothing asked for shows all added layers and no flood; what is asked for is all that is shown.

    Raises
    ------
    UsageError
        If something can be no layer.
    """
    if not layers:
        return ChosenLayers((), ())
    floods = _flood_names(source)
    overlays: list[str] = []
    moving: list[SceneLayer] = []
    for layer in layers:
        if isinstance(layer, str) and layer not in floods:
            overlays.append(layer)
        else:
            moving.append(as_layer(layer, source))
    return ChosenLayers(tuple(overlays) or NO_LAYERS, tuple(moving))


def as_layer(layer: Any, source: City | SceneContent | None = None) -> SceneLayer:
    """A flood, the name of one, or anything that already is a layer, as a layer of a scene.

    Parameters
    ----------
    layer : Flood, str, or an object with ``name``, ``span`` and ``at``
    source : City or SceneContent, optional
        The city that names refer to.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    from twin.water.flood import Flood

    if isinstance(layer, str):
        from twin.water.flood_store import read_flood

        layer = read_flood(cast("City", source), layer)
    if isinstance(layer, Flood):
        from twin.scene.flood_layer import FloodLayer

        return FloodLayer(layer, city=_city(source))
    if callable(getattr(layer, "at", None)) and hasattr(layer, "span") and hasattr(layer, "name"):
        return cast("SceneLayer", layer)
    raise UsageError(
        "layers",
        f"{type(layer).__name__} is no layer",
        "pass names, floods, or objects with name, span and at",
    )


def _city(source: Any) -> City | None:
    """The source, if it is a city on disk."""
    return source if hasattr(source, "manifest") else None


def _flood_names(source: City | SceneContent) -> frozenset[str]:
    manifest = getattr(source, "manifest", None)
    if manifest is None:
        return frozenset()
    return frozenset(name for name, layer in manifest.layers.items() if layer.kind == "flood")
