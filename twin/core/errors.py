"""Every error that a user of twin can meet: one root, a stable code and an exit code each.

A message reads ``where: what is wrong (measured values); what to do``. The list with causes and remedies
stands in ``docs/errors.md``; a test keeps the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

EXIT_OK = 0
EXIT_INVALID_BUILDINGS = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_LIMIT = 4
EXIT_STORAGE = 5
EXIT_BUSY = 6
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class TwinError(Exception):
    """Something that the user can act on.

    Parameters
    ----------
    where : path or str
        The file, option or object that is meant.
    what : str
        What is wrong, with the measured values.
    remedy : str
        What to do about it.

    Examples
    --------
    >>> print(InputError("west.laz", "header promises 4000 points, file holds 3500", "fetch it again"))
    west.laz: header promises 4000 points, file holds 3500; fetch it again
    """

    code: ClassVar[str] = "twin"
    exit_code: ClassVar[int] = EXIT_BUG

    def __init__(self, where: str | Path, what: str, remedy: str = "") -> None:
        self.where, self.what, self.remedy = str(where), what, remedy
        super().__init__(f"{self.where}: {what}" + (f"; {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type[TwinError], tuple[str, str, str]]:
        """Travel between processes unharmed."""
        return type(self), (self.where, self.what, self.remedy)


class UsageError(TwinError, ValueError):
    """The command or call cannot be meant as it stands."""

    code, exit_code = "usage", EXIT_USAGE


class ConfigError(TwinError, ValueError):
    """A configuration file has a mistake; `where` is the file and the key."""

    code, exit_code = "config", EXIT_USAGE


class CrsError(TwinError, ValueError):
    """A coordinate reference system is missing, unknown or does not fit."""

    code, exit_code = "crs", EXIT_USAGE


class ExtraMissingError(TwinError, ImportError):
    """An optional package is needed; the remedy is the command that installs it."""

    code, exit_code = "extra", EXIT_USAGE


class GraphicsError(TwinError, RuntimeError):
    """Drawing does not work on this machine; the remedy names the libraries."""

    code, exit_code = "graphics", EXIT_USAGE


class InputError(TwinError, ValueError):
    """An input file is damaged, of the wrong kind, or does not hold what it must."""

    code, exit_code = "input", EXIT_INPUT


class InputNotFoundError(TwinError, FileNotFoundError):
    """A named input does not exist."""

    code, exit_code = "not-found", EXIT_INPUT


class UnsafeInputError(TwinError, ValueError):
    """A file tries to reach outside itself: another file, an address, code."""

    code, exit_code = "unsafe", EXIT_INPUT


class OverlapError(TwinError, ValueError):
    """Two inputs that must cover the same ground do not."""

    code, exit_code = "overlap", EXIT_INPUT


class TileError(TwinError, RuntimeError):
    """A tile was given up after repeated failures; the others were finished."""

    code, exit_code = "tile", EXIT_INPUT


class LimitError(TwinError, MemoryError):
    """Refused before memory was taken: the input asks for more than the limit allows."""

    code, exit_code = "limit", EXIT_LIMIT


class StorageError(TwinError, OSError):
    """Writing, or reading back what was written, failed."""

    code, exit_code = "storage", EXIT_STORAGE


class OutputExistsError(TwinError, FileExistsError):
    """The output is there already and was kept."""

    code, exit_code = "exists", EXIT_STORAGE


class BusyError(TwinError, OSError):
    """Another process is writing this city."""

    code, exit_code = "busy", EXIT_BUSY
