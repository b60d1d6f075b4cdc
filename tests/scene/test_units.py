"""Names of columns: every measured one of the buildings' table has its unit."""

import math

import pytest

from twin.reconstruct.building_model import BuildingModel, BuildingState, attributes
from twin.scene.units import heading, unit_of

PLAIN = ("n_points", "n_roof_faces", "no_data_share")
"""Numbers without a unit: counts and shares."""


def test_every_measured_column_of_a_building_has_a_unit():
    row = attributes(BuildingModel(BuildingState.NO_POINTS))
    measured = [k for k, v in row.items() if isinstance(v, float | int) and not k.startswith(PLAIN)]
    assert len(measured) > 30
    assert all(math.isnan(row[k]) or row[k] == 0 for k in measured)
    assert [k for k in measured if not unit_of(k)] == []
    assert all(heading(k, unit_of(k)).endswith(f" ({unit_of(k)})") for k in measured)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rmse_m", "RMSE (m)"),
        ("rmse_m_lod13", "RMSE, LoD1.3 (m)"),
        ("n_roof_faces_lod22", "Number of roof faces, LoD2.2"),
        ("density_per_m2", "Density (1/m²)"),
        ("party_wall_m2", "Party wall (m²)"),
        ("roof_type", "Roof type"),
        ("m", "M"),
        ("_m", "M"),
    ],
)
def test_headings(name, text):
    assert heading(name, unit_of(name)) == text


def test_a_unit_that_a_table_tells_stands_behind_the_whole_name():
    assert heading("load_m", "kPa") == "Load m (kPa)"
