"""The files around a Shapefile: which must be there, and in which encoding the attribute table is."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import InputError
from twin.sources.text import codec_name, guess_encoding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.notices import Notices

_MAX_SAMPLES = 50_000
_MAX_SAMPLED_BYTES = 2**26
_END_OF_FIELDS = 0x0D
# Language driver ids of dBASE for the code pages that occur in old Shapefiles.
_LANGUAGE_DRIVERS = {
    0x03: "cp1252",
    0x57: "cp1252",
    0x13: "cp932",
    0x7B: "cp932",
    0x4D: "cp936",
    0x7A: "cp936",
    0x4E: "cp949",
    0x79: "cp949",
    0x4F: "cp950",
    0x78: "cp950",
    0xC8: "cp1250",
    0xC9: "cp1251",
}


@dataclass(frozen=True, slots=True)
class _Table:
    """A dBASE table: the rows as bytes, and where each field lies in a row."""

    rows: NDArray[np.uint8]
    names: tuple[bytes, ...]
    kinds: tuple[str, ...]
    offsets: tuple[int, ...]
    widths: tuple[int, ...]
    language_driver: int

    def cell(self, row: int, field: int) -> bytes:
        first = self.offsets[field]
        return self.rows[row, first : first + self.widths[field]].tobytes()


def check_parts(path: Path, notices: Notices) -> None:
    """Refuse a Shapefile without its index; tell where the attributes are missing.

    Raises
    ------
    InputError
        If the ``.shx`` is missing or empty, or the ``.shp`` shorter than its header says.
    """
    with path.open("rb") as handle:
        head = handle.read(100)
    promised = 2 * struct.unpack_from(">I", head, 24)[0] if len(head) == 100 else 100
    there = path.stat().st_size
    if there < promised:
        raise InputError(
            path,
            f"is truncated: its header promises {promised} bytes, the file holds {there}",
            "fetch or export it again",
        )
    missing = [suffix for suffix in (".shx", ".dbf") if sibling(path, suffix) is None]
    if ".shx" in missing:
        raise InputError(
            path, f"lacks its {' and '.join(missing)} beside it", "copy all files of the Shapefile together"
        )
    if missing:
        notices.add(
            "no-attributes", f"{path}: no .dbf beside it, so there are no attributes", subject=str(path)
        )


def sibling(path: Path, suffix: str) -> Path | None:
    """The file of the same name with another suffix, whatever the case of its letters."""
    for candidate in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if candidate.is_file():
            return candidate
    return None


def table_encoding(path: Path, notices: Notices) -> str:
    """The encoding of a Shapefile's attributes.

    The ``.cpg`` file says it; where there is none the bytes do: UTF-8 where all of them are, CP949 where all of them
    are and read as Korean, else the code page that the table names, else CP1252.
    """
    declared = sibling(path, ".cpg")
    text = declared.read_text("utf-8-sig", errors="replace").strip() if declared is not None else ""
    if declared is not None and text:
        return codec_name(text, where=str(declared))
    dbf = sibling(path, ".dbf")
    table = _open_table(dbf) if dbf is not None else None
    if table is None:
        return "utf-8"
    samples = [s for s in _text_samples(table) if not s.isascii()]
    if not samples:
        return "utf-8"
    guessed = guess_encoding(samples)
    encoding = guessed or _LANGUAGE_DRIVERS.get(table.language_driver, "cp1252")
    if encoding != "utf-8":
        notices.add(
            "encoding-guessed",
            f"{path}: its attributes were read as {encoding.upper()}, since no .cpg names their encoding; "
            "--encoding overrides this",
            subject=str(path),
        )
    return encoding


def number_texts(path: Path, name: bytes) -> list[str] | None:
    """A numeric column as written, one text for each record of the table; None where there is no such column.

    GDAL reads numbers of more than 18 digits as floats; as text they stay exact.
    """
    dbf = sibling(path, ".dbf")
    table = _open_table(dbf) if dbf is not None else None
    if table is None or name not in table.names:
        return None
    field = table.names.index(name)
    return [table.cell(row, field).decode("latin-1").strip(" \0") for row in range(len(table.rows))]


def _open_table(dbf: Path) -> _Table | None:
    """The table, or None where its header makes no sense; GDAL then says so."""
    with dbf.open("rb") as handle:
        head = handle.read(32)
        if len(head) < 32:
            return None
        n_rows, head_bytes, row_bytes = struct.unpack_from("<IHH", head, 4)
        fields = handle.read(max(0, head_bytes - 32))
    n_rows = min(n_rows, (dbf.stat().st_size - head_bytes) // max(1, row_bytes))
    described = (fields[i : i + 32] for i in range(0, len(fields) - 31, 32))
    entries = list(takewhile(lambda entry: entry[0] != _END_OF_FIELDS, described))
    widths = tuple(_width(entry) for entry in entries)
    if n_rows < 1 or 1 + sum(widths) > row_bytes:
        return None
    rows = np.memmap(dbf, np.uint8, "r", offset=head_bytes, shape=(n_rows, row_bytes))
    return _Table(
        rows=rows,
        names=tuple(e[:11].split(b"\0")[0] for e in entries),
        kinds=tuple(chr(e[11]) for e in entries),
        offsets=tuple(int(o) for o in 1 + np.cumsum([0, *widths[:-1]])),
        widths=widths,
        language_driver=head[29],
    )


def _width(entry: bytes) -> int:
    """A text field may be wider than a byte tells; the second byte is then its high part."""
    return entry[16] + (256 * entry[17] if chr(entry[11]) == "C" else 0)


def _text_samples(table: _Table) -> Iterator[bytes]:
    yield from table.names
    first = table.rows[: 1 + _MAX_SAMPLED_BYTES // table.rows.shape[1]]
    rows = np.flatnonzero((first >= 0x80).any(axis=1))[:_MAX_SAMPLES]
    for field in (i for i, kind in enumerate(table.kinds) if kind == "C"):
        for row in rows:
            yield _whole_characters(table.cell(int(row), field))


def _whole_characters(cell: bytes) -> bytes:
    """A field without its padding, and without the half of a character that did not fit into a full one."""
    if cell.endswith((b" ", b"\0")):
        return cell.rstrip(b" \0")
    for cut in range(min(4, len(cell))):
        whole = cell[: len(cell) - cut]
        if guess_encoding([whole]) is not None:
            return whole
    return cell
