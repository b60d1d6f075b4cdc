"""A second opinion on solids: the user's own val3dity program, run on the files and read through its JSON report.

val3dity (Ledoux 2018) is a program of its own, not a library of ours. It is called as its documentation says
(``val3dity --report REPORT FILE``), and of its report, the form of versions 2.4 and 2.5, these members are read:
``val3dity_version``, ``dataset_errors`` and ``features`` with ``id``, ``validity`` and ``errors`` with ``code``.

References
----------
Ledoux (2018), val3dity: validation of 3D GIS primitives according to the international standards, Open Geospatial Data,
Software and Standards 3:1. https://val3dity.readthedocs.io
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OPTION = "--val3dity"
_REMEDY = "name the val3dity program, version 2.4 or later (val3dity --version tells)"
_TOLD_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Opinion:
    """What val3dity says of some files.

    Parameters
    ----------
    version : str
        Of the program.
    codes : mapping
        Id of each building that it looked at to the codes that it found, rising; empty where it is valid.
    file_codes : tuple of int
        Defects of files as such (901 and up).
    """

    version: str
    codes: Mapping[str, tuple[int, ...]]
    file_codes: tuple[int, ...] = ()


def ask_val3dity(program: str, files: Sequence[Path]) -> Opinion:
    """Run val3dity on CityJSON or CityJSONSeq files.

    Parameters
    ----------
    program : str
        Its path, or its name on the search path.
    files : sequence of Path
        One run for each.

    Raises
    ------
    UsageError
        If there is no such program, it cannot be run, fails, or does not write a report of val3dity.
    """
    found = shutil.which(program)
    if found is None:
        raise UsageError(OPTION, f"{program} is no program that can be run", _REMEDY)
    opinions = [_ask(str(Path(found).resolve()), file) for file in files]
    return Opinion(
        version=next((o.version for o in opinions), ""),
        codes={id_: codes for o in opinions for id_, codes in o.codes.items()},
        file_codes=tuple(sorted({code for o in opinions for code in o.file_codes})),
    )


def _ask(program: str, file: Path) -> Opinion:
    with tempfile.TemporaryDirectory() as folder:  # it also leaves its log where it runs
        report = Path(folder) / "report.json"
        try:
            done = subprocess.run(  # the program that the user named, no shell
                [program, "--report", str(report), str(file.resolve())],
                cwd=folder,
                capture_output=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            raise UsageError(OPTION, f"{program} cannot be run ({error})", _REMEDY) from error
        if not report.exists():
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()[-_TOLD_LENGTH:]
            what = f"{program} ended with {done.returncode} and wrote no report on {file} ({said})"
            raise UsageError(OPTION, what, _REMEDY)
        return _read(report.read_bytes(), program)


def _read(report: bytes, program: str) -> Opinion:
    try:
        told: Any = json.loads(report)
        features = told["features"] or []
        codes = {str(f["id"]): _codes(f) for f in features}
        dataset = {int(_code(e)) for e in told.get("dataset_errors", [])}
        return Opinion(str(told.get("val3dity_version", "")), codes, tuple(sorted(dataset)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"what {program} wrote is no report of val3dity ({type(error).__name__}: {error})"
        raise UsageError(OPTION, what, _REMEDY) from error


def _codes(feature: Any) -> tuple[int, ...]:
    """Codes of a feature; those of its primitives, where an older version lists them apart."""
    errors = [*feature.get("errors", [])]
    for primitive in feature.get("primitives", []):
        errors += primitive.get("errors", [])
    return tuple(sorted({int(_code(e)) for e in errors}))


def _code(error: Any) -> Any:
    return error["code"] if isinstance(error, dict) else error


def compare_opinions(ours: Iterable[tuple[str, Sequence[int]]], theirs: Opinion) -> dict[str, Any]:
    """Both answers beside each other.

    Parameters
    ----------
    ours : iterable of (id, codes)
        Buildings that we found invalid; an id may come several times.
    theirs : Opinion
        Of the same files.

    Returns
    -------
    dict
        ``version``, ``buildings`` that val3dity looked at, ``invalid`` (id and its codes), ``file_codes``, and
        ``differs``: buildings that one of the two calls valid and the other not, with the codes of each.

    Examples
    --------
    >>> told = compare_opinions([("a", [203])], Opinion("2.5.0", {"a": (), "b": ()}))
    >>> told["differs"]
    [{'id': 'a', 'twin': [203], 'val3dity': []}]
    """
    mine: dict[str, set[int]] = {}
    for id_, codes in ours:
        mine.setdefault(id_, set()).update(codes)
    bad = {id_: codes for id_, codes in theirs.codes.items() if codes}
    apart = [id_ for id_ in theirs.codes if (id_ in mine) != (id_ in bad)]
    return {
        "version": theirs.version,
        "buildings": len(theirs.codes),
        "invalid": [{"id": id_, "codes": list(codes)} for id_, codes in bad.items()],
        "file_codes": list(theirs.file_codes),
        "differs": [
            {"id": id_, "twin": sorted(mine.get(id_, ())), "val3dity": list(theirs.codes[id_])}
            for id_ in apart
        ],
    }
