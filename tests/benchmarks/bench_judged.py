"""Alarms, replays and the SensorThings service: rows a second and times of pages, beside a reference in the same run.

python tests/benchmarks/bench_judged.py            about a minute
python tests/benchmarks/bench_judged.py --rows 1e5
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np

from tests.live.small_store import MIN, T0, small_city
from twin.core.notices import Notices
from twin.live.alarm_engine import Engine, Watch
from twin.live.alarm_rules import FILE, Rule
from twin.live.field import field_between
from twin.live.model import Batch, Catalogue, Datastream, Thing
from twin.live.moments import iso_utc
from twin.live.replay import replay
from twin.live.sta_server import LOOPBACK, Server, serve_city
from twin.live.store import open_store

Row = tuple[str, int, int, float]
RULES = '[[rule]]\nname = "high"\nabove = 3.0\nrecover_below = 2.0\npending_s = 120\nno_data_s = 900\n'


def timed(call: Callable[[], object]) -> float:
    """Processor seconds of this process, all threads: what else runs on the machine hardly matters."""
    start = time.process_time()
    call()
    return time.process_time() - start


def rows_of(n: int, n_streams: int) -> list[Row]:
    rng = np.random.default_rng(1)
    values = np.round(2.0 + rng.normal(0, 0.7, n), 3).tolist()
    return [(f"s{k % n_streams}", T0 + k // n_streams * MIN, 0, values[k]) for k in range(n)]


def alarms(n: int) -> None:
    rows = rows_of(n, 1000)
    rule = Rule("high", above=3.0, recover_below=2.0, pending_s=120, no_data_s=900)
    engine = Engine([Watch(rule, f"s{k}") for k in range(1000)], lateness_s=60)

    def judge() -> None:
        for start in range(0, n, 5000):
            engine.take(rows[start : start + 5000])
        engine.finish()

    judged, plain = timed(judge), timed(lambda: [v >= 3.0 for _, _, _, v in rows if v == v])
    print(
        f"alarms: {n / judged:,.0f} observations judged in a processor second; comparing alone "
        f"{judged / plain:.0f} times faster"
    )


def replays(folder: Path, n: int) -> None:
    lines = []
    for stream, t, _, value in rows_of(n, 100):
        time_ = iso_utc(t)
        lines.append(
            json.dumps(
                {
                    "phenomenonTime": time_,
                    "resultTime": time_,
                    "result": value,
                    "Datastream": {"@iot.id": stream},
                }
            )
        )
    path = folder / "lines.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    logs, spent = [], []
    for name in ("one", "two"):
        city = small_city(folder / name, n_minutes=0)
        (city / FILE).write_text(RULES, encoding="utf-8")
        with open_store(city, write=True) as store:
            store.put_catalogue(Catalogue((Thing("t"),), tuple(Datastream(f"s{k}", "t") for k in range(100))))
        spent.append(timed(lambda c=city: replay(c, path, speed=0.0, notices=Notices())))  # type: ignore[misc]
        logs.append((city / "live" / "alarms.jsonl").read_bytes())
    parsed = timed(lambda: [json.loads(line) for line in lines])
    print(
        f"replay: {n / min(spent):,.0f} lines read, kept durably and judged in a processor second; "
        f"JSON alone {n / parsed:,.0f}; "
        f"two logs of {logs[0].count(10):,} events {'identical' if logs[0] == logs[1] else 'DIFFER'}"
    )


def pages(folder: Path, n: int) -> None:
    city = small_city(folder / "served", n_minutes=0)
    with open_store(city, write=True) as store:
        for start in range(0, n, 100_000):
            k = np.arange(start, min(start + 100_000, n))
            times = (T0 + k * 1_000_000).tolist()
            store.append(
                Batch(["river-1:level"] * len(k), times, times, np.sin(k / 500).tolist(), [0] * len(k))
            )
    middle = quote(f"phenomenonTime ge {iso_utc(T0 + n // 2 * 1_000_000)}")
    base = "/v1.1/Datastreams('river-1:level')/Observations"
    asked = {
        "first page of 100": f"{base}?$top=100",
        "latest 100": f"{base}?$top=100&$orderby=phenomenonTime%20desc",
        "100 from the middle": f"{base}?$top=100&$filter={middle}",
        "1000 from the middle": f"{base}?$top=1000&$filter={middle}",
        "things, all expanded": "/v1.1/Things?$expand=Locations,Datastreams($expand=ObservedProperty)",
    }
    with serve_city(city) as server, open_store(city) as store:
        reference = timed(
            lambda: store.history("river-1:level", T0 + n // 2 * 1_000_000, T0 + (n // 2 + 100) * 1_000_000)
        )
        print(f"service over {n:,} observations; 100 rows from the store itself {1000 * reference:.1f} ms")
        for name, path in asked.items():
            spent = sorted(timed(lambda p=path: get(server, p)) for _ in range(15))  # type: ignore[misc]
            print(f"  {name}: {1000 * spent[7]:.1f} ms of processor, client included (median of 15)")


def get(server: Server, path: str) -> bytes:
    connection = http.client.HTTPConnection(LOOPBACK, server.server_address[1], timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, body
    return body


def fields() -> None:
    from twin.core.grid import Bounds

    rng = np.random.default_rng(2)
    places = rng.uniform(0, 1000, (50, 2))
    values, bounds = places @ [0.01, 0.02], Bounds(0, 0, 1000, 1000)
    field_between(places, values, bounds=bounds)
    for method in ("kriging", "idw"):
        spent = timed(
            lambda m=method: field_between(places, values, bounds=bounds, cell_size_m=5.0, method=m)
        )  # type: ignore[misc,arg-type]
        print(f"field of 50 stations, 40,000 cells, {method}: {spent:.2f} processor s, stations left out too")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=float, default=5e5)
    n = int(parser.parse_args().rows)
    with tempfile.TemporaryDirectory() as name:
        alarms(n)
        replays(Path(name), min(n, 200_000))
        pages(Path(name), n)
        fields()


if __name__ == "__main__":
    main()
