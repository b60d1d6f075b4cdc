"""One layer of a file in the notation of QGIS and OGR: ``town.gpkg|layername=streets``."""

from __future__ import annotations

import re
from pathlib import Path

from twin.core.errors import UsageError

MARK = "|layername="
# What QGIS writes behind the name; none of it is applied, and leaving a filter out would be wrong in silence.
_MORE = re.compile(r"\|(geometrytype|uniquegeometrytype|subset|layerid|option:\w+)=", re.IGNORECASE)


def split_layer(path: str | Path) -> tuple[Path, str | None]:
    r"""The file and the layer that a path names; no layer where it names none.

    A file that is really called so is taken as it is.

    Parameters
    ----------
    path : path
        ``FILE`` or ``FILE|layername=NAME``.

    Raises
    ------
    UsageError
        If the layer's name is empty, or more follows than a name.

    Examples
    --------
    >>> file, layer = split_layer("maps/town.gpkg|layername=main streets")
    >>> file.as_posix(), layer
    ('maps/town.gpkg', 'main streets')
    >>> split_layer("C:/maps/town.gpkg")[1] is None
    True
    """
    file, mark, layer = str(path).partition(MARK)
    if not mark or Path(path).exists():
        return Path(path), None
    if not layer or _MORE.search(layer):
        raise UsageError(
            path,
            "only the name of a layer may follow |layername=",
            f'write "{file}{MARK}{_MORE.split(layer)[0] or "NAME"}"',
        )
    return Path(file), layer


def with_layer(path: str | Path, layer: str) -> str:
    """The path in quotes as it is written for one layer of the file, which every shell takes as it is.

    Examples
    --------
    >>> print(with_layer("town.gpkg", "streets"))
    "town.gpkg|layername=streets"
    """
    return f'"{path}{MARK}{layer}"'
