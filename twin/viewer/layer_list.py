"""Which layers a city has for the eye, in groups from the ground up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.city.model import City

from twin.scene.store import OVERLAY_KINDS
from twin.scene.workspace_layers import LABELS
from twin.scene.workspace_points import SURVEY, survey_inputs

_GROUPS = {
    "ground": ("terrain", "ortho", "roads"),
    "built": ("buildings", "unmapped", "bridges"),
    "nature": ("trees", "water"),
}
_BUILT = frozenset(name for names in _GROUPS.values() for name in names)


@dataclass(frozen=True, slots=True)
class Group:
    """Layers under one heading; `key` names it in the catalogue of texts."""

    key: str
    layers: tuple[str, ...]


def layer_groups(city: City, *, over_time: Sequence[str] = (), has_points: bool = False) -> tuple[Group, ...]:
    """The groups of a city, without empty ones.

    Parameters
    ----------
    city : City
    over_time : sequence of str
        Names of floods, sensors and other layers with a state at each moment.
    has_points : bool
        Whether there are survey points besides those that the city was built from.
    """
    there = city.manifest.layers
    groups = [Group(key, tuple(n for n in names if n in there)) for key, names in _GROUPS.items()]
    if has_points or survey_inputs(city):
        groups.append(Group("survey", (SURVEY,)))
    groups.append(Group("over_time", tuple(over_time)))
    added = (name for name, layer in there.items() if layer.kind in OVERLAY_KINDS and name not in _BUILT)
    groups.append(Group("added", tuple(sorted(added))))
    groups.append(Group("drawing", (LABELS,)))
    return tuple(group for group in groups if group.layers)
