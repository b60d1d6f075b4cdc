"""Single buildings with their laser points and their truth, for whoever tries out a method on many roofs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.errors import UsageError
from twin.core.grid import Bounds
from twin.demo.cadastre import NO_DEFECTS, cell_entries
from twin.demo.flight import SurveySettings, fly
from twin.demo.layout import EVERY_KIND_FROM, cell_plan, make_layout
from twin.demo.recipes import ROOF_TYPES
from twin.demo.survey import survey_tile
from twin.demo.truth import truth_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from twin.core.mesh import Solid
    from twin.demo.cadastre import Entry
    from twin.demo.flight import Flight
    from twin.demo.layout import Layout
    from twin.demo.plan import Building

    Cell = tuple[int, int]

CHOICE = 4
"""From how many times as many buildings the samples are chosen, so that rare kinds come as often as houses."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One building of a district as a survey sees it, and as it is.

    Parameters
    ----------
    id, kind, roof_type : str
        The building; which recipe made it, as in `twin.demo.recipes.ROOF_TYPES`; and what a city calls its roof.
    xyz : array, shape (n, 3)
        Points over the footprint and the margin around it, metres on the map: roof, walls, ground, trees, neighbours.
    classification : array of uint8, shape (n,)
        True ASPRS class of each point; 6 is building, 2 ground.
    footprint : Polygon
        The walls on the map.
    floor_z_m : float
        Lowest ground along the walls.
    solids : dict
        True solids by level of detail: ``"1.2"``, ``"1.3"`` and ``"2.2"``.
    facts : dict
        What ``truth/buildings.gpkg`` tells of it: ridge_z_m, eave_z_m, volume_m3, n_roof_faces, ...
    """

    id: str
    kind: str
    roof_type: str
    xyz: NDArray[np.float64]
    classification: NDArray[np.uint8]
    footprint: Any
    floor_z_m: float
    solids: dict[str, Solid]
    facts: dict[str, Any]


def sample_buildings(
    n: int,
    *,
    density: float = 8.0,
    seed: int = 1,
    kinds: Collection[str] | None = None,
    margin_m: float = 3.0,
) -> Iterator[Sample]:
    """Buildings of a surveyed district, all kinds equally often as far as the district has them.

    They stand among their neighbours, trees and cars, and are seen from overlapping strips like all the rest. The
    footprints are exact; defects are left to `twin.demo.generate_district`.

    Parameters
    ----------
    n : int
        How many; fewer come where the district has no more of the kinds asked for.
    density : float
        Laser pulses per square metre of ground.
    seed : int
        Another number makes another district.
    kinds : collection of str, optional
        Only these; keys of `twin.demo.recipes.ROOF_TYPES`.
    margin_m : float
        How far around the footprint points are given.

    Raises
    ------
    UsageError
        If a kind is unknown, or a number outside its range.

    Examples
    --------
    >>> house = next(sample_buildings(1, density=4, kinds=["gable"]))
    >>> house.kind, house.roof_type, int(house.facts["n_roof_faces"])
    ('gable', 'gable', 2)
    """
    wanted = _known(kinds)
    layout = make_layout(max(EVERY_KIND_FROM, CHOICE * n), seed=seed)
    flight = fly(SurveySettings(density=density), layout.bounds, seed=seed)
    for cell, ids in _chosen(layout, n, wanted).items():
        entries = [e for e in cell_entries(layout, NO_DEFECTS, *cell) if e.building.id in ids]
        yield from _samples(layout, flight, entries, margin_m)


def _known(kinds: Collection[str] | None) -> set[str]:
    unknown = set(kinds or ()) - set(ROOF_TYPES)
    if unknown:
        raise UsageError(
            "kinds", f"no building is called {min(unknown)!r}", f"choose of {sorted(ROOF_TYPES)}"
        )
    return set(ROOF_TYPES if kinds is None else kinds)


def _chosen(layout: Layout, n: int, kinds: set[str]) -> dict[Cell, set[str]]:
    """Ids by cell of `n` buildings that are dealt out kind by kind."""
    decks: dict[str, list[tuple[Building, Cell]]] = {kind: [] for kind in sorted(kinds)}
    for cell in layout.cells:
        for building in cell_plan(layout, *cell).buildings:
            if building.kind in decks:
                decks[building.kind].append((building, cell))
    n = min(n, sum(map(len, decks.values())))
    hands = {kind: iter(deck) for kind, deck in decks.items()}
    dealt = (next(hands[kind], None) for kind in cycle(hands)) if hands else iter(())
    chosen: dict[Cell, set[str]] = {}
    for building, cell in islice((card for card in dealt if card is not None), n):
        chosen.setdefault(cell, set()).add(building.id)
    return dict(sorted(chosen.items(), key=lambda item: (item[0][1], item[0][0])))


def _samples(layout: Layout, flight: Flight, entries: list[Entry], margin_m: float) -> Iterator[Sample]:
    outlines = np.array([entry.outline for entry in entries])
    around = shapely.bounds(outlines) + margin_m * np.array([-1.0, -1.0, 1.0, 1.0])
    window = Bounds(*around[:, :2].min(0).tolist(), *around[:, 2:].max(0).tolist())
    cloud = survey_tile(layout, flight, window).cloud
    for entry, bounds in zip(entries, around, strict=True):
        near = np.flatnonzero(Bounds(*bounds.tolist()).contains(cloud.xyz[:, 0], cloud.xyz[:, 1]))
        inside = shapely.dwithin(entry.outline, shapely.points(cloud.xyz[near, :2]), margin_m)
        yield _sample(entry, cloud.xyz[near[inside]], cloud.classification[near[inside]])


def _sample(entry: Entry, xyz: NDArray[np.float64], classification: NDArray[np.uint8]) -> Sample:
    building, truth = entry.building, truth_of(entry)
    return Sample(
        building.id,
        building.kind,
        building.roof_type,
        xyz,
        classification,
        entry.outline,
        building.floor_z,
        {lod: solids[0] for lod, solids in truth.geometry.solids.items()},
        truth.row,
    )
