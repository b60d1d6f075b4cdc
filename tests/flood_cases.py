"""Floods whose answer is known in closed form: dam breaks, bowls, bumps, channels, films.

Profiles run along x with the values at cell centres; each case says how to ask `twin.water.solve` for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

G = 9.81


@dataclass(frozen=True)
class Channel:
    """A flow along x, its known depth and discharge, and the arguments that lead to it."""

    x: NDArray[Any]
    z: NDArray[Any]
    h: NDArray[Any]
    q: float
    arguments: dict[str, Any] = field(default_factory=dict)

    def ask(self, **more: Any) -> dict[str, Any]:
        return {"z": self.z[None, :], "cell_size_m": float(self.x[1] - self.x[0]), **self.arguments, **more}


def centres(n: int, length: float) -> NDArray[Any]:
    return (np.arange(n) + 0.5) * length / n


def ritter(x: NDArray[Any], t: float, *, h_left: float, x_dam: float) -> NDArray[Any]:
    """Depth after a dam break onto a dry bed (Ritter 1892)."""
    c, s = np.sqrt(G * h_left), (x - x_dam) / t
    fan = (2 * c - s) ** 2 / (9 * G)
    return np.where(s <= -c, h_left, np.where(s >= 2 * c, 0.0, fan))


def stoker(x: NDArray[Any], t: float, *, h_left: float, h_right: float, x_dam: float) -> NDArray[Any]:
    """Depth after a dam break onto a wet bed (Stoker 1957)."""
    from scipy.optimize import brentq

    c_left, c_right = np.sqrt(G * h_left), np.sqrt(G * h_right)

    def mismatch(c: float) -> float:
        h = c * c / G
        behind = (h - h_right) * np.sqrt(G * (h + h_right) / (2 * h * h_right))
        return float(behind - 2 * (c_left - c))

    c = brentq(mismatch, c_right, c_left, xtol=1e-14)
    u, h = 2 * (c_left - c), c * c / G
    front = h * u / (h - h_right)
    s = (x - x_dam) / t
    fan = (2 * c_left - s) ** 2 / (9 * G)
    return np.select([s <= -c_left, s <= u - c, s <= front], [np.full_like(x, h_left), fan, h], h_right)


def dam_break(n: int, *, h_right: float) -> Channel:
    """A dam in the middle of 10 m that holds 5 mm, 6 s after it broke."""
    x = centres(n, 10.0)
    wet = h_right > 0
    h = (
        stoker(x, 6.0, h_left=0.005, h_right=h_right, x_dam=5.0)
        if wet
        else ritter(x, 6.0, h_left=0.005, x_dam=5.0)
    )
    start = np.where(x < 5.0, 0.005, h_right)[None, :]
    return Channel(x, np.zeros(n), h, 0.0, {"h0": start, "n": 0.0, "duration_s": 6.0})


BUMPS = {"subcritical": (4.42, 2.0), "transcritical": (1.53, 0.66), "shock": (0.18, 0.33)}


def bump(kind: str, n: int = 250) -> Channel:
    """Steady flow over a bump of 20 cm in 25 m (Goutal & Maurel 1997; Delestre et al. 2013)."""
    q, h_out = BUMPS[kind]
    x = centres(n, 25.0)
    z = np.maximum(0.0, 0.2 - 0.05 * (x - 10.0) ** 2)
    critical = (q * q / G) ** (1 / 3)
    if kind == "subcritical":
        h = _by_energy(z, q, h_out + q * q / (2 * G * h_out**2), deep=np.ones(n, bool))
    else:
        energy = 0.2 + 1.5 * critical
        h = _by_energy(z, q, energy, deep=x < 10.0)
        if kind == "shock":
            below = _by_energy(z, q, h_out + q * q / (2 * G * h_out**2), deep=np.ones(n, bool))
            jump = q * q / h + G * h * h / 2 - (q * q / below + G * below**2 / 2)
            after = (x > 10.0) & (np.cumsum((x > 10.0) & (jump <= 0)) > 0)
            h = np.where(after, below, h)
    east: Any = "open" if kind == "transcritical" else h_out
    start = np.maximum(h_out - z, 0.05)[None, :]
    dx = 25.0 / n
    ask = {
        "n": 0.0,
        "h0": start,
        "sources": [(0, 0, q * dx)],
        "boundary": {"east": east},
        "duration_s": 400.0 if kind == "shock" else 150.0,  # the jump comes to rest last
    }
    return Channel(x, z, h, q, ask)


def _by_energy(z: NDArray[Any], q: float, energy: float, *, deep: NDArray[Any]) -> NDArray[Any]:
    """Depth of frictionless flow with given energy head: the subcritical root where `deep`, else the other."""
    critical = (q * q / G) ** (1 / 3)
    low = np.where(deep, critical, 1e-9)
    high = np.where(deep, np.maximum(energy - z, critical), critical)
    for _ in range(80):
        middle = (low + high) / 2
        head = middle + q * q / (2 * G * middle**2) + z
        up = np.where(deep, head < energy, head > energy)
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return (low + high) / 2


def macdonald(kind: str, n: int = 500, *, rain_m_s: float = 0.0) -> Channel:
    """A bed made for a wanted depth in 1000 m, Manning friction (MacDonald 1996; Delestre et al. 2013)."""
    long = 1000.0
    q0, roughness, width = {"subcritical": (2.0, 0.033, 16.0), "supercritical": (2.5, 0.04, 36.0)}[kind]
    if rain_m_s:
        q0 = 1.0 if kind == "subcritical" else 2.5

    def depth(x: NDArray[Any]) -> NDArray[Any]:
        if kind == "subcritical":
            return (4 / G) ** (1 / 3) * (1 + 0.5 * np.exp(-width * (x / long - 0.5) ** 2))
        return (4 / G) ** (1 / 3) * (1 - 0.2 * np.exp(-width * (x / long - 0.5) ** 2))

    fine = np.linspace(0, long, 200_001)
    h, q = depth(fine), q0 + rain_m_s * fine
    slope = (q**2 / (G * h**3) - 1) * np.gradient(h, fine) - roughness**2 * q**2 / h ** (10 / 3)
    slope -= 2 * q * rain_m_s / (G * h**2)
    step = (slope[1:] + slope[:-1]) / 2 * (fine[1] - fine[0])
    bed = np.concatenate([[0.0], np.cumsum(step)])
    x = centres(n, long)
    z = np.interp(x, fine, bed - bed[-1])
    dx = long / n
    east: Any = float(depth(np.array([long]))[0]) if kind == "subcritical" else "open"
    ask = {
        "n": roughness, "h0": depth(x)[None, :] * 0.5, "sources": [(0, 0, q0 * dx)], "boundary": {"east": east},
        "duration_s": 4000.0, "rain_mm_h": rain_m_s * 3.6e6 if rain_m_s else None,
    }  # fmt: skip
    return Channel(x, z, depth(x), q0, ask)


@dataclass(frozen=True)
class Bowl:
    """Water that swings in a paraboloid (Thacker 1981)."""

    z: NDArray[Any]
    cell_size_m: float
    period_s: float
    depth: Callable[[float], NDArray[Any]]

    def middle_row(self, periods: float) -> Channel:
        """The middle row of a bowl of a plane surface after some periods, asked for with the whole bowl."""
        h0 = self.depth(0.0)
        qy0 = -0.5 * 2 * np.pi / self.period_s * h0
        ask = {"z": self.z, "h0": h0, "qy0": qy0, "n": 0.0, "duration_s": periods * self.period_s}
        x = (np.arange(len(h0)) + 0.5) * self.cell_size_m
        h = self.depth(periods * self.period_s)[len(h0) // 2]
        return Channel(x, self.z[len(h0) // 2], h, 0.0, ask)


def bowl(kind: str, n: int) -> Bowl:
    """A plane surface that circles, or a round one that rises and falls, in a bowl 0.1 m deep and 2 m wide."""
    a, deep, size = 1.0, 0.1, 4.0
    x = centres(n, size) - size / 2
    r2 = x[None, :] ** 2 + x[:, None] ** 2
    z = -deep * (1 - r2 / a**2)
    if kind == "planar":
        eta0, omega = 0.5, np.sqrt(2 * G * deep) / a

        def level(t: float) -> NDArray[Any]:
            cos, sin = np.cos(omega * t), np.sin(omega * t)
            return eta0 * deep / a**2 * (2 * x[None, :] * cos + 2 * x[:, None] * sin - eta0)
    else:
        r0, omega = 0.8, np.sqrt(8 * G * deep) / a
        big = (a**2 - r0**2) / (a**2 + r0**2)

        def level(t: float) -> NDArray[Any]:
            swing = 1 - big * np.cos(omega * t)
            return deep * (np.sqrt(1 - big**2) / swing - 1 - r2 / a**2 * ((1 - big**2) / swing**2 - 1))

    return Bowl(z, size / n, 2 * np.pi / omega, lambda t: np.maximum(0.0, level(t) - z))


def kinematic_plane(n: int, *, length: float, slope: float, roughness: float, rain_mm_h: float) -> Channel:
    """Steady film of rain on a plane that falls to the east: depth from Manning's law at every x."""
    x = centres(n, length)
    q = rain_mm_h / 3.6e6 * x
    h = (q * roughness / np.sqrt(slope)) ** 0.6
    speed = slope**0.3 / roughness**0.6 * (rain_mm_h / 3.6e6 * length) ** 0.4
    ask = {
        "n": roughness, "rain_mm_h": rain_mm_h, "boundary": {"east": "open"}, "duration_s": 3 * length / speed
    }  # fmt: skip
    return Channel(x, slope * (length - x), h, 0.0, ask)
