"""``twin view``."""

from __future__ import annotations

from pathlib import Path

import click

EXAMPLES = """\b
Examples:
  twin view town.twin
  twin view town.twin --workspace plan.workspace.json
  twin view --language fi
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", required=False, type=click.Path(path_type=Path))
@click.option("--workspace", type=click.Path(path_type=Path), help="Go on from this workspace file.")
@click.option("--language", help="en, ko or fi; as last time, or the system's, if not given.")
def command(city: Path | None, workspace: Path | None, language: str | None) -> int:
    """Open the desktop window on CITY, or on its start page: look around, ask, measure, plan."""
    from twin.viewer.launch import view

    return view(city, workspace=workspace, language=language)
