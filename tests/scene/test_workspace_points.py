"""Survey points of a workspace: found beside the city, coloured three ways, and said to be gone when they are."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.small_town import small_town
from twin.city.model import open_city
from twin.core.errors import InputNotFoundError, UnsafeInputError
from twin.core.notices import Notices
from twin.core.points import Classification
from twin.scene.point_colours import POINT_COLOURS, point_colours
from twin.scene.point_layer import SurveyPoints
from twin.scene.workspace import LayerState, SurveyState, Workspace
from twin.scene.workspace_json import parse_workspace, workspace_text
from twin.scene.workspace_paths import told_file
from twin.scene.workspace_points import SURVEY, survey_files, survey_inputs, workspace_points

SHOWN = Workspace(survey=SurveyState(most=2_000))


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return small_town(tmp_path_factory)


def test_the_survey_is_found_beside_the_city(town):
    city = open_city(town / "town.twin")
    found = survey_files(city, notices=Notices())
    assert [p.name for p in found] == [source.name for source in survey_inputs(city)]
    shown = workspace_points(city, SHOWN, file=None, notices=Notices())
    assert len(shown.points) <= 2_000 < shown.points.n_of
    b = city.bounds
    places = shown.points.xyz[:, :2] + city.manifest.origin[:2]
    inside = (places >= (b.x_min - 5, b.y_min - 5)) & (places <= (b.x_max + 5, b.y_max + 5))
    assert inside.all(axis=1).mean() > 0.9
    assert shown.points.intensity.max() > 0


def test_a_survey_that_is_gone_is_named(town, tmp_path):
    city = open_city(shutil.copytree(town / "town.twin", tmp_path / "far" / "town.twin"))
    with pytest.raises(InputNotFoundError, match=survey_inputs(city)[0].name) as told:
        workspace_points(city, SHOWN, file=None, notices=Notices())
    assert "say where it lies" in str(told.value)
    elsewhere = replace(SHOWN, survey=SurveyState(files=("nothing.laz",)))
    with pytest.raises(InputNotFoundError, match=r"nothing\.laz"):
        workspace_points(city, elsewhere, file=tmp_path / "w.json", notices=Notices())


def test_other_files_of_the_same_name_are_not_taken(town, tmp_path):
    city = open_city(shutil.copytree(town / "town.twin", tmp_path / "town.twin"))
    (tmp_path / survey_inputs(city)[0].name).write_bytes(b"another")
    with pytest.raises(InputNotFoundError):
        survey_files(city, notices=Notices())


def test_nothing_is_shown_where_the_layer_is_off(town):
    city = open_city(town / "town.twin")
    hidden = replace(SHOWN, layers=(LayerState(SURVEY, is_visible=False),))
    for workspace in (Workspace(), hidden):
        assert workspace_points(city, workspace, file=None, notices=Notices()) is None


def test_a_file_elsewhere_is_told_and_one_of_another_machine_refused(town, tmp_path):
    city, notices = open_city(town / "town.twin"), Notices()
    laz = survey_files(city, notices=notices)[0]
    assert told_file(str(laz), tmp_path / "w.json", notices=notices) == laz
    assert any("outside its own folder" in line for line in notices.lines())
    with pytest.raises(UnsafeInputError):
        told_file("//server/share/p.laz", tmp_path / "w.json", notices=notices)


def test_colours_tell_class_height_and_strength():
    xyz = np.array([[0, 0, 0], [0, 0, 5], [0, 0, 10], [0, 0, 10]], np.float32)
    kinds = np.array([Classification.GROUND, Classification.BUILDING, 65, 65], np.uint8)
    points = SurveyPoints(xyz, kinds, (0, 0, 100), np.array([0, 100, 200, 200], np.uint16))
    by = {name: point_colours(points, name) for name in POINT_COLOURS}
    assert [e.text for e in by["class"][1].entries] == ["Ground", "Building", "Other points"]
    assert by["class"][0][0].tolist() == [170, 146, 110]
    assert by["height"][1].entries[0].text == "110.0"
    strengths = by["intensity"][0][:, 0].astype(int)
    assert strengths[0] < strengths[1] < strengths[2]


def test_a_file_keeps_how_points_are_shown():
    wanted = Workspace(survey=SurveyState("height", 5_000, ("survey/a.laz",)))
    assert parse_workspace(workspace_text(wanted)) == wanted
