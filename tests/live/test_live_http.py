"""Servers that need not be friendly: SensorThings and NGSI-LD on loopback, each with one vice."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from twin.cli.main import run
from twin.core.notices import Notices
from twin.live.fetch import Fetcher, FetchError, FetchLimits
from twin.live.sensorthings import import_sensorthings
from twin.live.store import open_store

THING = {
    "@iot.id": "t 1",
    "name": "Gauge",
    "Locations": [{"location": {"type": "Point", "coordinates": [24.95, 60.18]}}],
    "Datastreams": [{"@iot.id": 7, "unitOfMeasurement": {"symbol": "m"}}, {"@iot.id": "it's", "name": "b"}],
}


BOMB = gzip.compress(bytes(20_000_000))


class Server(ThreadingHTTPServer):
    """Answers from a table of functions by path; counts what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1.1"
        self.asked: list[str] = []
        self.vice = ""

    def observations(self, query: str) -> dict[str, Any]:
        """Three pages of two, those that a filter asks for."""
        skip = int(parse_qs(query).get("$skip", ["0"])[0])
        rows = [{"phenomenonTime": f"2026-03-01T00:0{k}:00Z", "result": k} for k in range(6)]
        wanted = parse_qs(query).get("$filter")
        if wanted:
            rows = [r for r in rows if str(r["phenomenonTime"]) >= wanted[0].split()[-1]]
        page: dict[str, Any] = {"value": rows[skip : skip + 2]}
        if skip + 2 < len(rows):
            page["@iot.nextLink"] = f"{self.url}/Datastreams(7)/Observations?$skip={skip + 2}"
        return page


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        self.server.asked.append(unquote(self.path))
        n = len(self.server.asked)
        parts = urlsplit(self.path)
        vice = self.server.vice
        if parts.path.endswith("/Things"):
            if vice == "busy" and n < 3:
                self.answer(b"", 429 if n == 1 else 503, {"Retry-After": "1"})
            elif vice == "broken":
                self.answer(b"oops", 500)
            elif vice == "file":
                self.answer(b"", 302, {"Location": "file:///etc/passwd"})
            elif vice == "elsewhere":
                self.tell({"value": [THING], "@iot.nextLink": "http://169.254.169.254/latest/meta-data"})
            elif vice == "endless":
                self.tell({"value": [], "@iot.nextLink": f"{self.server.url}/Things?$skip={n}"})
            elif vice == "circle":
                self.tell({"value": [THING], "@iot.nextLink": f"{self.server.url}/Things?again"})
            elif vice == "bomb":
                self.answer(BOMB, 200, {"Content-Encoding": "gzip"})
            elif vice == "huge":
                self.send_response(200)
                self.send_header("Content-Length", str(10 * 2**30))
                self.end_headers()
            elif vice == "loris":
                self.drip()
            elif vice == "deep":
                self.answer(b"[" * 100_000)
            else:
                self.tell({"value": [THING]})
        elif parts.path.endswith("Datastreams(7)/Observations"):
            self.tell(self.server.observations(unquote(parts.query)))
        elif parts.path.endswith("/entities"):
            self.tell(ENTITIES if "offset=0" in self.path else [])
        else:
            self.tell({"value": []})

    def tell(self, value: object) -> None:
        self.answer(json.dumps(value).encode())

    def answer(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def test_things_and_observations_page_by_page(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city = tmp_path / "c.twin"
    assert run(["live", "import", str(city), "--sensorthings", server.url]) == 0
    assert json.loads(capsys.readouterr().out)["stored"] == 6
    observed = [a for a in server.asked if "Observations" in a]
    assert all("$orderby=phenomenonTime" in a for a in observed if "$skip" not in a)
    assert any("Datastreams('it''s')" in a for a in observed)
    server.asked.clear()
    assert run(["live", "import", str(city), "--sensorthings", server.url]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["stored"], again["duplicates"], again["datastreams"]) == (0, 1, 2)
    assert "$filter=phenomenonTime ge 2026-03-01T00:05:00Z" in "".join(server.asked)


@pytest.mark.parametrize(
    ("vice", "words"),
    [
        ("broken", "answers 500"),
        ("file", "file:///etc/passwd"),
        ("elsewhere", "another host"),
        ("endless", "more than 20 pages"),
        ("circle", "had before"),
        ("bomb", "bytes for a page"),
        ("huge", "promises 10,737,418,240 bytes"),
        ("loris", "s for a page"),
        ("deep", "nested"),
    ],
)
def test_rt24_a_server_with_a_vice_is_told_and_left(
    vice: str, words: str, server: Server, tmp_path: Path
) -> None:
    server.vice = vice
    limits = FetchLimits(page_bytes=1_000_000, pages=20, page_s=0.8, total_s=30, tries=3)
    notices = Notices()
    fetcher = Fetcher(server.url + "/", limits, pause=lambda _: None)
    done = import_sensorthings(tmp_path / "c.twin", server.url, fetcher=fetcher, notices=notices)
    assert words in " ".join(notices.lines())
    has_things = vice in {"elsewhere", "circle"}
    assert len(done.catalogue.things) == has_things
    assert (tmp_path / "c.twin").exists() == has_things
    assert len(server.asked) < 40


def test_a_busy_server_is_waited_for_as_it_says(server: Server) -> None:
    server.vice = "busy"
    waits: list[float] = []
    fetcher = Fetcher(server.url + "/", pause=waits.append)
    document, _ = fetcher.page("Things")
    assert len(document["value"]) == 1
    assert waits == [1.0, 1.0]
    fetcher.close()


def test_a_server_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    fetcher = Fetcher("http://127.0.0.1:9/", FetchLimits(tries=2), pause=lambda _: None)
    with pytest.raises(FetchError, match="cannot be reached"):
        fetcher.page("Things")


def test_a_password_in_the_address_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", "import", str(tmp_path / "c"), "--sensorthings", "https://me:hunter2@host/v1.1"]) == 2
    assert "hunter2" not in capsys.readouterr().err


ENTITIES = [
    {
        "id": "urn:ngsi-ld:AirQualityObserved:1",
        "type": "AirQualityObserved",
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [129.06, 35.16]}},
        "pm25": {"type": "Property", "value": 21.5, "unitCode": "GQ", "observedAt": "2026-03-01T00:00:00Z"},
        "temperature": {"type": "Property", "value": 59, "unitCode": "FAH", "observedAt": "2026-03-01T00:00:00Z"},
        "o3": {"type": "Property", "value": "1,5", "observedAt": "2026-03-01T00:00:00Z"},
    },
    {"id": "urn:bus", "type": "Vehicle", "location": {"type": "Point", "coordinates": [129.06, 35.16]},
     "speed": 30, "heading": 90, "dateObserved": "2026-03-01T00:00:00Z"},
    {"type": "nobody"},
]  # fmt: skip


def test_entities_of_a_platform(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = tmp_path / "busan.twin"
    base = server.url.removesuffix("/v1.1")
    assert run(["live", "ingest", str(city), "--ngsi-ld", base, "--type", "AirQualityObserved"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert server.asked[0].startswith("/ngsi-ld/v1/entities?type=AirQualityObserved&limit=")
    assert counts["rejected_by_cause"] == {"thing": 1}
    with open_store(city) as store:
        found = dict(zip(store.latest().datastreams, store.latest().results, strict=True))
        assert found["urn:ngsi-ld:AirQualityObserved:1:pm25"] == 21.5
        assert found["urn:ngsi-ld:AirQualityObserved:1:temperature"] == pytest.approx(15.0)
        assert found["urn:bus:speed"] == 30.0
        assert store.catalogue().datastream("urn:ngsi-ld:AirQualityObserved:1:pm25").unit == "ug/m3"
        assert store.latest().position[list(found).index("urn:bus:speed")][0] > 0


RULE = """
[[rule]]
name = "high"
datastream = "{}"
above = {}
recover_below = 0.5
"""


def rules_for(city: Path, datastream: str, above: float) -> None:
    (city / "live" / "alarms.toml").write_text(RULE.format(datastream, above), encoding="utf-8")


def fired(city: Path) -> list[tuple[str, float]]:
    path = city / "live" / "alarms.jsonl"
    rows = (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )
    return [(row["time"], row["value"]) for row in rows if row["event"] == "fired"]


def test_what_a_server_gives_is_judged(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city = tmp_path / "c.twin"
    args = ["live", "import", str(city), "--sensorthings", server.url, "--since", "2026-03-01T00:00:00Z"]
    assert run(args) == 0
    rules_for(city, "7", 3.0)
    assert run([*args, "--no-alarms"]) == 0
    assert "alarm_events" not in capsys.readouterr().out
    assert fired(city) == []
    assert run(args) == 0
    assert json.loads(capsys.readouterr().out)["alarm_events"] == 1
    log = (city / "live" / "alarms.jsonl").read_bytes()
    assert fired(city) == [("2026-03-01T00:03:00Z", 3.0)]
    assert run(args) == 0
    assert json.loads(capsys.readouterr().out)["alarm_events"] == 0
    assert (city / "live" / "alarms.jsonl").read_bytes() == log


def test_entities_are_judged(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = tmp_path / "busan.twin"
    args = ["live", "ingest", str(city), "--ngsi-ld", server.url.removesuffix("/v1.1")]
    assert run(args) == 0
    rules_for(city, "*:pm25", 20.0)
    assert run([*args, "--no-alarms"]) == 0
    capsys.readouterr()
    assert run(args) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["alarm_events"] == 1
    assert fired(city) == [("2026-03-01T00:00:00Z", 21.5)]
