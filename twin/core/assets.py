"""Data that the package ships: in a checkout beside the package, in a wheel inside it."""

from __future__ import annotations

from pathlib import Path

from twin.core.errors import InputNotFoundError

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE / "_assets", _PACKAGE.parent / "assets")


def asset_path(name: str) -> Path:
    """Where a shipped file lies.

    Parameters
    ----------
    name : str
        Path below ``assets/`` with forward slashes, such as ``styles/light.toml``.

    Raises
    ------
    InputNotFoundError
        If the package ships no such file; names those beside it.

    Examples
    --------
    >>> asset_path("styles/light.toml").name
    'light.toml'
    """
    for place in _PLACES:
        path = place / name
        if path.is_file():
            return path
    known = ", ".join(asset_names(name.rpartition("/")[0]))
    raise InputNotFoundError(name, "twin ships no such file", f"choose one of {known}" if known else "")


def asset_names(folder: str) -> tuple[str, ...]:
    """Names of the shipped files in a folder below ``assets/``, sorted.

    Examples
    --------
    >>> "light.toml" in asset_names("styles")
    True
    """
    for place in _PLACES:
        if (place / folder).is_dir():
            return tuple(sorted(p.name for p in (place / folder).iterdir() if p.is_file()))
    return ()
