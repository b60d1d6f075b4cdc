"""What every verb shares: progress on standard error, notices at the end, results on standard output."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from twin.core.pixels import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.core.notices import Notices
    from twin.core.progress import Progress


json_option = click.option("--json", "as_json", is_flag=True, help="Answer for machines on standard output.")
__all__ = [
    "force_option",
    "json_option",
    "parse_size",
    "progress",
    "tell",
    "tell_json",
    "tell_notices",
]

force_option = click.option("--force", is_flag=True, help="Replace an output that exists.")


def tell(text: str) -> None:
    """One line of result on standard output."""
    click.echo(text)


def tell_json(value: Any) -> None:
    """A result for machines, and nothing else on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))


def tell_notices(notices: Notices) -> None:
    """What was noticed, once for each cause, on standard error."""
    for line in notices.lines():
        click.echo(f"note: {line}", err=True)


class _Lines:
    """Progress where no terminal is: one line a stage."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    def stage(self, name: str, total: int) -> None:
        click.echo(f"[{time.monotonic() - self.started:6.1f} s] {name}", err=True)

    def advance(self, steps: int = 1) -> None:
        """Nothing to draw."""


class _Bars:
    """Progress in a terminal: a bar for the present stage."""

    def __init__(self, bars: Any) -> None:
        self.bars = bars
        self.task: Any = None

    def stage(self, name: str, total: int) -> None:
        if self.task is not None:
            self.bars.update(self.task, completed=self.bars.tasks[self.task].total)
        self.task = self.bars.add_task(name, total=max(1, total))

    def advance(self, steps: int = 1) -> None:
        if self.task is not None:
            self.bars.advance(self.task, steps)


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """A listener that draws on standard error while the block runs."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=Console(stderr=True)) as bars:
        yield _Bars(bars)
