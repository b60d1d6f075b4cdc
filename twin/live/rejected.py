"""Why a message is not kept."""

from __future__ import annotations

CAUSES = {
    "json": "is no JSON of an observation",
    "nesting": "is nested too deeply",
    "limit": "is larger than a message may be",
    "time": "its time cannot be read",
    "zone": "its time names no zone",
    "future": "its time lies in the future",
    "result": "it has no result",
    "finite": "its result is not finite",
    "number": "its result is no number, where the datastream has numbers",
    "range": "its result is beyond all that can be measured",
    "unknown_datastream": "its datastream is not known",
    "position": "its position cannot be read",
    "mapping": "no rule of the mapping fits it",
    "thing": "its thing or datastream cannot be read",
}
"""Stable names of `Counts.rejected_by_cause`."""


class RejectedError(ValueError):
    """A message that cannot be kept.

    Parameters
    ----------
    cause : str
        One of `CAUSES`.
    what : str
        With the value that is meant.
    """

    def __init__(self, cause: str, what: str) -> None:
        self.cause = cause
        super().__init__(what)
