"""Where a model's own file puts it, as a place and a turn that a hand could have given: it can be moved from there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.proposal import on_its_map

if TYPE_CHECKING:
    from twin.core.notices import Notices
    from twin.scene.proposal_model import ProposalModel

_ARM_M = 100.0


@dataclass(frozen=True, slots=True)
class ToldPlace:
    """Where a file says that its model stands.

    Parameters
    ----------
    position : tuple of float
        Easting and northing of the middle of its plan, in the city's CRS.
    turn_deg : float
        Clockwise seen from above, -180 to 180.
    """

    position: tuple[float, float]
    turn_deg: float


def told_place(model: ProposalModel, *, city_crs: Any, notices: Notices) -> ToldPlace:
    """The place and turn for `twin.scene.proposal.place_by_hand` that stand a model where its file says.

    Parameters
    ----------
    model : ProposalModel
        In metres.
    city_crs : pyproj.CRS
    notices : Notices

    Raises
    ------
    UsageError
        If the file does not tell.
    CrsError
        If its CRS is not known.
    """
    from twin.core.crs import make_transform, parse_crs
    from twin.core.crs_parts import horizontal

    low, high = model.vertices.min(axis=0), model.vertices.max(axis=0)
    middle = np.array([*(low[:2] + high[:2]) / 2, low[2]])
    ends = np.array([middle, middle + np.array([_ARM_M, 0.0, 0.0])])
    ends, crs_name = on_its_map(model, ends)
    if crs_name:
        # In plan alone: it is seated on the ground, so heights of another datum are no reason to refuse.
        source = horizontal(parse_crs(crs_name, where=model.path))
        ends = make_transform(source, horizontal(city_crs), where=model.path, notices=notices)(ends)
    here, along = ends
    turn = -math.degrees(math.atan2(along[1] - here[1], along[0] - here[0]))
    return ToldPlace((float(here[0]), float(here[1])), turn)
