"""Lines of a file one by one, none longer than a message may be, whatever the file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from twin.core.limits import limits
from twin.live.rejected import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.live.arrivals import Message


def bounded_lines(path: Path) -> Iterator[tuple[int, bytes | RejectedError]]:
    """Number and bytes of each line that is not blank, counted from 1; a rejection in place of one that is too long."""
    limit = limits().max_message_bytes
    with path.open("rb") as handle:
        number = 0
        while line := handle.readline(limit + 1):
            number += 1
            if len(line) > limit and not line.endswith(b"\n"):
                n = len(line) + _skip(handle)
                yield number, RejectedError("limit", f"holds {n:,} bytes, the limit is {limit:,}")
            elif line.strip():
                yield number, line.strip()


def _skip(handle: BinaryIO) -> int:
    """Go to the next line; how many bytes that was."""
    n = 0
    while part := handle.readline(1 << 20):
        n += len(part)
        if part.endswith(b"\n"):
            break
    return n


def check_message(message: Message) -> None:
    """Refuse a message whose payload was left out when it came in, since it was larger than it may be.

    Raises
    ------
    RejectedError
        As ``limit``.
    """
    if message.left_out:
        limit = limits().max_message_bytes
        raise RejectedError("limit", f"holds {message.left_out:,} bytes, the limit is {limit:,}")
