"""Where a model's own file puts it, as a place and a turn that a hand could have given: it can be moved from there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.proposal import as_told

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
    low, high = model.vertices.min(axis=0), model.vertices.max(axis=0)
    middle = np.array([*(low[:2] + high[:2]) / 2, low[2]])
    ends = np.array([middle, middle + np.array([_ARM_M, 0.0, 0.0])])
    here, along = as_told(model, ends, city_crs=city_crs, notices=notices)
    turn = -math.degrees(math.atan2(along[1] - here[1], along[0] - here[0]))
    return ToldPlace((float(here[0]), float(here[1])), turn)
