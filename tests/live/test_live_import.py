"""Lists of stations and tables of observations as people have them, through the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from twin.cli.main import run
from twin.core.crs import horizontal, parse_crs
from twin.live.local_time import LocalTimes
from twin.live.model import Quality
from twin.live.moments import iso_utc
from twin.live.store import open_store
from twin.live.times import parse_time_us

SENSORS = Path(__file__).resolve().parents[3] / "shared" / "data" / "sensors"
KOREA = "EPSG:5187+5193"
EAST, NORTH = 192318.0, 280870.0
needs_sensors = pytest.mark.skipif(
    not SENSORS.is_dir(), reason="recorded sensor data is not beside the checkout"
)


def imported(
    capsys: pytest.CaptureFixture[str], city: Path, *arguments: object
) -> tuple[dict[str, Any], str]:
    code = run(["live", "import", str(city), *map(str, arguments)])
    said = capsys.readouterr()
    assert code == 0, said.err
    return json.loads(said.out), said.err


def places(city: Path) -> dict[str, tuple[float, ...] | None]:
    with open_store(city) as store:
        return {t.id: t.place.position for t in store.catalogue().things}


def test_korean_stations_with_semicolons_and_decimal_commas(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"007;연산동;{EAST:.1f};{NORTH:.1f};12,5", f"012;부전동;{EAST + 100:.2f};{NORTH:.1f};3,0"]
    text = "\n".join(["측정소코드;측정소명;X좌표;Y좌표;표고", *rows])
    (tmp_path / "s.csv").write_bytes(text.replace(".", ",").encode("cp949"))
    _, said = imported(capsys, tmp_path / "c.twin", tmp_path / "s.csv", "--crs", KOREA)
    found = places(tmp_path / "c.twin")
    assert "CP949" in said
    np.testing.assert_allclose(found["007"], (EAST, NORTH, 12.5))
    np.testing.assert_allclose(found["012"], (EAST + 100, NORTH, 3.0))
    with open_store(tmp_path / "c.twin") as store:
        assert store.catalogue().thing("007").name == "연산동"


@pytest.mark.parametrize(
    ("column", "names", "is_told"),
    [("측정소", ["강남", "서초"], False), ("이상", ["station 1", "station 2"], True)],
)
def test_stations_are_called_by_their_name_or_that_they_have_none_is_told(
    column: str, names: list[str], is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.csv").write_text(
        f"{column};x;y\n강남;203000;444000\n서초;202000;443000\n", encoding="utf-8"
    )
    _, said = imported(capsys, tmp_path / "c.twin", tmp_path / "s.csv", "--crs", "EPSG:5181")
    with open_store(tmp_path / "c.twin") as store:
        assert [t.id for t in store.catalogue().things] == names
    assert ("--column id=NAME" in said) == is_told


def test_stations_in_any_crs_of_a_built_city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Coordinates of another CRS, in columns with names of their own, land where those of the city's do."""
    import pyproj

    city = tmp_path / "c.twin"
    (tmp_path / "first.csv").write_text(f"id,x,y\na,{EAST},{NORTH}\n", encoding="utf-8")
    imported(capsys, city, tmp_path / "first.csv", "--crs", KOREA)
    flat = horizontal(parse_crs(KOREA))
    x, y = pyproj.Transformer.from_crs(flat, "EPSG:5179", always_xy=True).transform(EAST, NORTH)
    lon, lat = pyproj.Transformer.from_crs(flat, "EPSG:4326", always_xy=True).transform(EAST, NORTH)
    (tmp_path / "b.csv").write_text(f"id,Rechts,Hoch\nb,{x},{y}\n", encoding="utf-8")
    (tmp_path / "c.csv").write_text(f"id,lon,lat\nc,{lon},{lat}\n", encoding="utf-8")
    columns = ("--column", "x=Rechts", "--column", "y=Hoch")
    imported(capsys, city, tmp_path / "b.csv", "--crs", "EPSG:5179", *columns)
    imported(capsys, city, tmp_path / "c.csv")
    found = places(city)
    for name in "bc":
        assert found[name] is not None
        np.testing.assert_allclose(found[name][:2], (EAST, NORTH), atol=0.01)


def test_a_workbook_of_stations_with_their_properties(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {"id": ["g1"], "name": ["=Gauge"], "easting": [EAST], "northing": [NORTH], "parameter": ["water level"],
            "unit": ["ft"], "zero_m": [-1.25], "building": ["B 7"]}  # fmt: skip
    pd.DataFrame(rows).to_excel(tmp_path / "s.xlsx", index=False)
    imported(capsys, tmp_path / "c.twin", tmp_path / "s.xlsx", "--crs", KOREA)
    with open_store(tmp_path / "c.twin") as store:
        (stream,) = store.catalogue().datastreams
        thing = store.catalogue().thing("g1")
    assert (stream.unit, stream.zero_m, stream.drives_water) == ("m", -1.25, True)
    assert (thing.place.kind, thing.place.target) == ("building", "B 7")


def test_a_list_without_coordinates_says_which_columns_it_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.csv").write_text("id,where\na,here\n", encoding="utf-8")
    assert run(["live", "import", str(tmp_path / "c.twin"), str(tmp_path / "s.csv"), "--crs", KOREA]) == 2
    assert "where" in capsys.readouterr().err
    assert run(["live", "import", str(tmp_path / "c.twin"), str(tmp_path / "s.csv"), "--column", "x=no"]) == 2


@needs_sensors
@pytest.mark.realdata
def test_bikes_of_paris_are_a_snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = SENSORS / "paris_bike" / "paris_bike_stations.geojson"
    when = ("--time", "2026-07-01T08:00+02:00")
    counts, _ = imported(capsys, tmp_path / "p.twin", file, "--value", "available_bikes", *when)
    assert counts["stored"] == counts["things"] == 1226
    with open_store(tmp_path / "p.twin") as store:
        first = store.catalogue().datastreams[0].id
        assert store.history(first).time.tolist() == [parse_time_us("2026-07-01T06:00:00Z")]


@needs_sensors
@pytest.mark.realdata
def test_water_data_of_the_usgs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = SENSORS / "usgs_nwis"
    counts, _ = imported(
        capsys, tmp_path / "u.twin", folder / "waterservices_iv.txt", folder / "nwis_sites.txt"
    )
    assert (counts["stored"], counts["datastreams"]) == (20, 4)
    with open_store(tmp_path / "u.twin") as store:
        stage = store.catalogue().datastream("USGS:01491000:00065:00000")
        assert (stage.observed_property, stage.unit, stage.drives_water) == ("water_level", "m", False)
        history = store.history(stage.id)
        np.testing.assert_allclose(history.number[0], 6.48 * 0.3048)
        assert history.time[0] == parse_time_us("2019-02-14T05:00:00Z")
        flow = store.history("USGS:01491000:00060:00000")
        np.testing.assert_allclose(flow.number[0], 974 * 0.3048**3)


def test_values_of_the_usgs_as_rdb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "# Data provided by\n#\nagency_cd\tsite_no\tdatetime\ttz_cd\t69928_00065\t69928_00065_cd\n"
        "5s\t15s\t20d\t6s\t14n\t10s\n"
        "USGS\t01491000\t2019-02-14 00:00\tEST\t6.48\tA\nUSGS\t01491000\t2019-07-01 00:00\tEDT\tIce\tP:Ice\n"
        "USGS\t01491000\t2019-07-02 00:00\tEDT\t2.00\tP\n"
    )
    (tmp_path / "iv.rdb").write_text(text, encoding="utf-8")
    counts, said = imported(capsys, tmp_path / "u.twin", tmp_path / "iv.rdb", "--crs", "EPSG:32618")
    assert counts["rejected_by_cause"] == {"number": 1}
    assert "line 6" in said
    with open_store(tmp_path / "u.twin") as store:
        history = store.history("USGS:01491000:00065:00000")
    assert history.time.tolist() == [
        parse_time_us("2019-02-14T05:00:00Z"),
        parse_time_us("2019-07-02T04:00:00Z"),
    ]
    assert history.quality.tolist() == [0, 1]


@needs_sensors
def test_a_later_file_tells_where_a_new_city_lies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = SENSORS / "usgs_nwis"
    _, said = imported(capsys, tmp_path / "p.twin", folder / "nwis_iv_mock.json", folder / "nwis_sites.txt")
    assert "which fits its things" in said
    found = [p for p in places(tmp_path / "p.twin").values() if p]
    assert found
    assert all(-1e6 < p[0] < 2e6 for p in found)


def test_a_table_of_degrees_tells_where_a_new_city_lies_and_one_of_metres_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "degrees.csv").write_text("id,name,lon,lat\na,A,24.97,60.19\n")
    _, said = imported(capsys, tmp_path / "d.twin", tmp_path / "degrees.csv")
    assert "UTM zone 35N" in said
    (tmp_path / "metres.csv").write_text("id,name,x,y\na,A,382250,6354300\n")
    assert run(["live", "import", str(tmp_path / "m.twin"), str(tmp_path / "metres.csv")]) == 2
    assert "--crs" in capsys.readouterr().err
    assert not (tmp_path / "m.twin").exists()


@pytest.fixture
def city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    streams = [{"@iot.id": n, "unitOfMeasurement": {"symbol": "ug/m3"}} for n in ("pm", "no2")]
    things = {"value": [{"@iot.id": "air", "Datastreams": streams}]}
    (tmp_path / "things.json").write_text(json.dumps(things), encoding="utf-8")
    imported(capsys, tmp_path / "c.twin", tmp_path / "things.json", "--crs", KOREA)
    return tmp_path / "c.twin"


def test_a_table_in_local_time_and_with_decimal_commas(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "sensor;일시;값\npm;2026-07-01 09:00;21,5\npm;2026-07-01 09:05;\nno2;2026-07-01 09:00;1.234,5\npm;bald;3,0\n"
    (tmp_path / "r.csv").write_bytes(text.encode("cp949"))
    counts, said = imported(capsys, city, tmp_path / "r.csv", "--zone", "Asia/Seoul")
    assert (counts["stored"], counts["rejected_by_cause"]) == (3, {"time": 1})
    assert "line 5" in said
    with open_store(city) as store:
        history = store.history("pm")
        assert history.results == [21.5, None]
        assert history.time[0] == parse_time_us("2026-07-01T00:00:00Z")
        assert store.history("no2").results == [1234.5]


def test_a_table_without_zone_is_refused_line_by_line(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.csv").write_text(
        "time,result\n2026-07-01 09:00,1\n2026-07-01T09:00Z,2\n", encoding="utf-8"
    )
    counts, said = imported(capsys, city, tmp_path / "r.csv", "--datastream", "pm")
    assert (counts["stored"], counts["rejected_by_cause"]) == (1, {"zone": 1})
    assert "line 2" in said
    assert run(["live", "import", str(city), str(tmp_path / "r.csv"), "--zone", "Mars/Base"]) == 2


@pytest.mark.parametrize("has_zone", [True, False])
def test_parquet_of_observations(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], has_zone: bool
) -> None:
    times = pd.to_datetime(["2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"])
    values = {
        "datastream": ["pm", "no2"],
        "time": times if has_zone else times.tz_localize(None),
        "result": [1.0, None],
    }
    pd.DataFrame(values).to_parquet(tmp_path / "r.parquet")
    counts, _ = imported(capsys, city, tmp_path / "r.parquet", *(() if has_zone else ("--zone", "UTC")))
    assert counts["stored"] == 2
    with open_store(city) as store:
        assert store.history("no2").results == [None]
        assert store.history("pm").time[0] == parse_time_us("2026-03-29T01:30:00Z")


def test_a_damaged_parquet_is_an_input_error(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.parquet").write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    assert run(["live", "import", str(city), str(tmp_path / "r.parquet")]) == 3
    assert "Parquet" in capsys.readouterr().err


def test_things_and_observations_in_one_call_in_any_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "o.json").write_text(
        json.dumps(
            {"value": [{"phenomenonTime": "2026-01-01T00:00Z", "result": 3, "Datastream": {"@iot.id": 1}}]}
        ),
        encoding="utf-8",
    )
    (tmp_path / "t.json").write_text(
        json.dumps({"value": [{"@iot.id": 1, "Datastreams": [{"@iot.id": 1}]}]}), encoding="utf-8"
    )
    counts, _ = imported(
        capsys, tmp_path / "c.twin", tmp_path / "o.json", tmp_path / "t.json", "--crs", KOREA
    )
    assert counts["stored"] == 1


def test_a_city_of_things_without_a_place_takes_the_crs_of_the_first_that_has_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = [{"location": {"type": "Point", "coordinates": [129.06, 35.16]}}]
    for n, locations in enumerate(([], here)):
        things = {"value": [{"@iot.id": n, "Locations": locations}]}
        (tmp_path / "t.json").write_text(json.dumps(things), encoding="utf-8")
        imported(capsys, tmp_path / "c.twin", tmp_path / "t.json")
    assert json.loads((tmp_path / "c.twin" / "twin.json").read_text(encoding="utf-8"))["crs"] == "EPSG:32652"
    assert places(tmp_path / "c.twin")["1"] is not None


def test_observations_alone_make_no_city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "o.jsonl").write_text('{"result": 1}\n', encoding="utf-8")
    assert run(["live", "import", str(tmp_path / "c.twin"), str(tmp_path / "o.jsonl")]) == 3
    assert not (tmp_path / "c.twin").exists()
    assert "things" in capsys.readouterr().err


def stored(city: Path, stream: str) -> tuple[list[str], list[object]]:
    with open_store(city) as store:
        history = store.history(stream)
    return [iso_utc(t)[5:16] for t in history.time], history.results


FIRST_AND_SECOND = ["10-25T00:00", "10-25T00:30", "10-25T01:00", "10-25T01:30", "10-25T02:00"]


@pytest.mark.parametrize("step", [1, -1])
def test_the_hour_that_comes_twice_in_autumn(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], step: int
) -> None:
    """Two stations side by side, upwards or downwards in time: 03:00 in Helsinki is twice on 25 October."""
    clock = ["02:30", "03:00", "03:30", "03:00", "03:30", "04:00", "04:30"][::step]
    rows = [f"{s},2026-10-25 {at},{k}" for k, at in enumerate(clock) for s in ("pm", "no2")]
    (tmp_path / "r.csv").write_text("\n".join(["sensor,time,result", *rows]), encoding="utf-8")
    counts, said = imported(capsys, city, tmp_path / "r.csv", "--zone", "Europe/Helsinki")
    assert (counts["stored"], counts["duplicates"]) == (14, 0)
    wanted = ["10-24T23:30", *FIRST_AND_SECOND, "10-25T02:30"]
    assert stored(city, "pm") == (wanted, [float(k) for k in range(7)][::step])
    assert stored(city, "no2") == stored(city, "pm")
    assert "8 times lie in the hour that comes twice" in said


def test_a_result_is_not_produced_before_it_was_true() -> None:
    times = LocalTimes(ZoneInfo("Europe/Helsinki"))
    local = datetime(2026, 10, 25, 3, 10)  # noqa: DTZ001 - a time of a table that names no zone
    second = parse_time_us("2026-10-25T01:05:00Z")
    assert times.produced(local, second).isoformat() == "2026-10-25T03:10:00+02:00"
    assert times.produced(local, second - 3_600_000_000).isoformat() == "2026-10-25T03:10:00+03:00"


def test_a_point_in_a_table_of_decimal_commas_is_refused(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mark is told by the beginning of the file; what comes far behind may be written otherwise."""
    hours = (np.datetime64("2026-01-01T00:00") + np.arange(3005).astype("timedelta64[m]")).astype(str)
    values = ["1,5"] * 3000 + ["12.5", "1.234", "1.234,5", "7", "-"]
    rows = [f"pm;{at};{value}" for at, value in zip(hours, values, strict=True)]
    (tmp_path / "r.csv").write_text("\n".join(["sensor;time;result", *rows]), encoding="utf-8")
    counts, said = imported(capsys, city, tmp_path / "r.csv", "--zone", "UTC")
    assert counts["rejected_by_cause"] == {"number": 2}
    assert "line 3002" in said
    assert "'12.5' has a point" in said
    assert stored(city, "pm")[1][2999:] == [1.5, 1234.5, 7.0, None]


def test_the_datastream_of_a_line_goes_before_the_option(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = '"phenomenonTime": "2026-01-01T00:00:00Z", "result": '
    lines = [f'{{{at}1, "Datastream": {{"@iot.id": "no2"}}}}', f"{{{at}2}}"]
    (tmp_path / "o.jsonl").write_text("\n".join(lines), encoding="utf-8")
    imported(capsys, city, tmp_path / "o.jsonl", "--datastream", "pm")
    assert stored(city, "no2")[1] == [1.0]
    assert stored(city, "pm")[1] == [2.0]


@pytest.mark.parametrize("quality", ["²", "9" * 5000, "٣"])
def test_a_quality_that_is_no_count_is_suspect(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], quality: str
) -> None:
    (tmp_path / "r.csv").write_text(f"time,result,quality\n2026-07-01T09:00Z,1,{quality}\n", encoding="utf-8")
    counts, _ = imported(capsys, city, tmp_path / "r.csv", "--datastream", "pm")
    assert counts["stored"] == 1
    with open_store(city) as store:
        assert store.history("pm").quality.tolist() == [Quality.SUSPECT]
