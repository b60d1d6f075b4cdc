"""Ordinary kriging with an exponential variogram that PyKrige fits: many places in parts of bounded memory.

PyKrige tells all places at once, with several numbers for each pair of place and station, and inverts the matrix of the
stations for every call. Here it is inverted once; the places are told in parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import ExtraMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Float = NDArray[np.float64]

PAIRS_AT_ONCE = 2_000_000
"""Pairs of place and station in one part; each takes some 40 bytes."""
_SAME_M = 1e-10


def parts(n_places: int, n_stations: int) -> Iterator[slice]:
    """Slices of places, as many together as memory is meant for; at least one.

    >>> [(p.start, p.stop) for p in parts(3, 1_000_000)]
    [(0, 2), (2, 4)]
    """
    step = max(1, PAIRS_AT_ONCE // n_stations)
    for start in range(0, n_places, step):
        yield slice(start, start + step)


@dataclass(frozen=True, slots=True)
class Kriging:
    """What tells values between stations; from `fit`.

    Parameters
    ----------
    xy : array of float64, shape (n, 2)
        Stations about their centre, metres.
    z : array of float64, shape (n,)
        Values about their mean, in standard deviations.
    centre : array of float64, shape (2,)
    middle, unit : float
        Mean and standard deviation of the values.
    sill, range_m, nugget : float
        Of the variogram, ``nugget + sill (1 - exp(-3 d / range_m))``.
    inverse : array of float64, shape (n + 1, n + 1)
        Of the kriging matrix.
    """

    xy: Float
    z: Float
    centre: Float
    middle: float
    unit: float
    sill: float
    range_m: float
    nugget: float
    inverse: Float

    @property
    def spread(self) -> float:
        """Standard deviation of values far apart, in their unit."""
        return self.unit * (self.sill + self.nugget) ** 0.5

    def at(self, places: Float) -> tuple[Float, Float]:
        """Values and standard deviations of their errors at places, shape (m, 2), in the values' unit."""
        value, variance = np.empty(len(places)), np.empty(len(places))
        for part in parts(len(places), len(self.z)):
            told = self._told(places[part] - self.centre)
            weight = told @ self.inverse  # which is symmetric
            value[part] = weight[:, :-1] @ self.z
            variance[part] = -np.einsum("ij,ij->i", weight, told)
        return self.middle + self.unit * value, self.unit * np.sqrt(np.maximum(variance, 0.0))

    def left_out(self) -> Float:
        """Error at each station told by all others with this variogram, in the values' unit, shape (n,).

        References
        ----------
        Dubrule (1983), Cross validation of kriging in a unique neighborhood, Mathematical Geology 15, 687-699.
        """
        return -self.unit * (self.inverse[:-1, :-1] @ self.z) / np.diag(self.inverse)[:-1]

    def _told(self, places: Float) -> Float:
        """Right-hand sides of the kriging system, one in a row."""
        from scipy.spatial.distance import cdist

        told = np.ones((len(places), len(self.z) + 1))
        distance = cdist(places, self.xy)
        told[:, :-1] = -_variogram(distance, self.sill, self.range_m, self.nugget)
        told[:, :-1][distance <= _SAME_M] = 0.0  # a station tells its own value exactly
        return told


def fit(xy: Float, z: Float) -> Kriging:
    """Kriging from stations at different places, shape (n, 2), metres, with values, shape (n,), not all the same.

    Raises
    ------
    ExtraMissingError
        If PyKrige is not installed.

    References
    ----------
    Isaaks & Srivastava (1989), An Introduction to Applied Geostatistics, chapter 12.

    Examples
    --------
    >>> import numpy as np
    >>> stations = np.array([[0.0, 0], [100, 0], [0, 100], [100, 100], [50, 60]])
    >>> value, deviation = fit(stations, stations[:, 0]).at(stations[1:2])
    >>> round(float(value[0]), 3), round(float(deviation[0]), 3)
    (100.0, 0.0)
    """
    from scipy.linalg import pinv
    from scipy.spatial.distance import cdist

    # Eastings of millions would cost digits, and shares of millionths end the fit of the variogram before it begins.
    centre, middle, unit = xy.mean(axis=0), float(z.mean()), float(z.std()) or 1.0
    xy, z = xy - centre, (z - middle) / unit
    variogram = _fitted(xy, z)
    matrix = np.ones((len(z) + 1, len(z) + 1))
    matrix[:-1, :-1] = -_variogram(cdist(xy, xy), *variogram)
    np.fill_diagonal(matrix, 0.0)
    inverse = np.asarray(pinv(matrix), np.float64)
    return Kriging(xy, z, centre, middle, unit, *variogram, (inverse + inverse.T) / 2)


def _fitted(xy: Float, z: Float) -> tuple[float, float, float]:
    """Partial sill, range and nugget of the variogram."""
    try:
        from pykrige.ok import OrdinaryKriging
    except ImportError as error:
        raise ExtraMissingError(
            "pykrige", "kriging needs it", 'pip install "twin[live]", or --method idw'
        ) from error
    model = OrdinaryKriging(
        *xy.T, z, variogram_model="exponential", nlags=max(3, min(6, len(z) // 2)), weight=True
    )
    sill, range_m, nugget = (float(v) for v in model.variogram_model_parameters)
    return sill, range_m, nugget


def _variogram(distance: Float, sill: float, range_m: float, nugget: float) -> Float:
    return nugget + sill * (1.0 - np.exp(-3.0 / range_m * distance))
