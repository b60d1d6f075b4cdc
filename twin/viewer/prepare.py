"""Fill the cache of a city in a process of its own; the window runs ``python -m twin.viewer.prepare``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from twin.core.errors import StorageError, TwinError


def main(arguments: list[str]) -> int:
    """Make the pack of a city, or cast light on one; the exit code."""
    given = _parser().parse_args(arguments)
    if hasattr(os, "nice"):
        os.nice(5)  # the window goes first
    try:
        (_make_pack if given.what == "pack" else _cast_light)(given)
    except TwinError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twin.viewer.prepare")
    verbs = parser.add_subparsers(dest="what", required=True)
    pack = verbs.add_parser("pack")
    pack.add_argument("city")
    pack.add_argument("--lod")
    pack.add_argument("--layers", nargs="*", default=[])
    light = verbs.add_parser("light")
    light.add_argument("pack", type=Path)
    light.add_argument("--folder", type=Path, required=True)
    light.add_argument("--azimuth", type=float, required=True)
    light.add_argument("--elevation", type=float, required=True)
    return parser


def _make_pack(given: argparse.Namespace) -> None:
    from twin.city.model import open_city
    from twin.scene.scene import Scene

    Scene(open_city(given.city), given.layers, lod=given.lod)


def _cast_light(given: argparse.Namespace) -> None:
    from twin.energy.sun import Sun
    from twin.scene.bake import light_for
    from twin.scene.pack import load_pack

    pack = load_pack(given.pack)
    if pack is None:
        raise StorageError(given.pack, "is not there any more, or damaged", "open the city again")
    light_for(pack, Sun(given.azimuth, given.elevation), given.folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
