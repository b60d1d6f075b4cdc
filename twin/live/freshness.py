"""How far the newest result of a datastream can be trusted now: fresh, stale, missing or invalid."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from twin.live.model import MICROSECONDS, NO_TIME, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.live.model import Catalogue, Snapshot

MEDIANS = 3.0
"""A result is stale after so many times its datastream's median interval, where no age is given."""
UNKNOWN_S = 86_400.0
"""Where neither an age nor an interval is known, a result is not fresh for longer than a day."""


class State(IntEnum):
    """The numbers are those of the scene's markers."""

    FRESH = 0
    STALE = 1
    MISSING = 2
    INVALID = 3


def max_ages_s(catalogue: Catalogue, medians_s: Mapping[str, float] | None = None) -> NDArray[np.float64]:
    """The age from which each datastream is stale, seconds, shape (n,); a day where nothing tells.

    Parameters
    ----------
    catalogue : Catalogue
    medians_s : mapping of str to float, optional
        Median interval by datastream, for those that name no age.
    """
    known = medians_s or {}
    ages = np.full(len(catalogue.datastreams), UNKNOWN_S)
    for i, stream in enumerate(catalogue.datastreams):
        usual = known.get(stream.id, stream.every_s)
        if stream.max_age_s is not None:
            ages[i] = stream.max_age_s
        elif usual is not None:
            ages[i] = MEDIANS * usual
    return ages


def states(snapshot: Snapshot, max_age_s: NDArray[np.float64]) -> NDArray[np.uint8]:
    """`State` of each datastream of a snapshot, shape (n,).

    Missing is what never came or came without a result (a sensor that is off); invalid outranks stale, so that a
    wrong value never looks like an old one that was right.

    Parameters
    ----------
    snapshot : Snapshot
    max_age_s : array, shape (n,)
        From `max_ages_s`, in the order of the snapshot.

    Examples
    --------
    >>> from twin.live.model import Snapshot
    >>> t = np.array([0, 0, NO_TIME, 0])
    >>> z = Snapshot(9_000_000, ("a", "b", "c", "d"), t, t, np.array([1, 1, np.nan, 1]), {},
    ...              np.array([0, 0, 0, 3], np.uint8), np.full((4, 4), np.nan))
    >>> [State(s).name for s in states(z, np.array([60.0, 5.0, 60.0, 5.0]))]
    ['FRESH', 'STALE', 'MISSING', 'INVALID']
    """
    out = np.zeros(len(snapshot.time), np.uint8)
    out[snapshot.age_s > max_age_s] = State.STALE
    out[snapshot.quality >= Quality.INVALID] = State.INVALID
    out[(snapshot.time == NO_TIME) | snapshot.is_empty] = State.MISSING
    return out


def median_interval_s(time: NDArray[np.int64]) -> float | None:
    """Median of the intervals between ascending times, seconds; None for fewer than three.

    >>> median_interval_s(np.array([0, 60, 120, 900]) * MICROSECONDS)
    60.0
    """
    if len(time) < 3:
        return None
    return float(np.median(np.diff(time))) / MICROSECONDS
