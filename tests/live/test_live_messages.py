"""Messages to observations, without a broker: SensorThings, vehicles, mapped ones, and what is none."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path

import pytest

from twin.core.crs import parse_crs
from twin.core.errors import ConfigError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.live.arrivals import Arrivals, Message
from twin.live.intake import Intake
from twin.live.mapping import read_mapping
from twin.live.memory import Memory
from twin.live.messages import Decoder
from twin.live.model import Catalogue, Datastream, Place, Thing
from twin.live.ngsi import EntityReader
from twin.live.places import Locator
from twin.live.sniffing import Sniffed
from twin.live.times import now_us, parse_time_us

HFP = Path(__file__).resolve().parents[3] / "shared" / "data" / "sensors" / "hsl_hfp"
KNOWN = Catalogue((Thing("gauge"),), (Datastream("level", "gauge", unit="m"), Datastream("11", "gauge")))
HELSINKI = Locator(parse_crs("EPSG:3879"), Bounds(25490000, 6660000, 25520000, 6690000))


def decoder(rules: tuple[object, ...] = ()) -> Decoder:
    intake = Intake(memory=Memory(KNOWN), catalogue=KNOWN)
    return Decoder(intake, HELSINKI, rules)  # type: ignore[arg-type]


def message(topic: str, payload: object, *, retained: bool = False) -> Message:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(topic, data, retained, now_us())


def taken(made: Decoder, *messages: Message) -> dict[str, object]:
    arrivals = Arrivals()
    for one in messages:
        arrivals.put(one)
    for one in arrivals.take():
        made.take(one)
    made.intake.flush()
    assert made.intake.memory is not None
    now = made.intake.memory.as_of(now_us())
    return dict(zip(now.datastreams, now.results, strict=True))


@pytest.mark.parametrize(
    "topic",
    [
        "v1.1/Datastreams(level)/Observations",
        "frost/v1.1/Datastreams('level')/Observations",
        "v1.0/Observations",
    ],
)
def test_sensorthings_by_topic(topic: str) -> None:
    entry = {"phenomenonTime": "2026-03-01T00:00:00Z", "result": 1.5, "Datastream": {"@iot.id": "level"}}
    assert taken(decoder(), message(topic, entry))["level"] == 1.5


def test_a_numeric_id_in_the_topic() -> None:
    assert taken(decoder(), message("v1.1/Datastreams(11)/Observations", {"result": 4}))["11"] == 4.0


def test_a_message_without_time_counts_from_now_unless_it_was_kept() -> None:
    made = decoder()
    taken(made, message("v1.1/Datastreams(11)/Observations", {"result": 4}, retained=True))
    assert made.intake.counts.rejected_by_cause == {"time": 1}


def test_a_retained_message_of_last_year_is_as_old_as_it_says() -> None:
    made = decoder()
    entry = {"phenomenonTime": "2025-03-01T00:00:00Z", "result": 1.5}
    taken(made, message("v1.1/Datastreams(level)/Observations", entry, retained=True))
    assert made.intake.memory is not None
    now = made.intake.memory.as_of(now_us())
    assert now.time[0] == parse_time_us("2025-03-01T00:00:00Z")
    assert now.age_s[0] > 86_400


@pytest.mark.parametrize(
    ("payload", "cause"),
    [
        (b"{", "json"),
        (b"\xff\xfe", "json"),
        (b"[1, 2]", "json"),
        (b"[" * 100_000, "nesting"),
        (b'{"result": 1, "note": "' + b"x" * 2_000_000 + b'"}', "limit"),
        (b'{"result": NaN}', "finite"),
        (b"{}", "result"),
        (b'{"result": true}', "number"),
    ],
)
def test_bad_payloads_are_counted_by_cause(payload: bytes, cause: str) -> None:
    made = decoder()
    taken(made, message("v1.1/Datastreams(level)/Observations", payload))
    assert made.intake.counts.rejected_by_cause == {cause: 1}


def test_a_text_is_no_longer_than_a_memory_can_hold_many_of() -> None:
    known = Catalogue((Thing("t"),), (Datastream("t:note", "t", result_type="text"),))
    intake = Intake(memory=Memory(known), catalogue=known)
    topic = "v1.1/Datastreams(t:note)/Observations"
    taken(Decoder(intake, HELSINKI), *(message(topic, {"result": "x" * n}) for n in (4_096, 4_097)))
    assert (intake.counts.stored, intake.counts.rejected_by_cause) == (1, {"limit": 1})


def test_ids_with_half_a_character_are_those_of_their_things() -> None:
    known = Catalogue((Thing("?"),), (Datastream("?:v", "?"),))  # as they are when they were imported
    intake = Intake(memory=Memory(known), catalogue=known)
    entry = {"result": 4.5, "Datastream": {"@iot.id": "\ud83d:v"}}
    assert taken(Decoder(intake, HELSINKI), message("v1.1/Observations", entry)) == {"?:v": 4.5}


def test_long_topics_are_not_remembered() -> None:
    made = decoder()
    taken(made, message("city/" + "x" * 60_000, {"pm": 1}), message("city/air", {"pm": 1}))
    assert made.intake.counts.rejected_by_cause == {"mapping": 2}
    assert list(made.routes) == ["city/air"]


def test_the_same_fault_of_a_topic_is_told_once() -> None:
    made, notices = decoder(), Notices()
    taken(made, *(message(topic, {"pm": 1}) for topic in ("a/b", "a/b", "a/c", "a/b")))
    made.intake.tell(notices)
    (note,) = notices.as_json()
    assert note["messages"][0].startswith("a/b: no rule of the mapping fits this topic; a/c: no rule")
    assert "(and 2 more)" in note["messages"][0]


def test_unknown_topics_and_datastreams_are_counted() -> None:
    made = decoder()
    taken(made, message("city/air", {"pm": 1}), message("v1.1/Datastreams(999)/Observations", {"result": 1}))
    assert made.intake.counts.rejected_by_cause == {"mapping": 1, "unknown_datastream": 1}


@pytest.mark.skipif(not HFP.is_dir(), reason="the recorded vehicle positions are not beside the checkout")
@pytest.mark.realdata
def test_vehicles_of_helsinki_move() -> None:
    made = decoder()
    for file in sorted(HFP.glob("*.json")):
        made.take(message("/hfp/v2/journey/ongoing/vp/bus/0022/00817/4413/2/x", file.read_bytes()))
    made.intake.flush()
    assert made.intake.counts.rejected == 0
    assert {t.place.kind for t in made.intake.catalogue.things if t.id.startswith("hfp:")} == {"moving"}
    assert made.intake.memory is not None
    now = made.intake.memory.as_of(now_us())
    place = dict(zip(now.datastreams, now.position, strict=True))["hfp:22-817:speed"]
    assert 25_490_000 < place[0] < 25_500_000  # longitude 24.84 lies west of the zone's meridian at 25
    assert place[3] == pytest.approx(245.14, abs=0.01)  # true north 245, grid north 0.14 to the west of it
    assert math.isnan(place[2])


@pytest.mark.parametrize(("longitude", "turned"), [(24.0, 90.87), (25.0, 90.0), (26.0, 89.13)])
def test_headings_are_turned_from_true_north_to_that_of_the_map(longitude: float, turned: float) -> None:
    place = {"type": "Point", "coordinates": [longitude, 60.2]}
    found = HELSINKI.moved(place, 90)
    assert found is not None
    assert found[3] == pytest.approx(turned, abs=0.01)
    unknown = HELSINKI.moved(place, None)
    assert unknown is not None
    assert math.isnan(unknown[3])


def test_a_vehicle_without_a_place_or_with_nulls() -> None:
    event = {
        "veh": 7,
        "oper": 22,
        "tst": "2026-03-01T00:00:00.123Z",
        "lat": None,
        "long": None,
        "spd": None,
        "dl": -5,
    }
    made = decoder()
    results = taken(made, message("/hfp/v2/journey/ongoing/vp/tram/0022/00007/", {"VP": event}))
    assert results["hfp:22-7:speed"] is None
    assert results["hfp:22-7:delay"] == -5.0
    bad = {"VP": {**event, "lat": 91.0, "long": 25.0}}
    taken(made, message("/hfp/v2/journey/ongoing/vp/tram/0022/00007/", bad))
    assert made.intake.counts.rejected_by_cause == {"position": 1}


MAP = """
[[message]]
topic = "city/{area}/air/{station}"
thing = "air-{station}"
time = "ts"
time_format = "ms"
x = "pos.lon"
y = "pos.lat"

[[message.result]]
path = "values.pm25"
datastream = "pm2_5"
property = "pm2_5"
unit = "ug/m3"

[[message.result]]
path = "values.level"
datastream = "level"
property = "water level"
unit = "ft"
zero_m = 1.0

[[message]]
topic = "door/{id}"
thing = "door-{id}"

[[message.result]]
datastream = "open"
type = "any"

[[message]]
topic = "gateway"
each = "readings"
thing = "node-{.node}"

[[message.result]]
path = "v"
datastream = "{.kind}"
"""


def mapped(tmp_path: Path, text: str = MAP) -> tuple[Decoder, Notices]:
    (tmp_path / "map.toml").write_text(text, encoding="utf-8")
    notices = Notices()
    return decoder(read_mapping(tmp_path / "map.toml", notices=notices)), notices


def test_messages_of_any_shape_by_a_mapping(tmp_path: Path) -> None:
    made, _ = mapped(tmp_path)
    air = {
        "ts": 1_772_323_200_000,
        "pos": {"lon": 24.95, "lat": 60.18},
        "values": {"pm25": 12.5, "level": 10},
    }
    readings = [{"node": 1, "kind": "t", "v": 20.5}, {"node": 2, "kind": "rh", "v": 44}]
    results = taken(
        made,
        message("city/kallio/air/7", air),
        message("door/3", b'"open"'),
        message("gateway", {"readings": readings}),
    )
    assert results["air-7:pm2_5"] == 12.5
    assert results["air-7:level"] == pytest.approx(3.048)
    assert (results["door-3:open"], results["node-1:t"], results["node-2:rh"]) == ("open", 20.5, 44.0)
    catalogue = made.intake.catalogue
    assert catalogue.datastream("air-7:level").drives_water
    assert catalogue.thing("air-7").place.position is not None
    assert made.intake.counts.rejected == 0


@pytest.mark.parametrize(
    ("topic", "payload", "cause"),
    [
        ("city/a/air/7", {"ts": "yesterday", "values": {"pm25": 1}}, "time"),
        ("city/a/air/7", {"ts": 9_999_999_999_999, "values": {"pm25": 1}}, "future"),
        ("city/a/air/7", {"ts": 1_772_323_200_000}, "result"),
        ("city/a/air/7", {"ts": 1, "values": {"pm25": "1,25"}}, "number"),
        ("city/a/air/7", {"ts": 1, "pos": {"lon": 999, "lat": 1}, "values": {"pm25": 1}}, "position"),
        ("gateway", {"readings": [{"kind": "t", "v": 1}]}, "thing"),
        ("gateway", {"readings": 5}, "json"),
    ],
)
def test_mapped_messages_that_do_not_fit(tmp_path: Path, topic: str, payload: object, cause: str) -> None:
    made, _ = mapped(tmp_path)
    taken(made, message(topic, payload))
    assert made.intake.counts.as_json()["rejected_by_cause"] == {cause: 1}
    assert made.intake.counts.stored == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "message"),
        ("[[message]]\ntopic = 'a'\nthing = 't'\n", "result"),
        ("[[message]]\ntopik = 'a'\n", "did you mean 'topic'"),
        ("[[message]]\ntopic = '{a}/{a}'\nthing = 't'\n[[message.result]]\ndatastream = 'd'\n", "pattern"),
        ("[[message]]\ntopic = 'a'\nthing = 't'\ntime_format = 'unix'\n", "'unix'"),
    ],
)  # fmt: skip
def test_a_mapping_with_a_mistake_names_it(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        mapped(tmp_path, text)


def test_se06_a_password_in_the_mapping_is_told_and_not_used(tmp_path: Path) -> None:
    _, notices = mapped(tmp_path, 'password = "hunter2"\n' + MAP)
    (line,) = notices.lines()
    assert "password" in line
    assert "hunter2" not in line


def test_a_source_cannot_fill_the_catalogue_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twin.live.intake.MAX_DATASTREAMS", 10)
    made, _ = mapped(tmp_path)
    taken(made, *(message(f"door/{k}", b"1") for k in range(50)))
    assert made.intake.counts.stored == 8
    assert made.intake.counts.rejected_by_cause == {"thing": 42}


def test_what_is_sniffed_becomes_a_mapping_that_fits(tmp_path: Path) -> None:
    heard = Sniffed()
    for k in range(6):
        air = {
            "ts": 1_772_323_200_000 + k,
            "id": 5,
            "pos": {"lon": 24.9, "lat": 60.2},
            "pm25": {"value": 1.0 + k},
        }
        heard.hear(message(f"city/kallio/air/{k % 2}", air))
    heard.hear(message("v1.1/Datastreams(level)/Observations", {"result": 1}))
    heard.hear(message("raw/temperature", b"21.5"))
    heard.hear(message("log", b"reconnected \x1b[31m"))
    assert heard.n_messages == 9
    text = heard.draft()
    rules = {rule["topic"]: rule for rule in tomllib.loads(text)["message"]}
    assert rules["city/kallio/air/{level4}"]["time_format"] == "ms"
    made, _ = mapped(tmp_path, text)
    results = taken(made, message("city/kallio/air/1", air), message("raw/humidity", b"44"))
    assert results["1:pm25"] == 6.0
    assert made.intake.counts.stored == 2


def test_a_new_datastream_of_a_known_thing_leaves_the_thing_as_it_is(tmp_path: Path) -> None:
    made, _ = mapped(tmp_path)
    known = Thing("air-7", "측정소", "On a mast", Place("building", (1.0, 2.0, 3.0), "B7"), {"owner": "city"})
    bare = Thing("air-8", "Without a place")
    made.intake.learn(Catalogue((known, bare)))
    first = {"ts": 1_772_323_200_000, "pos": {"lon": 24.95, "lat": 60.18}, "values": {"pm25": 12.5}}
    second = {**first, "values": {"level": 10}}
    for batch in ([first], [second]):
        taken(made, *(message(f"city/kallio/air/{n}", air) for n in (7, 8) for air in batch))
    catalogue = made.intake.catalogue
    assert catalogue.thing("air-7") == known
    assert catalogue.thing("air-8").name == "Without a place"
    assert catalogue.thing("air-8").place.position is not None
    assert {d.id for d in catalogue.datastreams} > {"air-7:pm2_5", "air-7:level", "air-8:level"}


def test_a_new_property_of_an_entity_leaves_its_place() -> None:
    intake = Intake(memory=Memory(Catalogue()))
    reader = EntityReader(intake, HELSINKI, "server", Notices())
    place = {"type": "Point", "coordinates": [24.95, 60.18]}
    entity = {
        "id": "e1",
        "type": "Air",
        "name": "Mast",
        "location": place,
        "dateObserved": "2026-03-01T00:00:00Z",
    }
    reader.take({**entity, "pm25": 1.0})
    intake.flush()
    first = intake.catalogue.thing("e1")
    assert first.place.position is not None
    for more in ({"pm10": 2.0}, {"o3": 3.0, "name": "Mast", "location": None}):
        reader.take({**entity, "pm25": 1.0, **more})
        intake.flush()
    assert intake.catalogue.thing("e1") == first
    assert [d.id for d in intake.catalogue.datastreams] == ["e1:pm25", "e1:pm10", "e1:o3"]
