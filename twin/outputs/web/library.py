"""The web 3D library that the page carries: three.js, as the trimesh package ships it for its own page.

trimesh is needed for other work anyway, so nothing has to be fetched when twin is built, installed or used.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from importlib import resources

from twin.core.errors import ExtraMissingError

_ARCHIVE = ("templates", "viewer.zip")
_TEMPLATE = "viewer.html.template"
_LICENCE = re.compile(r"/\*\*\s+\* @license.*?\*/", re.DOTALL)
_BODY = re.compile(r"^!function\(t,e\)\{.{300000,}?$", re.MULTILINE)
_REVISION = re.compile(r'REVISION="?(\w+)"?|__THREE__=(\w+)')
_REMEDY = 'pip install "trimesh>=4.4,<6"'


@dataclass(frozen=True, slots=True)
class Library:
    """A script that makes ``THREE`` known, with its licence above it.

    Parameters
    ----------
    script : str
        Plain text; holds no ``</script``.
    licence : str
        The comment at its top.
    """

    script: str
    licence: str


def three_js() -> Library:
    """three.js with its licence.

    Raises
    ------
    ExtraMissingError
        If the installed trimesh does not bring it.

    Examples
    --------
    >>> "MIT" in three_js().licence
    True
    """
    try:
        archive = resources.files("trimesh").joinpath("resources").joinpath(*_ARCHIVE)
        with archive.open("rb") as handle, zipfile.ZipFile(handle) as opened:
            text = opened.read(_TEMPLATE).decode("utf-8")
    except (OSError, ModuleNotFoundError, KeyError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise ExtraMissingError("trimesh", f"brings no three.js ({error})", _REMEDY) from error
    licence, body = _LICENCE.search(text), _BODY.search(text)
    if licence is None or body is None or "WebGLRenderer" not in body[0] or "</script" in body[0].lower():
        raise ExtraMissingError("trimesh", "brings no three.js that is known here", _REMEDY)
    return Library(f"{licence[0]}\n{body[0]}", licence[0])
