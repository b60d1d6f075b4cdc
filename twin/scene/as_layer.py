"""Whatever a user hands to a scene as a layer over time: floods, live feeds, layers of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from twin.core.errors import UsageError
from twin.scene.store import NO_LAYERS, OVER_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.city.model import City
    from twin.live.field import Method
    from twin.scene.flood_colours import Colouring
    from twin.scene.layers import SceneLayer
    from twin.scene.model import SceneContent


FIELD, RESIDUAL, INDEX = "field", "residual", "index"
"""Names of what lies between the stations of a city, of how far a flood is from its gauges, and of indices of air."""


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

    Nothing asked for shows all added layers and no flood; what is asked for is all that is shown. A city that holds
    observations alone shows them unasked.

    Raises
    ------
    UsageError
        If something can be no layer.
    """
    over_time = _names_over_time(source)
    if not layers:
        alone = [name for name, kind in over_time.items() if kind == "observations"]
        return ChosenLayers((), tuple(as_layer(n, source) for n in alone) if _is_alone(source) else ())
    overlays: list[str] = []
    moving: list[SceneLayer] = []
    for layer in layers:
        if isinstance(layer, str) and layer.partition(":")[0] not in over_time:
            overlays.append(layer)
        else:
            moving.append(as_layer(layer, source))
    return ChosenLayers(tuple(overlays) or NO_LAYERS, tuple(moving))


def as_layer(layer: Any, source: City | SceneContent | None = None) -> SceneLayer:
    """A flood, a feed, the name of one, or anything that already is a layer, as a layer of a scene.

    Parameters
    ----------
    layer : str, Flood, feed or SceneLayer
        A name may tell what is shown: ``typhoon:hazard`` colours a flood by hazard, ``live:pm2_5`` shows one property
        of the city's observations, ``field:pm2_5`` what lies between their stations, ``residual:typhoon`` how far a
        flood is from their gauges, ``index:korea-cai`` what an index of air says of each station. A feed has
        ``catalogue``, ``latest``, ``history`` and ``span`` as `twin.scene.live_layer.Observations`.
    source : City or SceneContent, optional
        The city that names refer to, and whose roads and buildings a flood colours.

    Raises
    ------
    UsageError
        If it is none of these, or the city has no such layer.
    """
    if isinstance(layer, str):
        return _named(layer, source)
    if callable(getattr(layer, "at", None)) and hasattr(layer, "span") and hasattr(layer, "name"):
        return cast("SceneLayer", layer)
    if all(callable(getattr(layer, name, None)) for name in ("catalogue", "latest", "history", "span")):
        from twin.scene.live_layer import layer_of

        return layer_of(layer, _city(source))
    if hasattr(layer, "bed_m") and hasattr(layer, "max_depth_m"):
        from twin.scene.flood_layer import FloodLayer

        return FloodLayer(layer, city=_city(source))
    raise UsageError(
        "layers",
        f"{type(layer).__name__} is no layer",
        "pass names, floods, or objects with name, span and at",
    )


def _named(text: str, source: Any) -> SceneLayer:
    """The layer over time that a name of the city asks for, with how it is shown behind a colon."""
    name, _, how = text.partition(":")
    city = _city(source)
    kind = _names_over_time(source).get(name)
    if city is None or kind is None:
        raise UsageError("layers", f"there is no layer {name!r} over time", "see `twin info`")
    if kind == FIELD:
        return _field(city, how)
    if kind == RESIDUAL:
        return _residual(city, how)
    if kind == INDEX:
        return _index(city, how)
    if kind == "flood":
        from twin.scene.flood_layer import FloodLayer
        from twin.water.flood_store import read_flood

        return FloodLayer(read_flood(city, name), cast("Colouring", how or "depth"), city=city)
    from twin.scene.live_layer import city_layer

    return city_layer(city, properties=tuple(part for part in how.split(",") if part), name=name)


def _field(city: City, how: str) -> SceneLayer:
    """A field between stations: its property, and behind a comma its method."""
    from twin.scene.field_layer import FieldLayer

    observed, _, method = how.partition(",")
    if not observed or method not in {"", "kriging", "idw"}:
        raise UsageError(
            "layers", f"{FIELD}:{how} names no field", "give it as field:pm2_5 or field:pm2_5,idw"
        )
    return FieldLayer(city.path, observed, cast("Method", method or "kriging"))


def _residual(city: City, flood: str) -> SceneLayer:
    from twin.scene.residual_layer import ResidualLayer
    from twin.water.flood_store import read_flood

    if not flood:
        raise UsageError("layers", f"{RESIDUAL}: names no flood", "give it as residual:typhoon")
    return ResidualLayer(city.path, read_flood(city, flood))


def _index(city: City, bands: str) -> SceneLayer:
    from twin.scene.added_layers import terrain_heights
    from twin.scene.live_index import IndexLayer

    return IndexLayer(city.path, bands or "korea-cai", terrain_heights(city))


def _is_alone(source: Any) -> bool:
    """Whether a city holds nothing but observations."""
    city = _city(source)
    return city is not None and {layer.kind for layer in city.manifest.layers.values()} == {"observations"}


def _city(source: Any) -> City | None:
    """The source, if it is a city on disk."""
    return source if hasattr(source, "manifest") else None


def _names_over_time(source: Any) -> dict[str, str]:
    """Kinds of a city's layers over time by their names."""
    city = _city(source)
    if city is None:
        return {}
    found = {name: layer.kind for name, layer in city.manifest.layers.items() if layer.kind in OVER_TIME}
    if "observations" in found.values():
        found |= {name: name for name in (FIELD, RESIDUAL, INDEX) if name not in city.manifest.layers}
    return found
