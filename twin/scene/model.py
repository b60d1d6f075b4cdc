"""What a scene is made of, as plain arrays in map coordinates; a city, a demo or a test fills it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.grid import Bounds
    from twin.scene.pack import ValueClasses

LabelKind = Literal["place", "street", "water", "building", "layer"]


class TreeKind(IntEnum):
    """Form in which a tree is drawn."""

    BROADLEAF = 0
    CONIFER = 1
    SHRUB = 2


@dataclass(frozen=True, slots=True)
class FacetMesh:
    """Plane faces of many objects, cut into triangles; corners may be shared or not.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Metres, float64, map coordinates.
    triangles : array, shape (m, 3)
        Vertex indices, int32, counter-clockwise from outside.
    face : array, shape (m,)
        Plane face that each triangle belongs to, int32 from 0; triangles of a face stand together.
    surface : array, shape (n_faces,)
        `twin.core.mesh.Surface` of each face, uint8.
    owner : array, shape (n_faces,)
        Index of the object, int32.
    edges : array, shape (k, 2)
        Vertex indices of the lines to draw, int32: eaves, ridges, corners.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    face: NDArray[np.int32]
    surface: NDArray[np.uint8]
    owner: NDArray[np.int32]
    edges: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3:
            raise ValueError(f"vertices must have shape (n, 3), have {self.vertices.shape}")
        if len(self.face) != len(self.triangles) or len(self.surface) != len(self.owner):
            raise ValueError("one face per triangle, and one surface kind and owner per face")
        if len(self.face) and int(self.face.max()) >= len(self.surface):
            raise ValueError("a triangle refers to a face that is not there")
        if len(self.face) and bool(np.any(np.diff(self.face) < 0)):
            raise ValueError("triangles must be ordered by face")

    @classmethod
    def empty(cls) -> FacetMesh:
        """A mesh without faces."""
        none = np.empty(0, np.int32)
        pairs = np.empty((0, 2), np.int32)
        return cls(
            np.empty((0, 3)), np.empty((0, 3), np.int32), none, np.empty(0, np.uint8), none.copy(), pairs
        )

    @property
    def n_faces(self) -> int:
        """Number of plane faces."""
        return len(self.surface)


@dataclass(frozen=True, slots=True)
class Terrain:
    """The ground as a mesh with a kind of cover for each triangle; buildings may be cut out of it.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Metres, float64, map coordinates.
    triangles : array, shape (m, 3)
        Counter-clockwise from above, int32.
    cover : array, shape (m,)
        `twin.reconstruct.cover.Cover` of each triangle, uint8; the block's cut faces (`SKIRT`) belong to it.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    cover: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if len(self.cover) != len(self.triangles):
            raise ValueError("one kind of cover per triangle")


@dataclass(frozen=True, slots=True)
class Trees:
    """Single trees.

    Parameters
    ----------
    foot : array, shape (n, 3)
        Where the trunk meets the ground, metres, map coordinates.
    height_m, radius_m : array, shape (n,)
        Height above the foot and radius of the crown, metres.
    kind : array, shape (n,)
        `TreeKind`, uint8.
    """

    foot: NDArray[np.float64]
    height_m: NDArray[np.float64]
    radius_m: NDArray[np.float64]
    kind: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if not len(self.foot) == len(self.height_m) == len(self.radius_m) == len(self.kind):
            raise ValueError("one foot, height, radius and kind per tree")


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place.

    Parameters
    ----------
    text : str
        Any script.
    position : tuple of float
        Easting, northing, elevation, metres, map coordinates.
    kind : str
        Decides size, colour and which label gives way where two meet.
    """

    text: str
    position: tuple[float, float, float]
    kind: LabelKind = "place"


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster draped over the terrain: an orthophoto, or areas of a layer drawn in colour.

    Parameters
    ----------
    rgba : array, shape (ny, nx, 4)
        uint8, row 0 in the north; alpha 0 lets the ground show.
    bounds : Bounds
        Outer edges, metres.
    """

    rgba: NDArray[np.uint8]
    bounds: Bounds

    def __post_init__(self) -> None:
        if self.rgba.ndim != 3 or self.rgba.shape[2] != 4 or self.rgba.dtype != np.uint8:
            raise ValueError(f"a picture is uint8 (ny, nx, 4), is {self.rgba.dtype} {self.rgba.shape}")


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines in space, already lifted to where they shall be seen.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Metres, map coordinates.
    starts : array, shape (k + 1,)
        Line ``i`` runs through ``vertices[starts[i]:starts[i + 1]]``.
    """

    vertices: NDArray[np.float64]
    starts: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class ColouredMesh:
    """A 3D model that a user added: triangles with a colour of their own.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Metres, map coordinates.
    triangles : array, shape (m, 3)
        int32.
    rgb : array, shape (m, 3)
        uint8.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    rgb: NDArray[np.uint8]

    @property
    def main_colour(self) -> tuple[int, int, int] | None:
        """The colour that most of its area has, by which a legend names it; None without triangles."""
        if not len(self.triangles):
            return None
        a, b, c = (self.vertices[self.triangles[:, i]] for i in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        colours, which = np.unique(self.rgb, axis=0, return_inverse=True)
        red, green, blue = colours[np.argmax(np.bincount(which.ravel(), area))].tolist()
        return red, green, blue


@dataclass(frozen=True, slots=True)
class Overlay:
    """A layer that a user added, in whatever forms it shows itself.

    Parameters
    ----------
    name : str
        As in the legend, and as `--layer` asks for it.
    colour : tuple of int, optional
        RGB; None stands for that of the mesh, or lets the style choose one that differs from its neighbours'.
    areas : tuple
        Polygons as (outer ring, hole, ...), each ring an array of shape (n, 2), metres.
    lines : Lines, optional
    points : array, optional
        Shape (n, 3), metres.
    picture : Picture, optional
    mesh : ColouredMesh, optional
    classes : ValueClasses, optional
        What the colours of the picture mean, where they tell values.
    place : int, optional
        Which of the style's colours it takes, whatever other layers are shown; None for that of its turn.
    """

    name: str
    colour: tuple[int, int, int] | None = None
    areas: tuple[tuple[NDArray[np.float64], ...], ...] = ()
    lines: Lines | None = None
    points: NDArray[np.float64] | None = None
    picture: Picture | None = None
    mesh: ColouredMesh | None = None
    classes: ValueClasses | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class AttributeTable:
    """Where the attributes of buildings lie; a column is read only when a picture asks for it.

    Parameters
    ----------
    path : Path
        A Parquet file.
    id_column : str
        Column that holds the ids.
    units : mapping
        Column to unit, as far as known.
    """

    path: Path
    id_column: str = "id"
    units: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SceneContent:
    """All that a picture of a city can show.

    Parameters
    ----------
    name : str
        Title of the city.
    crs : str
        CRS of every coordinate, such as ``EPSG:7415``.
    origin : tuple of int
        Local origin, whole metres; subtracted before coordinates become float32.
    buildings : FacetMesh
        `owner` indexes `building_ids`.
    building_ids : tuple of str
    terrain : Terrain, optional
    bridges, context : FacetMesh
        Bridge decks; and masses of buildings that no footprint tells of, drawn paler.
    trees : Trees, optional
    overlays : tuple of Overlay
    labels : tuple of Label
    attributes : tuple of AttributeTable
        The buildings' own table first, then those joined to it.
    attribution : tuple of str
        Whom the data come from, as their licences ask.
    unbuilt : Lines, optional
        Outlines on the ground of buildings that have no shape.
    light_folder : Path, optional
        Where its light may be kept: that of a plan takes as long to cast as that of the city.
    street_views : tuple, optional
        Views from a street that are known, as `PackMeta` keeps them; looked for if not given.
    """

    name: str
    crs: str
    origin: tuple[int, int, int]
    buildings: FacetMesh
    building_ids: tuple[str, ...]
    terrain: Terrain | None = None
    bridges: FacetMesh = field(default_factory=FacetMesh.empty)
    context: FacetMesh = field(default_factory=FacetMesh.empty)
    trees: Trees | None = None
    overlays: tuple[Overlay, ...] = ()
    labels: tuple[Label, ...] = ()
    attributes: tuple[AttributeTable, ...] = ()
    attribution: tuple[str, ...] = ()
    unbuilt: Lines | None = None
    light_folder: Path | None = None
    street_views: tuple[tuple[float, float, float, float], ...] | None = None

    def __post_init__(self) -> None:
        if len(self.buildings.owner) and int(self.buildings.owner.max()) >= len(self.building_ids):
            raise ValueError("a face belongs to a building without an id")
