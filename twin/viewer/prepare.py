"""Fill the cache of a city, in a process of its own; the window runs ``python -m twin.viewer.prepare CITY``."""

from __future__ import annotations

import argparse
import os
import sys

from twin.core.errors import TwinError


def main(arguments: list[str]) -> int:
    """Make the pack of a city, and its light if asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="twin.viewer.prepare")
    parser.add_argument("city")
    parser.add_argument("--time")
    parser.add_argument("--lod")
    parser.add_argument("--light", action="store_true")
    parser.add_argument("--layers", nargs="*", default=[])
    given = parser.parse_args(arguments)
    if hasattr(os, "nice"):
        os.nice(5)  # the window goes first
    from twin.city.model import open_city
    from twin.scene.scene import Scene

    try:
        scene = Scene(open_city(given.city), given.layers, time=given.time, lod=given.lod)
        if given.light:
            _ = scene.light
    except TwinError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
