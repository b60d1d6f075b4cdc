"""Other tools read a city by SensorThings; whatever they send harms nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.live.small_store import CATALOGUE, MIN, SCRIPT, T0, small_city
from twin.core.errors import InputError, UsageError
from twin.live import sta_server
from twin.live.model import Catalogue, Datastream, Observation, Thing, batch_of
from twin.live.moments import iso_utc
from twin.live.sta_filter import FilterError, holds, parse_filter
from twin.live.sta_query import parse_options, parse_path
from twin.live.sta_server import LOOPBACK, Server, serve_city
from twin.live.store import open_store

LEVEL = "/Datastreams('river-1:level')/Observations"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve_city(small_city(tmp_path_factory.mktemp("served") / "city")) as running:
        yield running


def ask(
    server: Server, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(LOOPBACK, server.server_address[1], timeout=20)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
    is_json = answer.headers["Content-Type"].startswith("application/json")
    return answer.status, json.loads(body) if is_json and body else body.decode()


def get(server: Server, path: str, **options: Any) -> Any:
    """The answer to a path below the version with its options."""
    query = "&".join(f"${k}={quote(str(v), safe='')}" for k, v in options.items())
    address = "/v1.1" + quote(path, safe="/()',:@")
    status, answer = ask(server, f"{address}?{query}" if query else address)
    assert status == 200, answer
    return answer


def results(answer: Any) -> list[Any]:
    return [row["result"] for row in answer["value"]]


def test_the_root_names_the_sets(server: Server) -> None:
    home = get(server, "")
    names = [row["name"] for row in home["value"]]
    assert {"Things", "Locations", "Datastreams", "ObservedProperties", "Observations"} <= set(names)
    for row in home["value"]:
        assert ask(server, urlsplit(row["url"]).path)[0] == 200


def test_things_as_they_are(server: Server) -> None:
    things = get(server, "/Things", count="true")
    assert things["@iot.count"] == 3
    assert [t["@iot.id"] for t in things["value"]] == ["river-1", "it's", "bus"]
    assert things["value"][1]["name"] == SCRIPT
    assert things["value"][1]["properties"]["bound_to"] == {"kind": "building", "target": "ED-1"}


def test_every_link_leads_to_what_it_says(server: Server) -> None:
    for kind in ("Things", "Datastreams", "ObservedProperties", "Locations", "Sensors"):
        for entity in get(server, f"/{kind}")["value"]:
            status, same = ask(server, urlsplit(entity["@iot.selfLink"]).path)
            assert (status, same["@iot.id"]) == (200, entity["@iot.id"])
            for key, link in entity.items():
                if key.endswith("navigationLink"):
                    assert ask(server, urlsplit(link).path)[0] == 200, link


def test_locations_are_longitude_and_latitude(server: Server) -> None:
    place = get(server, "/Things('river-1')/Locations")["value"][0]["location"]
    lon, lat, height = place["coordinates"]
    assert (round(lon, 5), round(lat, 5), height) == (128.91572, 35.12414, 3.6)
    assert get(server, "/Things('bus')/Locations")["value"] == []


def test_expanded_and_nested(server: Server) -> None:
    inner = "Datastreams($expand=ObservedProperty,Observations($top=1;$orderby=phenomenonTime desc;$select=result))"
    thing = get(server, "/Things('river-1')", expand=f"Locations,{inner}")
    level = thing["Datastreams"][0]
    assert level["ObservedProperty"]["name"] == "water_level"
    assert level["Observations"] == [{"result": level["Observations"][0]["result"]}]
    assert level["phenomenonTime"] == f"{iso_utc(T0)}/{iso_utc(T0 + 249 * MIN)}"
    assert thing["Locations"][0]["encodingType"] == "application/geo+json"
    back = get(server, LEVEL, top=1, expand="Datastream/Thing")["value"][0]
    assert back["Datastream"]["Thing"]["@iot.id"] == "river-1"


@pytest.mark.parametrize(
    ("where", "n"),
    [
        ("phenomenonTime ge 2026-08-28T04:00:00Z and phenomenonTime lt 2026-08-28T04:10:00Z", 10),
        ("phenomenonTime ge 2026-08-28T13:00:00+09:00 and phenomenonTime lt 2026-08-28T13:10:00+09:00", 10),
        ("phenomenonTime lt 2026-08-28T03:02:00Z or phenomenonTime ge 2026-08-28T07:09:00.000Z", 3),
        ("resultTime le 2026-08-28T03:00:01.25Z", 1),
        ("result gt 2.9", 38),
        ("not (result le 2.9)", 38),
        ("2.9 lt result", 38),
        ("result eq 1.0 and phenomenonTime eq 2026-08-28T03:00:00Z", 1),
        ("result eq 'open'", 0),
        ("result eq null", 0),
    ],
)
def test_observations_by_filter(server: Server, where: str, n: int) -> None:
    found = get(server, LEVEL, filter=where, count="true", top=1000)
    assert found["@iot.count"] == len(found["value"]) == n


def test_results_of_every_kind(server: Server) -> None:
    gate = get(server, "/Datastreams('river-1:gate')/Observations", filter="result eq 'closed'")
    assert results(gate) == ["closed"]
    assert get(server, "/Observations", filter="result eq null")["value"][0]["result"] is None
    bad = get(server, LEVEL, filter="phenomenonTime eq 2026-08-28T04:17:00Z")["value"][0]
    assert bad["resultQuality"] == "invalid"


def test_pages_hold_everything_once_and_in_order(server: Server) -> None:
    answer = get(server, LEVEL, top=60, orderby="phenomenonTime desc", filter="result gt -10")
    seen = []
    while True:
        seen += [row["phenomenonTime"] for row in answer["value"]]
        link = answer.get("@iot.nextLink")
        if link is None:
            break
        parts = urlsplit(link)
        status, answer = ask(server, f"{parts.path}?{parts.query}")
        assert status == 200
    assert len(seen) == 250
    assert seen == sorted(seen, reverse=True)


def test_entities_by_filter_and_order(server: Server) -> None:
    def ids(kind: str, **options: Any) -> list[str]:
        return [e["@iot.id"] for e in get(server, kind, **options)["value"]]

    assert ids("/Things", filter="properties/kind eq 'river'") == ["river-1"]
    assert ids("/Things", filter="substringof('script', name)") == ["it's"]
    assert ids("/Datastreams", filter="ObservedProperty/name eq 'pm2_5' or Thing/name eq 'Bridge gauge'") == [
        "river-1:level", "river-1:gate", "it's:pm2_5",
    ]  # fmt: skip
    assert ids("/Datastreams", filter="unitOfMeasurement/symbol eq 'm'") == ["river-1:level"]
    assert ids("/Things", orderby="name desc", top=1) == ["bus"]
    assert ids("/Datastreams", skip=2, top=1) == ["it's:pm2_5"]
    assert get(server, "/Datastreams", select="name,id", top=1)["value"] == [
        {"@iot.id": "river-1:level", "name": "Level"}
    ]


def test_single_properties(server: Server) -> None:
    assert get(server, "/Things('river-1')/name") == {"name": "Bridge gauge"}
    assert get(server, "/Things('river-1')/name/$value") == "Bridge gauge"
    one = get(server, LEVEL, top=1)["value"][0]["@iot.id"]
    assert get(server, f"/Observations('{one}')/result") == {"result": 1.0}


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/v1.1/Nothing", 404, "no set of entities"),
        ("/v1.1/Things('none')", 404, "not among Things"),
        ("/v1.1/Observations('river-1:level@1')", 404, "not there"),
        ("/v1.1/Observations('x')", 404, "no observation"),
        ("/v1.1/Things('river-1')/nothing", 404, "no property"),
        ("/v1.1/Things?$filter=nme%20eq%201", 400, "did you mean 'name'"),
        ("/v1.1/Things?$filter=name%20is%201", 400, "no comparison"),
        ("/v1.1/Things?$filter=(name%20eq%20'a'", 400, "missing"),
        ("/v1.1/Things?$filter=" + "(" * 100, 400, "levels"),
        ("/v1.1/Things?$filter=" + "a" * 5000, 400, "limit"),
        ("/v1.1/Observations?$filter=result%20gt%20result", 400, "compares two"),
        ("/v1.1/Observations?$filter=1%20gt%200;DROP%20TABLE%20thing", 400, "$filter"),
        ("/v1.1/Observations?$filter=phenomenonTime%20gt%20'2026'", 400, "a time with what is none"),
        ("/v1.1/Observations?$filter=resultTime%20gt%205", 400, "a time with what is none"),
        ("/v1.1/Observations?$filter=result%20gt%202026-08-28T03:00:00Z", 400, "a time with what is none"),
        ("/v1.1/Datastreams?$filter=phenomenonTime%20gt%202026-08-28T03:00:00Z", 400, "is a span"),
        ("/v1.1/Datastreams?$orderby=phenomenonTime", 400, "is a span"),
        ("/v1.1/Observations?$orderby=result;--", 400, "not known"),
        ("/v1.1/Things?$top=-1", 400, "$top"),
        ("/v1.1/Things?$top=1&$top=2", 400, "twice"),
        ("/v1.1/Things?$skip=99999999999", 400, "$skip"),
        ("/v1.1/Things?$tpo=1", 400, "did you mean '$top'"),
        ("/v1.1/Things?$expand=Observations", 400, "no way from Things"),
        ("/v1.1/Things?$expand=Datastreams(", 400, "bracket"),
        ("/v1.1/" + "Things('river-1')/Datastreams/" * 9, 400, "parts"),
        ("/v1.1/..%2f..%2fetc%2fpasswd", 400, "leaves"),
        ("/../../etc/passwd", 400, "leaves"),
        ("/v1.1/%00", 400, "leaves"),
        ("/etc/passwd", 404, "nothing here"),
        ("//etc/passwd", 404, "nothing here"),
        ("/v1.0/Things", 404, "/v1.1"),
    ],
)
def test_requests_without_sense(server: Server, path: str, status: int, told: str) -> None:
    found, answer = ask(server, path)
    assert found == status
    assert told in answer["message"]
    assert "Traceback" not in str(answer)


@pytest.mark.parametrize("name", ["../../etc", "a\0b\\c", "=x(')/..", "#?&%/", "it's/'quoted'"])
def test_links_to_ids_that_look_like_something_else(tmp_path: Path, name: str) -> None:
    city = small_city(tmp_path / "c.twin", n_minutes=1)
    with open_store(city, write=True) as store:
        store.put_catalogue(Catalogue((Thing(name),), (Datastream(f"{name}:d", name),)))
        store.append(batch_of([Observation(f"{name}:d", T0, T0, 4.5)]))
    with serve_city(city) as running:
        told = get(running, "/Things", skip=3, expand="Datastreams/Observations")["value"][0]
        stream = told["Datastreams"][0]
        for entity in (told, stream, stream["Observations"][0]):
            link = urlsplit(entity["@iot.selfLink"])
            assert ask(running, link.path)[1]["@iot.id"] == entity["@iot.id"]


def test_ids_of_digits_are_compared_as_what_they_are(tmp_path: Path) -> None:
    city = small_city(tmp_path / "c.twin", n_minutes=1)
    with open_store(city, write=True) as store:
        store.put_catalogue(Catalogue((Thing("7"),), (Datastream("11", "7"),)))
        store.append(batch_of([Observation("11", T0, T0, 4.5)]))
    with serve_city(city) as running:
        assert len(get(running, "/Things", filter="@iot.id eq 7")["value"]) == 1
        assert len(get(running, "/Datastreams", filter="Thing/id eq '7'")["value"]) == 1
        assert results(get(running, "/Observations", filter="Datastream/id eq 11")) == [4.5]
        assert results(get(running, "/Observations", filter="11 eq Datastream/@iot.id")) == [4.5]


def test_what_a_writer_adds_is_there_with_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sta_server, "KEEP_SECONDS", 1e9)
    city = small_city(tmp_path / "c.twin", n_minutes=1)
    with serve_city(city) as running, open_store(city, write=True) as store:
        assert get(running, "/Datastreams", count="true", top=0)["@iot.count"] == 4
        store.put_catalogue(Catalogue((Thing("new"),), (Datastream("new:a", "new"),)))
        store.append(batch_of([Observation("new:a", T0 + 999 * MIN, T0, 4.5)]))
        newest = get(
            running, "/Observations", orderby="phenomenonTime desc", top=1, expand="Datastream/Thing"
        )
        assert newest["value"][0]["Datastream"]["Thing"]["@iot.id"] == "new"
        assert get(running, "/Datastreams", count="true", top=0)["@iot.count"] == 5


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_only_reading(server: Server, method: str) -> None:
    status, answer = ask(server, "/v1.1/Things", method=method)
    assert status == 405
    assert "GET" in answer["message"]


def test_head_has_no_body(server: Server) -> None:
    assert ask(server, "/v1.1/Things", method="HEAD") == (200, "")


def test_other_hosts_are_not_answered(server: Server) -> None:
    """A page elsewhere whose name leads here reads nothing."""
    assert ask(server, "/v1.1/Things", headers={"Host": "evil.example:80"})[0] == 403
    assert server.server_address[0] == "127.0.0.1"


def raw(server: Server, data: bytes, *, seconds: float = 10.0) -> bytes:
    """What comes back for bytes as they are."""
    with socket.create_connection((LOOPBACK, server.server_address[1]), timeout=seconds) as client:
        with contextlib.suppress(OSError):
            client.sendall(data)
        answer = b""
        with contextlib.suppress(OSError):
            while part := client.recv(65536):
                answer += part
    return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (
            b"GET /v1.1/Things?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b" 414 ",
        ),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 414 "),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n", b" 431 "),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", b" 431 "),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b" 400 "),
        (b"GET / HTTP/9.9\r\n\r\n", b" 505 "),
        (b"GET /v1.1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", b" 400 "),
        (b"nonsense\r\n\r\n", b" 400 "),
    ],
)
def test_broken_requests(server: Server, data: bytes, status: bytes) -> None:
    assert status in raw(server, data).split(b"\r\n")[0]
    assert ask(server, "/v1.1")[0] == 200


def test_slow_and_idle_clients_are_let_go(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sta_server, "REQUEST_SECONDS", 0.5)
    began = time.monotonic()
    address = (LOOPBACK, server.server_address[1])
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(1000)]
        assert ask(server, "/v1.1/Things")[0] == 200  # while they wait
        drip = stack.enter_context(socket.create_connection(address, timeout=20))
        with contextlib.suppress(OSError):
            for character in b"GET / HTTP/1.1\r\nX: " + b"a" * 1000:
                drip.sendall(bytes([character]))
                time.sleep(0.05)
        assert time.monotonic() - began < 30  # the thousand bytes would take 50 s
        for client in idle:
            with contextlib.suppress(ConnectionError):
                assert client.recv(1000) == b""
    assert ask(server, "/v1.1/Things")[0] == 200


def test_a_client_of_others_reads_it(server: Server) -> None:
    client = pytest.importorskip("frost_sta_client")
    service = client.SensorThingsService(f"{server.root}/v1.1")
    things = service.things().query().expand("Locations,Datastreams").list()
    assert sorted(t.name for t in things) == sorted(t.name for t in CATALOGUE.things)
    stream = next(d for d in service.datastreams().query().list().entities if d.id == "river-1:level")
    assert stream.unit_of_measurement.symbol == "m"
    query = service.observations().query().filter("Datastream/id eq 'river-1:level' and result gt 2.9")
    rows = list(query.orderby("phenomenonTime", "desc").top(10).list())
    assert len(rows) == 38
    assert rows[0].phenomenon_time > rows[-1].phenomenon_time


def test_no_observations_and_a_taken_port(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError), serve_city(tmp_path):
        pass
    city = small_city(tmp_path / "city", n_minutes=3)
    with pytest.raises(UsageError, match="--port"), serve_city(city, port=server.server_address[1]):
        pass


def test_new_observations_are_seen_at_once(tmp_path: Path) -> None:
    from twin.live.model import Batch
    from twin.live.store import open_store

    city = small_city(tmp_path / "city", n_minutes=3)
    with serve_city(city) as running:
        assert len(get(running, LEVEL)["value"]) == 3
        with open_store(city, write=True) as store:
            store.append(Batch(["river-1:level"], [T0 + 9 * MIN], [T0 + 9 * MIN], [7.5], [0]))
        assert results(get(running, LEVEL))[-1] == 7.5


def test_filters_without_a_server() -> None:
    tree = parse_filter(
        "startswith(name, 'Gauge') and not (n lt 3 or flag eq true) or t gt 2026-01-01T00:00Z"
    )
    values: dict[str, Any] = {"name": "Gauge 1", "n": 3.0, "flag": False, "t": "2025-06-01T00:00:00Z"}
    assert holds(tree, values.get)
    assert not holds(tree, {**values, "flag": True}.get)
    assert holds(tree, {**values, "flag": True, "t": "2026-06-01T00:00:00+09:00"}.get)
    assert not holds(parse_filter("n gt 'a'"), values.get)
    with pytest.raises(FilterError):
        parse_filter("name eq")


def test_paths_and_options_without_a_server() -> None:
    assert parse_path("/Things(1)/Datastreams") == [("Things", "1"), ("Datastreams", None)]
    assert parse_path("/Things('a/b')") == [("Things", "a/b")]
    options = parse_options("$expand=A($expand=B($top=2)),C/D&$top=5000")
    assert [name for name, _ in options.expand] == ["A", "C"]
    assert options.expand[0][1].expand[0][1].top == 2
    assert options.page == 1000
