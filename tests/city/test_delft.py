"""The real Delft set from survey to city: counts, states, validity, accuracy by an independent yardstick."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twin.cli.main import run

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

# roofer 1.1 beta on the same set: RMSE top median and p90, P95 top median and p90, metres
ROOFER = {
    "1.2": (1.107, 2.65, 2.13, 5.94),
    "1.3": (0.770, 1.37, 1.34, 2.82),
    "2.2": (0.231, 0.816, 0.188, 1.02),
}
MAX_ROOF_FACES = {"1.2": 160, "1.3": 300, "2.2": 735}


@pytest.fixture(scope="module")
def delft(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The city, built as the documentation says."""
    data, city = shared_data / "delft", tmp_path_factory.mktemp("delft") / "delft.twin"
    code = run(
        [
            *("build", str(data / "ahn3" / "*.laz"), "--footprints", str(data / "bgt" / "bgt_pand.sqlite")),
            *("--id-field", "gml_id", "--roads", str(data / "bgt" / "bgt_wegdeel.sqlite")),
            *("--water", str(data / "bgt" / "bgt_waterdeel.sqlite")),
            *("--bridges", str(data / "bgt" / "bgt_overbruggingsdeel.sqlite")),
            *("--crs", "EPSG:7415", "-o", str(city)),
        ]
    )
    assert code == 0
    return city


def test_every_footprint_is_built_and_every_solid_valid(
    delft: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(delft), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["states"] == {"built": 160}
    assert {lod: (f["solids"], f["valid"]) for lod, f in report["lods"].items()} == {
        "1.2": (160, 160),
        "1.3": (160, 160),
        "2.0": (160, 160),
        "2.2": (160, 160),
    }
    assert report["invalid"] == []
    assert report["damaged"] == {}


@pytest.mark.parametrize("lod", ["1.2", "1.3", "2.2"])
def test_roofs_are_nearer_to_the_points_than_roofers(
    delft: Path, shared_data: Path, lod: str, tmp_path: Path
) -> None:
    yardstick, data = shared_data.parent / "tools" / "measure.py", shared_data / "delft"
    if not yardstick.exists():
        pytest.skip("the yardstick ../shared/tools/measure.py is not here")
    models = sorted(map(str, (delft / "buildings").glob("*.city.jsonl")))
    subprocess.run(
        [
            *(sys.executable, str(yardstick), "buildings", *models, "--lod", lod, "--id-field", "gml_id"),
            *("--laz", *map(str, sorted((data / "ahn3").glob("*.laz")))),
            *(
                "--footprints",
                str(data / "bgt" / "bgt_pand.sqlite"),
                "--json",
                str(tmp_path / "figures.json"),
            ),
        ],
        check=True,
        capture_output=True,
    )
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["modelled"] == 160
    assert figures["roof_faces_total"] <= MAX_ROOF_FACES[lod]
    measured = [figures[k] for k in ("rmse_top_median", "rmse_top_p90", "p95_top_median", "p95_top_p90")]
    assert all(ours <= theirs for ours, theirs in zip(measured, ROOFER[lod], strict=True)), measured


def test_heights_follow_the_published_definitions(delft: Path) -> None:
    from twin.city.model import open_city

    table = open_city(delft).buildings
    assert table["id"].is_unique
    assert (table["roof_min_m"] <= table["roof_50p_m"]).all()
    assert (table["roof_50p_m"] <= table["roof_70p_m"]).all()
    assert (table["roof_70p_m"] <= table["roof_max_m"]).all()
    np.testing.assert_allclose(table["height_m"], table["roof_70p_m"] - table["ground_m"], atol=2e-4)
    assert table["height_m"].between(2, 30).all()


def test_water_is_flat_and_below_the_streets(delft: Path) -> None:
    from twin.city.ground_surface import city_surface
    from twin.city.model import open_city
    from twin.reconstruct.cover import Cover

    city = open_city(delft)
    surface = city_surface(city.path, city.manifest)
    corners = surface.mesh.vertices[surface.mesh.triangles]
    wet = surface.cover == Cover.WATER
    levels = city.layer("water")["level_m"].unique()
    assert np.ptp(corners[wet, :, 2], axis=1).max() < 1e-3
    assert set(np.round(np.unique(corners[wet, :, 2]), 2)) <= set(np.round(levels, 2))
    streets = corners[surface.cover == Cover.ROAD, :, 2]
    assert np.median(streets) > levels.max() + 0.5


def test_no_house_floats_or_drowns(delft: Path) -> None:
    """Along every wall the floor is at or below the ground, and the roof well above it."""
    import shapely

    from twin.city.ground_surface import city_surface
    from twin.city.meshes import city_solids
    from twin.city.model import open_city
    from twin.reconstruct.surface_sample import sample_surface

    city = open_city(delft)
    surface = city_surface(city.path, city.manifest)
    found = city_solids(city.path, city.manifest, lod="1.2")
    outlines = city.buildings.set_index("id").geometry
    for solid, owner in zip(found.solids, found.owner, strict=True):
        rim = shapely.get_coordinates(
            shapely.segmentize(outlines[found.ids[owner]].buffer(0.05).boundary, 0.5)
        )
        ground = sample_surface(surface.mesh, rim[:, 0], rim[:, 1])
        ground = ground[np.isfinite(ground)]
        if len(ground):
            assert solid.vertices[:, 2].min() <= ground.min() + 0.08, found.ids[owner]
            assert solid.vertices[:, 2].max() > np.median(ground) + 0.5, found.ids[owner]
