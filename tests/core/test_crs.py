"""Coordinate reference systems: names, checks, units, and transformations that never guess heights."""

from __future__ import annotations

import pickle

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.crs import (
    check_city_crs,
    crs_name,
    crs_text,
    describe,
    has_ellipsoidal_heights,
    horizontal,
    in_metres,
    is_placed,
    make_transform,
    parse_crs,
    same_crs,
    same_horizontal,
    same_vertical_datum,
    to_metre_factors,
    vertical,
)
from twin.core.errors import CrsError
from twin.core.grid import Bounds
from twin.core.notices import Notices

US_FOOT = 1200 / 3937
CITIES = ["EPSG:28992", "EPSG:7415", "EPSG:3879+3900", "EPSG:5186+5193", "EPSG:25832", "EPSG:3067+3900"]


def way(source: str, target: str, **options: float) -> tuple[object, Notices]:
    notices = Notices()
    home = make_transform(parse_crs(source), parse_crs(target), where="a.laz", notices=notices, **options)
    return home, notices


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EPSG:28992", "EPSG:28992"),
        (" epsg:28992 ", "EPSG:28992"),
        ("28992", "EPSG:28992"),
        ("EPSG:3879+3900", "EPSG:3879+3900"),
        ("EPSG:28992+5709", "EPSG:7415"),
        ("urn:ogc:def:crs:EPSG::25832", "EPSG:25832"),
        ("WGS 84 / UTM zone 32N", "EPSG:32632"),
    ],
)
def test_many_ways_to_name_a_crs(text: str, name: str) -> None:
    assert crs_name(parse_crs(text)) == name


@pytest.mark.parametrize(
    "text", ["EPSG:99999999", "EPSG:28992+99999", "", "nonsense", "EPSG:", "\0", "é" * 300]
)
def test_unknown_names_are_refused_by_name(text: str) -> None:
    with pytest.raises(CrsError) as caught:
        parse_crs(text, where="project.crs")
    assert caught.value.exit_code == 2
    assert "project.crs" in str(caught.value)
    assert text.strip()[:70] in str(caught.value)


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(CrsError, match="200000 characters"):
        parse_crs("x" * 200_000)


@pytest.mark.parametrize("code", CITIES)
@pytest.mark.parametrize("version", ["WKT1_GDAL", "WKT2_2019"])
def test_codes_survive_wkt(code: str, version: str) -> None:
    there = parse_crs(code)
    back = parse_crs(there.to_wkt(version))
    assert crs_name(back) == code
    assert same_crs(there, back)
    assert parse_crs(crs_text(back)) == there


def test_a_code_that_the_definition_does_not_keep_to_is_not_believed() -> None:
    wrong = (
        parse_crs("EPSG:25832").to_wkt("WKT1_GDAL").replace('"central_meridian",9', '"central_meridian",10')
    )
    assert crs_name(parse_crs(wrong)) != "EPSG:25832"
    assert not same_horizontal(parse_crs(wrong), parse_crs("EPSG:25832"))


def test_parts() -> None:
    full = parse_crs("EPSG:3879+3900")
    assert crs_name(horizontal(full)) == "EPSG:3879"
    assert crs_name(vertical(full)) == "EPSG:3900"
    assert vertical(parse_crs("EPSG:3879")) is None
    assert has_ellipsoidal_heights(parse_crs("EPSG:4979"))
    assert not has_ellipsoidal_heights(full)
    assert describe(parse_crs("EPSG:28992")) == "EPSG:28992 (Amersfoort / RD New)"
    assert same_horizontal(parse_crs("EPSG:7415"), parse_crs("EPSG:28992"))
    assert not same_crs(parse_crs("EPSG:7415"), parse_crs("EPSG:28992"))
    assert not same_crs(parse_crs("EPSG:4979"), parse_crs("EPSG:4326"))


@pytest.mark.parametrize(
    ("code", "factors"),
    [
        ("EPSG:28992", (1, 1)),
        ("EPSG:2263", (US_FOOT, US_FOOT)),
        ("EPSG:2992", (0.3048, 0.3048)),
        ("EPSG:2263+5703", (US_FOOT, 1)),
        ("EPSG:32118+6360", (1, US_FOOT)),
        ("EPSG:4326", (1, 1)),
        ("EPSG:4979", (1, 1)),
    ],
)
def test_units(code: str, factors: tuple[float, float]) -> None:
    assert to_metre_factors(parse_crs(code)) == pytest.approx(factors, rel=1e-14)


@pytest.mark.parametrize(
    ("feet", "metres"),
    [("EPSG:2263", "EPSG:32118"), ("EPSG:2263+6360", "EPSG:32118+5703"), ("EPSG:28992", "EPSG:28992")],
)
def test_feet_have_a_metric_twin(feet: str, metres: str) -> None:
    assert crs_name(in_metres(parse_crs(feet))) == metres


def test_a_metric_twin_is_made_where_none_has_a_code() -> None:
    source = parse_crs("EPSG:2992")
    twin = in_metres(source)
    check_city_crs(twin)
    home = make_transform(source, twin, where="", notices=Notices())
    xyz = np.array([[638_000.0, 849_000.0, 430.0]])
    np.testing.assert_allclose(home(xyz), xyz * 0.3048, atol=1e-6)


@pytest.mark.parametrize("code", CITIES)
def test_cities_may_be_there(code: str) -> None:
    check_city_crs(parse_crs(code))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("EPSG:4326", ("degree", "EPSG:4326")),
        ("EPSG:4979", ("degree",)),
        ("EPSG:4978", ("projected",)),
        ("EPSG:2263", ("US survey foot", "EPSG:32118")),
        ("EPSG:32118+6360", ("foot", "EPSG:32118+5703")),
        ("EPSG:5709", ("projected",)),
        ('LOCAL_CS["site",UNIT["metre",1]]', ("projected",)),
    ],
)
def test_cities_cannot_be_there(code: str, words: tuple[str, ...]) -> None:
    with pytest.raises(CrsError) as caught:
        check_city_crs(parse_crs(code), where="project.crs")
    for word in ("project.crs", *words):
        assert word in str(caught.value)


def test_only_frames_on_earth_are_placed() -> None:
    assert all(is_placed(parse_crs(code)) for code in CITIES)
    assert not is_placed(parse_crs('LOCAL_CS["site",UNIT["metre",1]]'))
    assert not is_placed(parse_crs("EPSG:4978"))


@pytest.mark.parametrize(
    ("source", "target"),
    [("EPSG:7415", "EPSG:7415"), ("EPSG:28992", "EPSG:7415"), ("EPSG:7415", "EPSG:28992")],
)
def test_nothing_changes_within_a_frame(source: str, target: str) -> None:
    home, notices = way(source, target)
    xyz = np.array([[85_000.1, 447_000.2, 3.3]])
    assert home.is_identity
    assert home(xyz) is xyz
    assert not notices.items


def test_a_known_point() -> None:
    """RD New was made so that the church tower of Amersfoort is at 155 km, 463 km."""
    home, _ = way("EPSG:4326", "EPSG:28992")
    tower = home(np.array([[5.387203657, 52.155172979, 12.0]]))
    np.testing.assert_allclose(tower, [[155_000, 463_000, 12.0]], atol=0.5)


def test_axes_keep_their_order_where_northing_comes_first() -> None:
    home, _ = way("EPSG:3067+3900", "EPSG:3879+3900")
    point = home(np.array([[385_800.0, 6_672_000.0, 5.0]]))
    assert abs(point[0, 0] - 25_496_800) < 1000
    assert abs(point[0, 1] - 6_672_900) < 1000
    assert point[0, 2] == 5.0


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(10_000, 270_000),
    y=st.floats(310_000, 610_000),
    z=st.floats(-10, 350),
    other=st.sampled_from(["EPSG:25831", "EPSG:4326", "EPSG:3857", "EPSG:32631"]),
)
def test_there_and_back_is_within_a_millimetre(x: float, y: float, z: float, other: str) -> None:
    there, _ = way("EPSG:28992", other)
    back, _ = way(other, "EPSG:28992")
    np.testing.assert_allclose(back(there(np.array([[x, y, z]]))), [[x, y, z]], atol=1e-3)


def test_feet_are_converted_without_a_change_of_datum() -> None:
    home, notices = way("EPSG:2263+6360", "EPSG:32118+5703")
    xyz = np.array([[984_250.0, 200_000.0, 100.0]])
    np.testing.assert_allclose(home(xyz), xyz * US_FOOT, atol=1e-6)
    assert home.vertical_pair is None
    assert not notices.items


def test_heights_in_feet_without_a_datum() -> None:
    home, _ = way("EPSG:2263", "EPSG:32118+5703")
    assert home(np.array([[984_250.0, 200_000.0, 100.0]]))[0, 2] == pytest.approx(100 * US_FOOT, rel=1e-14)


KOREA = np.array([[127.0, 37.5, 50.0]])


def test_a_missing_geoid_is_named_and_never_guessed() -> None:
    with pytest.raises(CrsError) as caught:
        way("EPSG:4979", "EPSG:5186+5193")
    assert caught.value.exit_code == 2
    for word in ("a.laz", "KNGeoid18.gri", "KVD1964", "--height-offset"):
        assert word in str(caught.value)


def test_a_given_offset_takes_the_place_of_the_geoid() -> None:
    home, _ = way("EPSG:4979", "EPSG:5186+5193", height_offset_m=-23.4)
    flat, _ = way("EPSG:4326", "EPSG:5186")
    np.testing.assert_allclose(home(KOREA), flat(KOREA) + np.array([0, 0, -23.4]), atol=1e-9)


def test_an_offset_spares_what_is_in_the_citys_own_heights() -> None:
    """A survey above the ellipsoid and a terrain model in the city's datum come in one build."""
    home, notices = way("EPSG:5186+5193", "EPSG:5186+5193", height_offset_m=-23.4)
    assert home.is_identity
    assert "-23.4 m of --height-offset were not added" in notices.lines()[0]
    silent, notices = way("EPSG:5186", "EPSG:5186+5193", height_offset_m=-23.4)
    assert silent(KOREA)[0, 2] == pytest.approx(50 - 23.4)
    assert not notices.items


@pytest.mark.parametrize("source", ["EPSG:4326", "EPSG:32652"])
def test_heights_of_another_frame_that_names_no_zero_are_told(source: str) -> None:
    home, notices = way(source, "EPSG:5186+5193")
    point = np.array([[300_000.0, 4_150_000.0, 10.0]]) if "32652" in source else KOREA
    assert home(point)[0, 2] == point[0, 2]
    (line,) = notices.lines()
    for word in ("a.laz", source, "KVD1964", "--height-offset"):
        assert word in line


@pytest.mark.parametrize("source", ["EPSG:5186+5193", "EPSG:32652+5193", "EPSG:5186"])
def test_heights_in_the_citys_own_datum_need_no_grid(source: str) -> None:
    home, notices = way(source, "EPSG:5186+5193")
    point = np.array([[300_000.0, 4_150_000.0, 10.0]]) if "32652" in source else KOREA
    assert home(point)[0, 2] == point[0, 2]
    assert not notices.items


def test_a_transformation_of_heights_that_is_known_is_used_and_its_accuracy_told() -> None:
    """Amsterdam and German heights differ by centimetres; PROJ knows by how much without a grid."""
    home, notices = way("EPSG:7415", "EPSG:25831+5783")
    z = home(np.array([[85_000.0, 447_000.0, 1.0]]))[0, 2]
    assert 0 < abs(z - 1.0) < 0.1
    assert any("nl_nsgi_rdtrans2018.tif" in line for line in notices.lines())


def test_datums_without_a_known_transformation_are_told() -> None:
    _, notices = way("EPSG:2263+6360", "EPSG:6347+5703")
    (line,) = notices.lines()
    assert "different datums" in line
    assert "us_noaa_nadcon5" in line


def test_a_frame_without_a_place_cannot_be_left() -> None:
    with pytest.raises(CrsError, match="no place on earth"):
        way('LOCAL_CS["site",UNIT["metre",1]]', "EPSG:28992")


def test_coordinates_outside_the_crs_are_counted() -> None:
    home, _ = way("EPSG:4326", "EPSG:25832")
    with pytest.raises(CrsError, match=r"a\.laz: 2 of 3 points cannot be transformed"):
        home(np.array([[9.0, 48.0, 0.0], [9.0, 4800.0, 0.0], [np.nan, 48.0, 0.0]]))


def test_no_points_are_no_trouble() -> None:
    home, _ = way("EPSG:4326", "EPSG:25832")
    assert home(np.empty((0, 3))).shape == (0, 3)


def test_transforms_travel_to_workers() -> None:
    home, _ = way("EPSG:7415", "EPSG:25831+5783")
    xyz = np.array([[85_000.0, 447_000.0, 1.0]])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(home))(xyz), home(xyz))


def test_rectangles_are_covered_both_ways() -> None:
    home, _ = way("EPSG:28992", "EPSG:25831")
    rng = np.random.default_rng(1)
    xyz = np.c_[rng.uniform(84_000, 86_000, 500), rng.uniform(446_000, 448_000, 500), np.zeros(500)]
    there = home(xyz)
    box = home.to_target(Bounds(84_000, 446_000, 86_000, 448_000)).buffered(1e-3)
    assert box.contains(there[:, 0], there[:, 1]).all()
    back = home.to_source(box).buffered(1e-3)
    assert back.contains(xyz[:, 0], xyz[:, 1]).all()


def test_the_network_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    pyproj.network.set_network_enabled(True)
    try:
        with pytest.raises(CrsError, match="missing grid: nl_nsgi"):
            way("EPSG:4979", "EPSG:7415")
        assert not pyproj.network.is_network_enabled()
    finally:
        pyproj.network.set_network_enabled(False)


def test_vertical_datums() -> None:
    same = same_vertical_datum
    assert same(parse_crs("EPSG:2263+6360"), parse_crs("EPSG:32118+5703"))
    assert not same(parse_crs("EPSG:7415"), parse_crs("EPSG:28992+5783"))
    assert not same(parse_crs("EPSG:7415"), parse_crs("EPSG:28992"))


def test_a_vertical_crs_is_known_by_its_name_where_a_reader_mistook_its_datum() -> None:
    nap = parse_crs("EPSG:7415")
    mistaken = parse_crs(
        nap.to_wkt().replace("Normaal Amsterdams Peil", "Ibiza").replace(',ID["EPSG",5709]', "")
    )
    assert same_vertical_datum(mistaken, nap)


def test_a_crs_of_another_world_is_refused():
    """Damage to a .prj file made the ellipsoid one that PROJ does not take for the Earth's."""
    mars = parse_crs("+proj=utm +zone=32 +a=3396190 +b=3376200 +units=m")
    with pytest.raises(CrsError, match="may not be of the Earth") as told:
        make_transform(mars, parse_crs("EPSG:25832"), where="houses.shp", notices=Notices())
    assert told.value.where == "houses.shp"
