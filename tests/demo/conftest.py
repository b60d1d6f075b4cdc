from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from twin.demo.district import DistrictFiles


@pytest.fixture(scope="session")
def small_district(tmp_path_factory: pytest.TempPathFactory) -> DistrictFiles:
    """Twelve buildings, surveyed thinly."""
    from twin.demo.district import generate_district

    return generate_district(tmp_path_factory.mktemp("district"), n_buildings=12, density=2.0, seed=3)
