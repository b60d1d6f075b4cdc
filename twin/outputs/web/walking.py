"""A mesh as a walk over it: each triangle by the edge it is met through; the page walks alike (``assets/web/walk.js``).

A triangle that lies across an edge of the part that was walked over needs one of five signs: its third corner is new,
or the next corner along the rim of that part to the right or to the left, or another one, or there is no triangle.
A new corner is told by how far it lies from the middle of that edge. After compression signs take two bits a triangle,
and corners two thirds of what they take one after the other.

References
----------
Rossignac (1999), Edgebreaker: connectivity compression for triangle meshes, IEEE TVCG 5(1), 47-61. The rim is kept
more loosely here: a guess that is wrong costs a reference, and any mesh can be walked over. Of the thinned ground of
10,000 buildings middles of edges came nearer to the next corner than parallelograms, by a twentieth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.outputs.web.codec import Bundle

NEW, RIGHT, LEFT, OTHER, NOTHING = range(5)


@dataclass(frozen=True, slots=True)
class Walk:
    """A mesh in the order of the walk.

    Parameters
    ----------
    signs : array, shape (k,)
        What lies across each edge that was come to.
    back : array, shape (j,)
        Corners where a part begins, three each, and those of `OTHER`: how far below the next new number, 0 for new.
    order : array, shape (m,)
        Which of the given triangles each one of the walk is.
    points : array, shape (n,)
        Given number of each new corner.
    guess : array, shape (n, 2)
        New numbers between whose places that of each new corner is looked for; -1 for none yet.
    """

    signs: NDArray[np.uint8]
    back: NDArray[np.int64]
    order: NDArray[np.int64]
    points: NDArray[np.int64]
    guess: NDArray[np.int64]


class _Rim:
    """Edges of what was walked over, as the triangles across them have them; the last ones are gone on from first."""

    def __init__(self) -> None:
        self.edges: list[tuple[int, int, int]] = []
        self._is_open: list[bool] = []
        self._stack: list[int] = []
        self._out: dict[int, list[int]] = {}
        self._into: dict[int, list[int]] = {}

    def add(self, start: int, end: int, half: int = -1) -> None:
        """An edge, and the side of the triangle across it, which only the encoder knows."""
        number = len(self.edges)
        self.edges.append((start, end, half))
        self._is_open.append(True)
        self._stack.append(number)
        self._out.setdefault(start, []).append(number)
        self._into.setdefault(end, []).append(number)

    def pop(self) -> int:
        """The edge to go on from, closed now; -1 where there is none."""
        while self._stack:
            number = self._stack.pop()
            if self._is_open[number]:
                self._is_open[number] = False
                return number
        return -1

    def right(self, end: int) -> int:
        """Where the rim goes on to after an edge."""
        number = self._last_open(self._out.get(end))
        return self.edges[number][1] if number >= 0 else -1

    def left(self, start: int) -> int:
        """Where the rim comes from before an edge."""
        number = self._last_open(self._into.get(start))
        return self.edges[number][0] if number >= 0 else -1

    def take(self, number: int, c: int, halves: tuple[int, int] = (-1, -1)) -> None:
        """Take a triangle in that was met through an edge."""
        a, b, _ = self.edges[number]
        right, left = self._last_open(self._out.get(b)), self._last_open(self._into.get(a))
        if right >= 0 and self.edges[right][1] == c:
            self._is_open[right] = False
        else:
            self.add(c, b, halves[0])
        if left >= 0 and self.edges[left][0] == c:
            self._is_open[left] = False
        else:
            self.add(a, c, halves[1])

    def _last_open(self, numbers: list[int] | None) -> int:
        while numbers:
            if self._is_open[numbers[-1]]:
                return numbers[-1]
            numbers.pop()
        return -1


def walk(triangles: NDArray[np.int64]) -> Walk:
    """Walk over a mesh.

    Parameters
    ----------
    triangles : array, shape (m, 3)
        Over any points; neighbours run through a common edge against each other.
    """
    walker = _Walker(triangles)
    for seed in range(len(triangles)):
        if not walker.seen[seed]:
            walker.start(seed)
            walker.go_on()
    return walker.result()


class _Walker:
    def __init__(self, triangles: NDArray[np.int64]) -> None:
        self._across = _across(triangles).tolist()
        self._corner = triangles.ravel().tolist()
        self.seen = [False] * len(triangles)
        self._rim = _Rim()
        self._new: dict[int, int] = {}
        self._signs: list[int] = []
        self._back: list[int] = []
        self._order: list[int] = []
        self._guess: list[tuple[int, int]] = []

    def start(self, seed: int) -> None:
        """Begin a part with a triangle."""
        corners = []
        for k in range(3):
            last = len(self._new) - 1
            corners.append(self._refer(self._corner[3 * seed + k], (last, last)))
        self._take(seed)
        for k in range(3):
            self._rim.add(corners[(k + 1) % 3], corners[k], self._across[3 * seed + k])

    def go_on(self) -> None:
        """As far as edges lead."""
        while len(self._order) < len(self.seen):
            number = self._rim.pop()
            if number < 0:
                return
            self._cross(number)

    def result(self) -> Walk:
        return Walk(
            np.array(self._signs, np.uint8),
            np.array(self._back, np.int64),
            np.array(self._order, np.int64),
            np.fromiter(self._new, np.int64, len(self._new)),
            np.array(self._guess, np.int64).reshape(-1, 2),
        )

    def _cross(self, number: int) -> None:
        a, b, half = self._rim.edges[number]
        if half < 0 or self.seen[half // 3]:
            self._signs.append(NOTHING)
            return
        triangle, k = divmod(half, 3)
        old = self._corner[3 * triangle + (k + 2) % 3]
        c = self._new.get(old, -1)
        sign = (
            NEW if c < 0 else RIGHT if c == self._rim.right(b) else LEFT if c == self._rim.left(a) else OTHER
        )
        self._signs.append(sign)
        if sign == NEW:
            c = self._number(old, (a, b))
        elif sign == OTHER:
            c = self._refer(old, (a, b))
        self._take(triangle)
        sides = self._across[3 * triangle + (k + 1) % 3], self._across[3 * triangle + (k + 2) % 3]
        self._rim.take(number, c, sides)

    def _take(self, triangle: int) -> None:
        self.seen[triangle] = True
        self._order.append(triangle)

    def _refer(self, old: int, guess: tuple[int, int]) -> int:
        new = self._new.get(old, -1)
        self._back.append(0 if new < 0 else len(self._new) - new)
        return new if new >= 0 else self._number(old, guess)

    def _number(self, old: int, guess: tuple[int, int]) -> int:
        new = self._new[old] = len(self._new)
        self._guess.append(guess)
        return new


def _across(triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each side of each triangle, numbered 3 t + k, the side that runs against it, -1 where there is none."""
    if not len(triangles):
        return np.empty(0, np.int64)
    start, end = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    n = int(triangles.max()) + 1
    key, other = start * n + end, end * n + start
    order = np.argsort(key, kind="stable")
    at = np.minimum(np.searchsorted(key[order], other), len(key) - 1)
    found = order[at]
    return np.where(key[found] == other, found, -1)


def walked_triangles(
    signs: NDArray[Any], back: NDArray[Any], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Triangles of a walk, shape (n, 3), and the guesses as of `Walk`: what the page does."""
    rim = _Rim()
    triangles: list[tuple[int, ...]] = []
    guess: list[tuple[int, int]] = []
    told, backs = iter(signs.tolist()), iter(back.tolist())

    def named(near: tuple[int, int]) -> int:
        number = len(guess) - next(backs)
        if number == len(guess):
            guess.append(near)
        return number

    while len(triangles) < n:
        number = rim.pop()
        if number < 0:
            corners = [named((len(guess) - 1, len(guess) - 1)) for _ in range(3)]
            triangles.append(tuple(corners))
            for k in range(3):
                rim.add(corners[(k + 1) % 3], corners[k])
            continue
        a, b, _ = rim.edges[number]
        sign = next(told)
        if sign == NOTHING:
            continue
        if sign == NEW:
            c = len(guess)
            guess.append((a, b))
        else:
            c = rim.right(b) if sign == RIGHT else rim.left(a) if sign == LEFT else named((a, b))
        triangles.append((a, b, c))
        rim.take(number, c)
    return np.array(triangles, np.int64).reshape(-1, 3), np.array(guess, np.int64).reshape(-1, 2)


def add_walk(
    bundle: Bundle, places: NDArray[np.int64], triangles: NDArray[np.int64], kind: NDArray[np.int64]
) -> dict[str, Any]:
    """Take a mesh into a block; where it lies.

    Parameters
    ----------
    bundle : Bundle
    places : array, shape (n, 3)
        Whole steps, each place once.
    triangles : array, shape (m, 3)
    kind : array, shape (m,)
        A number of each triangle that neighbours often share.
    """
    found = walk(triangles)
    mine = places[found.points]
    padded = np.concatenate([mine, np.zeros((1, 3), np.int64)])
    return {
        "signs": bundle.add(found.signs, codec="plain"),
        "back": bundle.add(found.back, codec="plain"),
        "points": bundle.add(mine - (padded[found.guess].sum(axis=1) >> 1), codec="signed"),
        "kinds": bundle.add(kind[found.order]),
    }


def read_walk(
    told: Mapping[str, Any], data: bytes
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Places, triangles and their kinds from a block, in the order of the walk."""
    from twin.outputs.web.codec import read

    kinds = read(told["kinds"], data)[:, 0]
    triangles, guess = walked_triangles(
        read(told["signs"], data)[:, 0], read(told["back"], data)[:, 0], len(kinds)
    )
    places = np.concatenate([read(told["points"], data), np.zeros((1, 3), np.int64)])
    for i, (a, b) in enumerate(guess.tolist()):
        places[i] += (places[a] + places[b]) >> 1
    return places[:-1], triangles, kinds
