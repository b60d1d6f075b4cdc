"""What each block is for."""

from __future__ import annotations

from enum import Enum

from twin.demo.chance import unit
from twin.demo.skeleton import WARD_BLOCKS


class Role(Enum):
    """Use of a block."""

    DETACHED = "detached"
    ROWS = "rows"
    SCHOOL = "school"
    HOSPITAL = "hospital"
    MARKET = "market"
    TOWERS = "towers"
    SLABS = "slabs"
    COURTYARD = "courtyard"
    OFFICES = "offices"
    WORKS = "works"
    PARK = "park"


_D, _R, _S, _C = Role.DETACHED, Role.ROWS, Role.SLABS, Role.COURTYARD
# Rows of blocks from the river inland, four blocks each along the river. The first ward has one of everything.
_FIRST_WARD = (
    (_D, Role.HOSPITAL, Role.MARKET, Role.PARK),
    (_R, Role.TOWERS, _C, Role.SCHOOL),
)
_WARDS = (
    ((Role.OFFICES, _S, _R, _D), (_D, Role.WORKS, _R, _D)),
    ((_D, _D, Role.TOWERS, _R), (_R, _C, _D, _D)),
    ((_R, _D, Role.OFFICES, Role.PARK), (_D, Role.SCHOOL, _R, _D)),
    ((Role.WORKS, _D, _R, _S), (_D, _R, _D, _C)),
    ((_D, _R, Role.MARKET, _D), (_R, _D, _D, _S)),
    ((_C, _D, _R, Role.HOSPITAL), (Role.PARK, _R, _D, _D)),
)


def role_of(seed: int, i: int, j: int) -> Role:
    """What block ``(i, j)`` is for.

    Examples
    --------
    >>> role_of(1, 1, 0)
    <Role.HOSPITAL: 'hospital'>
    """
    ward = i // WARD_BLOCKS[0], j // WARD_BLOCKS[1]
    plan = _FIRST_WARD
    if ward != (0, 0):
        first = (ward == (1, 0)) * len(_WARDS)  # the second ward brings what the first has no room for
        plan = _WARDS[0 if first else int(unit(seed, "ward", *ward) * len(_WARDS))]
    return plan[j % WARD_BLOCKS[1]][i % WARD_BLOCKS[0]]
