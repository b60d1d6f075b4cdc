"""What the verbs of floods say of roads and buildings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import tell

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.water.flood import Flood


def exposure_options(verb: Any) -> Any:
    """What every verb that makes a flood is told about roads and buildings."""
    for option in (
        click.option("--hazard", help="Classes of danger: aidr-2017, fd2320-2008, or a .toml file."),
        click.option(
            "--standard", help="When roads close: korea-2024, small-car-2011, ..., or a .toml file."
        ),
        click.option(
            "--no-exposure", is_flag=True, help="Leave out what the flood does to roads and buildings."
        ),
    ):
        verb = option(verb)
    return verb


def check_standards(given: dict[str, Any]) -> None:
    """Refuse a standard that is not there before any work is done.

    Raises
    ------
    TwinError
        One of its leaves, naming those there are.
    """
    from twin.water.standards import hazard_standard, road_standard

    if given.get("standard") is not None:
        road_standard(given["standard"])
    if given.get("hazard") is not None:
        hazard_standard(given["hazard"])


def finish(city: City, flood: Flood, given: dict[str, Any], notices: Notices) -> dict[str, Any]:
    """Put beside a stored flood what it does to roads and buildings; the figures to tell, by table."""
    if given["no_exposure"]:
        return {}
    from twin.core.notices import Notices
    from twin.water.exposure import expose

    said = Notices()
    chosen = {k: given[k] for k in ("standard", "hazard") if given[k] is not None}
    figures = exposure_figures(expose(city, flood, notices=said, **chosen), flood.name)
    notices.items += [n for n in said.items if n.cause != "no-roads"]  # nobody asked for them
    return figures


def exposure_figures(city: City, name: str) -> dict[str, Any]:
    """Roads by their worst state, and wet buildings, as the tables of a flood tell them."""
    from twin.city.tables import read_columns

    folder, figures = f"water/{name}", {}
    files = {f.path for f in city.manifest.layers[name].files}
    if f"{folder}/roads.parquet" in files:
        states = read_columns(city.path, f"{folder}/roads.parquet", ("state",))["state"].astype(str)
        figures["roads"] = {str(k): int(n) for k, n in states.value_counts().sort_index().items()}
    if f"{folder}/buildings.parquet" in files:
        storeys = read_columns(city.path, f"{folder}/buildings.parquet", ("wet_storeys",))["wet_storeys"]
        wet = int((storeys.fillna(0) > 0).sum())
        figures["buildings"] = {"wet": wet, "all": len(storeys)}
    return figures


def tell_exposure(exposed: dict[str, Any]) -> None:
    """Roads by their worst state and wet buildings, for people."""
    if "roads" in exposed:
        tell(f"  roads      {', '.join(f'{n} {state}' for state, n in exposed['roads'].items())}")
    if "buildings" in exposed:
        tell(f"  buildings  {exposed['buildings']['wet']} of {exposed['buildings']['all']} wet")
