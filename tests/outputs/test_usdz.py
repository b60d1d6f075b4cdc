"""USDZ as Pixar's own reader and validators see it."""

import struct
import zipfile

import numpy as np
import pytest

from tests.scene.conftest import village_content
from twin.city.export_options import ExportOptions
from twin.core.errors import ExtraMissingError, OutputExistsError
from twin.core.notices import Notices
from twin.outputs import usdz
from twin.outputs.usdz import read_usdz_counts, write_usdz
from twin.scene.scene import Scene

pxr = pytest.importorskip("pxr", reason='usd-core is not installed: pip install "twin[expo]"')
HOSTILE = ("<script>alert(1)</script>", "../../etc/passwd", "서울 \x00\x1b[31m")


@pytest.fixture(scope="module")
def content():
    return village_content(building_ids=HOSTILE)


@pytest.fixture(scope="module")
def scene(content):
    return Scene(content)


@pytest.fixture(scope="module")
def table(scene, content, tmp_path_factory):
    path = tmp_path_factory.mktemp("usdz") / "table.usdz"
    write_usdz(path, scene, content.trees, ExportOptions(size_m=0.5))
    return path


def complaints(path):
    """What usd-core's checkers find, ARKit's rules among them."""
    from pxr import Usd, UsdUtils

    if hasattr(UsdUtils, "ComplianceChecker"):
        checker = UsdUtils.ComplianceChecker(arkit=True)
        checker.CheckCompliance(str(path))
        return [*checker.GetErrors(), *checker.GetFailedChecks(), *checker.GetWarnings()]
    from pxr import UsdValidation

    every = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    found = UsdValidation.ValidationContext(every).Validate(Usd.Stage.Open(str(path)))
    return [error.GetMessage() for error in found]


def test_the_checkers_find_nothing(table):
    assert complaints(table) == []


def test_every_file_in_it_is_aligned_and_stored(table):
    data = table.read_bytes()
    with zipfile.ZipFile(table) as archive:
        members = archive.infolist()
        assert members[0].filename.endswith(".usdc")
        assert {m.filename.rpartition(".")[2] for m in members} == {"usdc", "jpg"}
        for member in members:
            assert member.compress_type == zipfile.ZIP_STORED
            n_name, n_extra = struct.unpack_from("<HH", data, member.header_offset + 26)
            assert (member.header_offset + 30 + n_name + n_extra) % 64 == 0


def test_it_stands_on_the_table(table):
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.Open(str(table))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    box = UsdGeom.BBoxCache(Usd.TimeCode.Default(), ["default"]).ComputeWorldBound(stage.GetDefaultPrim())
    low, high = (
        np.array(v) for v in (box.ComputeAlignedRange().GetMin(), box.ComputeAlignedRange().GetMax())
    )
    assert low[1] == pytest.approx(0, abs=1e-6)
    assert max(high[0] - low[0], high[2] - low[2]) == pytest.approx(0.5, rel=1e-5)
    assert (low + high)[[0, 2]] == pytest.approx([0, 0], abs=1e-6)


def test_each_building_is_a_prim_with_its_id_and_a_place_in_the_picture(table):
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.Open(str(table))
    houses = stage.GetPrimAtPath("/City/buildings").GetChildren()
    ids = {prim.GetCustomDataByKey("id") for prim in houses}
    assert ids == {HOSTILE[0], HOSTILE[1], "서울 \\x00\\x1b[31m"}
    for prim in houses:
        mesh = UsdGeom.Mesh(prim)
        st = np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").Get())
        assert len(st) == len(mesh.GetPointsAttr().Get())
        assert (st > 0).all()
        assert (st < 1).all()
        # Normals look out of a house: away from its middle, on the whole.
        points, normals = np.array(mesh.GetPointsAttr().Get()), np.array(mesh.GetNormalsAttr().Get())
        assert (((points - points.mean(axis=0)) * normals).sum(axis=1) > 0).mean() > 0.9


def test_true_size_is_true(scene, content, tmp_path):
    from pxr import Usd, UsdGeom

    write_usdz(tmp_path / "a.usdz", scene, content.trees, ExportOptions())
    stage = Usd.Stage.Open(str(tmp_path / "a.usdz"))
    box = UsdGeom.BBoxCache(Usd.TimeCode.Default(), ["default"]).ComputeWorldBound(stage.GetDefaultPrim())
    size = box.ComputeAlignedRange().GetSize()
    assert (size[0], size[2]) == pytest.approx((60, 60), rel=1e-5)
    told = stage.GetRootLayer().customLayerData
    assert told["crs"] == "EPSG:28992"
    assert [float(v) for v in told["origin"].split()] == pytest.approx([84_000, 447_000, -4], abs=1e-3)


def test_what_exists_is_kept_and_phones_are_thought_of(scene, content, table, tmp_path, monkeypatch):
    before = table.read_bytes()
    with pytest.raises(OutputExistsError):
        write_usdz(table, scene, content.trees, ExportOptions())
    assert table.read_bytes() == before
    monkeypatch.setattr(usdz, "MAX_TRIANGLES", 10)
    notices = Notices()
    counts = write_usdz(tmp_path / "b.usdz", scene, content.trees, ExportOptions(), notices=notices)
    assert counts.n_triangles < read_usdz_counts(table).n_triangles
    told = " ".join(notices.lines())
    assert "trees are left out" in told
    assert "--around" in told


def test_many_buildings_share_a_prim(scene, tmp_path, monkeypatch):
    from pxr import Usd

    monkeypatch.setattr(usdz, "MAX_PRIMS", 2)
    write_usdz(tmp_path / "c.usdz", scene, None, ExportOptions())
    stage = Usd.Stage.Open(str(tmp_path / "c.usdz"))
    (prim,) = stage.GetPrimAtPath("/City/buildings").GetChildren()
    assert len(prim.GetCustomDataByKey("ids")) == 3


def test_without_usd_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pxr", None)
    with pytest.raises(ExtraMissingError, match=r'pip install "twin\[expo\]"'):
        usdz.require_usd()
