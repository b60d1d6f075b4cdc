"""`City.add` does what `twin add` does."""

import geopandas as gpd
import pandas as pd
import pyproj
import pytest
import shapely

import twin
from twin.city.add import add_files
from twin.city.manifest import Layer, Manifest, artifact, manifest_text, write_manifest
from twin.city.tables import BUILDINGS, write_table
from twin.core.errors import OutputExistsError, UsageError
from twin.core.notices import Notices

CRS = "EPSG:28992"
X0, Y0 = 84000, 447000


@pytest.fixture
def make_city(tmp_path):
    """A function that makes a city of two houses and nothing else."""

    def make(name="town"):
        folder = tmp_path / f"{name}.twin"
        (folder / "buildings").mkdir(parents=True)
        outlines = [shapely.box(X0 + k, Y0, X0 + k + 8, Y0 + 9) for k in (0, 20)]
        write_table(gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=outlines, crs=CRS), folder / BUILDINGS)
        manifest = Manifest(
            name="town",
            crs=CRS,
            crs_wkt=pyproj.CRS(CRS).to_wkt(),
            origin=(X0, Y0, 0),
            bounds=(X0 - 50.0, Y0 - 50.0, 0.0, X0 + 50.0, Y0 + 50.0, 20.0),
            layers={"buildings": Layer("buildings", (artifact(folder, BUILDINGS),))},
        )
        write_manifest(manifest, folder / "twin.json")
        return twin.open_city(folder)

    return make


@pytest.fixture
def lamps(tmp_path):
    path = tmp_path / "lamps.geojson"
    points = gpd.points_from_xy([X0 + 1, X0 + 2], [Y0 + 3, Y0 + 4])
    gpd.GeoDataFrame({"watts": [40, 60]}, geometry=points, crs=CRS).to_file(path)
    return path


@pytest.fixture
def energy(tmp_path):
    path = tmp_path / "energy.csv"
    pd.DataFrame({"BUILDING": ["b", "a"], "kwh": [7.0, 5.0]}).to_csv(path, index=False)
    return path


def test_it_gives_the_city_with_the_layers(make_city, lamps, energy):
    before = make_city()
    after = before.add(lamps, name="street lamps").add(str(energy), join="BUILDING=id")
    assert after.layer("street lamps")["watts"].tolist() == [40, 60]
    assert after.buildings.set_index("id")["kwh"].to_dict() == {"a": 5.0, "b": 7.0}
    assert set(after.manifest.layers) == {"buildings", "street lamps", "energy"}
    assert set(before.manifest.layers) == {"buildings"}


def test_it_leaves_the_same_bytes_as_the_command(make_city, lamps):
    by_method, by_function = make_city("one"), make_city("two")
    changed = by_method.add(lamps)
    add_files(by_function.path, [lamps], notices=Notices())
    assert manifest_text(changed.manifest) == manifest_text(twin.open_city(by_function.path).manifest)


def test_a_layer_is_kept_unless_forced(make_city, lamps):
    city = make_city().add(lamps)
    with pytest.raises(OutputExistsError):
        city.add(lamps)
    assert city.add(lamps, force=True).layer("lamps").shape == (2, 2)


def test_none_is_added_where_one_cannot_be(make_city, lamps, tmp_path):
    city = make_city()
    with pytest.raises(twin.TwinError):
        city.add(lamps, tmp_path / "missing.gpkg")
    with pytest.raises(UsageError):
        city.add(lamps, lamps, name="both")
    assert set(twin.open_city(city.path).manifest.layers) == {"buildings"}


def test_what_was_noticed_is_told(make_city, energy):
    energy.write_text(energy.read_text() + "nowhere,3\n")
    notices = Notices()
    make_city().add(energy, join="BUILDING=id", notices=notices)
    assert "nowhere" in " ".join(notices.lines())
