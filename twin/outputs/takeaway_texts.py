"""The words of a takeaway: its index in three languages, its list of pictures, its notebook."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from twin.core.assets import asset_path

if TYPE_CHECKING:
    from collections.abc import Sequence

LANGUAGES = ("en", "ko", "fi")
README, NOTEBOOK, STILLS = "README.txt", "notebook.ipynb", "stills"
_WIDTH = 16


def readme_text(names: Sequence[str], *, city: str, attribution: str) -> str:
    """The index of a takeaway: what each file is and how to open it, in one language after the other."""
    texts = tomllib.loads(asset_path("takeaway/readme.toml").read_text(encoding="utf-8"))
    parts = []
    for code in LANGUAGES:
        heading = texts["heading"][code]
        rows = [f"{name:<{_WIDTH}}{texts[name][code]}" for name in names if name in texts]
        about = texts["about"][code].format(city=city, attribution=attribution or "-")
        rule = "=" * (len(heading) * (2 if code == "ko" else 1))  # Hangul is twice as wide
        parts.append("\n".join([heading, rule, "", *rows, "", about]))
    return "\n\n\n".join(parts) + "\n"


def shots_text(
    *, city: str, views: Sequence[str], times: Sequence[str], layers: Sequence[str], size: str = "1920x1080"
) -> str:
    """The batch of the stills, as `twin snapshot --batch` reads it again."""

    def row(values: Sequence[str]) -> str:
        return "[" + ", ".join(json.dumps(v, ensure_ascii=False) for v in values) + "]"

    lines = [
        "# Draws these pictures again: twin snapshot --batch shots.toml",
        f"city = {json.dumps(city, ensure_ascii=False)}",
        f"views = {row(views)}",
        f"times = {row(times)}",
        f"layers = {row(layers)}",
        f'sizes = ["{size}"]',
    ]
    return "\n".join(lines) + "\n"


def notebook_text(*, city: str, flood: str | None, moment: str | None) -> str:
    """A notebook on the city, without output."""
    look = f"city.plot(layers=[{flood!r}], time={moment!r})" if flood else 'city.plot("street")'
    cells = [
        _cell("markdown", "# The city in a notebook"),
        _cell("code", f"import twin\n\ncity = twin.open_city({city!r})\ncity.plot()"),
        _cell("code", look),
        _cell("code", 'city.plot("top", color_by="height_m")'),
        _cell(
            "code",
            'city.buildings[["id", "state", "height_m", "roof_type", "volume_m3"]].describe(include="all")',
        ),
        _cell(
            "code",
            'mesh = city.mesh("buildings")\nlen(mesh.twin.building_ids), mesh.twin.surfaces("roof").area',
        ),
    ]
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    data = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell
