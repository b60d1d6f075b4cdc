"""Marks of finished tiles: what a tile gave, and the digests of its files, so that only whole ones are taken again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from twin.core.files import canonical_json, sha256, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write_mark(mark: Path, data: dict[str, Any], files: Iterable[Path]) -> None:
    """Mark a tile as finished; its files lie beside the mark and were handed to the disk before."""
    digests = {path.name: sha256(path) for path in files}
    write_text(mark, canonical_json({"data": data, "files": digests}))


def read_mark(mark: Path) -> dict[str, Any] | None:
    """What a finished tile gave; None where it was not finished, or a file of it is not as it was written."""
    try:
        text = json.loads(mark.read_text(encoding="utf-8"))
        data, files = text["data"], dict(text["files"])
        whole = all(sha256(mark.with_name(name)) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return data if whole and isinstance(data, dict) else None
