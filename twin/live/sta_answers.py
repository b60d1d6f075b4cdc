"""Answers to SensorThings requests: entities, pages, links; from a catalogue and a store that is only read."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from twin.core.visible_text import visible_text
from twin.live.moments import iso_utc
from twin.live.sta_entities import SETS, WAYS, observation, observation_key
from twin.live.sta_filter import FilterError, holds, to_sql
from twin.live.sta_query import Options, parse_options, parse_path
from twin.live.toml_tables import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.live.sta_entities import Entity, World
    from twin.live.store import Store

VERSION = "v1.1"
MAX_ENTITIES = 20_000
"""Of one answer, expanded ones with it."""
MAX_SECONDS = 10.0
_COLUMNS = "o.time, o.result_time, o.result, o.quality, o.x, o.y, o.z, o.heading"
_ASKED = {
    "phenomenonTime": "o.time",
    "resultTime": "o.result_time",
    "result": "o.result",
    "Datastream/id": "(SELECT id FROM datastream WHERE number = o.stream)",
    "Datastream/@iot.id": "(SELECT id FROM datastream WHERE number = o.stream)",
}
CONFORMANCE = (
    "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/resource-path/resource-path-to-entities",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data",
)


class NotFoundError(FilterError):
    """There is nothing at this address; status 404."""


@dataclass(slots=True)
class Answers:
    """What answers one request.

    Parameters
    ----------
    world : World
    store : Store
        Opened for reading, by this thread alone.
    root : str
        Address that links begin with, such as ``http://127.0.0.1:8080/v1.1``.
    """

    world: World
    store: Store
    root: str
    n_told: int = 0
    until: float = 0.0
    _names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._names = dict(self.store.connection.execute("SELECT number, id FROM datastream"))

    def answer(self, path: str, query: str) -> Any:
        """The answer to a path below the root with its query, in plain values; text for ``$value``.

        Raises
        ------
        NotFoundError
            If there is nothing there.
        FilterError
            If the request has no sense or asks for too much.
        """
        self.n_told, self.until = 0, time.monotonic() + MAX_SECONDS
        self.store.connection.set_progress_handler(lambda: time.monotonic() > self.until, 20_000)
        try:
            return self._answer(parse_path(path), query, path)
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            what = f"takes longer than {MAX_SECONDS:g} s"
            raise FilterError("request", what, "ask for one datastream or a shorter time") from error

    def _answer(self, segments: list[tuple[str, str | None]], query: str, path: str) -> Any:
        if not segments:
            return self._home()
        kind, rows, is_set, rest = self._walk(segments)
        if rest:
            return self._property(kind, rows, rest)
        options = parse_options(query)
        if kind == "Observations" and isinstance(rows, _Asked):
            return self._observations_page(rows, options, path) if is_set else self._only(kind, rows, options)
        if not is_set:
            return self._entity(kind, rows[0], options)
        return self._page(kind, rows, options, path)

    def _home(self) -> dict[str, Any]:
        return {
            "value": [{"name": name, "url": f"{self.root}/{name}"} for name in SETS],
            "serverSettings": {"conformance": list(CONFORMANCE)},
        }

    def _walk(
        self, segments: list[tuple[str, str | None]]
    ) -> tuple[str, Any, bool, list[tuple[str, str | None]]]:
        """Set, ids (or what is asked of the observations), whether many, and what is left of the path."""
        (kind, ident), *rest = segments
        if kind not in SETS:
            raise NotFoundError(visible_text(kind), "is no set of entities", closest(kind, SETS))
        rows: Any = _Asked() if kind == "Observations" else list(self.world.entities[kind])
        is_set = ident is None
        if ident is not None:
            rows = self._one(kind, ident)
        while rest and not is_set and rest[0][0] in WAYS[kind]:
            (way, ident), *rest = rest
            rows = self._follow(kind, rows, way)
            kind, is_set = WAYS[kind][way]
            if ident is not None:
                rows = self._among(kind, rows, ident)
                is_set = False
            elif not is_set and not isinstance(rows, _Asked) and not rows:
                raise NotFoundError(way, "is not there", "")
        if rest and is_set:
            raise NotFoundError(visible_text(rest[0][0]), "is not there", "name one entity first")
        return kind, rows, is_set, rest

    def _one(self, kind: str, ident: str) -> Any:
        if kind == "Observations":
            key = observation_key(ident)
            if key is None or key[0] not in self.world.catalogue:
                raise NotFoundError(visible_text(ident), "is no observation", "")
            return _Asked(*key)
        if ident not in self.world.entities[kind]:
            raise NotFoundError(visible_text(ident), f"is not among {kind}", "")
        return [ident]

    def _among(self, kind: str, rows: Any, ident: str) -> Any:
        found = self._one(kind, ident)
        is_there = found.stream == rows.stream if isinstance(found, _Asked) else ident in rows
        if not is_there:
            raise NotFoundError(visible_text(ident), "is not there", "")
        return found

    def _follow(self, kind: str, rows: Any, way: str) -> Any:
        if kind == "Datastreams" and way == "Observations":
            return _Asked(rows[0])
        if kind == "Observations":
            stream = self.world.catalogue.datastream(rows.stream)
            return [stream.id] if way == "Datastream" else [stream.thing]
        return self.world.follow(kind, rows[0], way)

    def _property(self, kind: str, rows: Any, rest: list[tuple[str, str | None]]) -> Any:
        entity = self._only(kind, rows, Options()) if isinstance(rows, _Asked) else self._told(kind, rows[0])
        (name, _), *more = rest
        if name not in entity or more not in ([], [("$value", None)]):
            raise NotFoundError(visible_text(name), f"is no property of {kind}", "")
        if not more:
            return {name: entity[name]}
        value = entity[name]
        return value if isinstance(value, str) else f"{value}"

    def _only(self, kind: str, asked: _Asked, options: Options) -> Entity:
        found = self._rows(asked, _Part(top=1))
        if not found:
            raise NotFoundError("observation", "is not there", "")
        return self._dressed(kind, found[0], options)

    def _told(self, kind: str, ident: str) -> Entity:
        """An entity with its links."""
        entity = dict(self.world.entities[kind][ident])
        if kind == "Datastreams":
            entity |= self._spans(ident)
        return entity

    def _spans(self, stream: str) -> dict[str, str]:
        number = "(SELECT number FROM datastream WHERE id = ?1)"
        # Apart, each is one seek; together they would read the whole history.
        ends = (f"(SELECT {end}(time) FROM observation WHERE stream = {number})" for end in ("min", "max"))  # noqa: S608 - from constants
        query = f"SELECT {', '.join(ends)}"
        first, last = self.store.connection.execute(query, (stream,)).fetchone()
        if first is None:
            return {}
        return {"phenomenonTime": f"{iso_utc(first)}/{iso_utc(last)}"}

    def _page(self, kind: str, idents: Sequence[str], options: Options, path: str) -> dict[str, Any]:
        found = self._chosen(kind, idents, options)
        shown = found[options.skip : options.skip + options.page]
        has_more = len(found) > options.skip + len(shown)
        answer: dict[str, Any] = {"@iot.count": len(found)} if options.count else {}
        answer["value"] = [self._entity(kind, ident, options) for ident in shown]
        if has_more and shown:
            answer["@iot.nextLink"] = self._next(path, options, len(shown))
        return answer

    def _chosen(self, kind: str, idents: Sequence[str], options: Options) -> list[str]:
        found = list(idents)
        if options.where is not None:
            where = options.where
            found = [i for i in found if holds(where, lambda p, i=i: self._read(kind, i, p))]  # type: ignore[misc]
        for name, is_descending in reversed(options.order):
            found.sort(key=lambda i: _sortable(self._read(kind, i, name)), reverse=is_descending)
        return found

    def _read(self, kind: str, ident: str, path: str) -> Any:
        """A property of an entity by its path, through ways that lead to one."""
        first, _, rest = path.partition("/")
        if first == "id":
            first = "@iot.id"
        if first in WAYS[kind] and not WAYS[kind][first][1] and rest:
            ends = self.world.follow(kind, ident, first)
            return self._read(WAYS[kind][first][0], ends[0], rest) if ends else None
        value: Any = self.world.entities[kind][ident]
        if kind == "Datastreams" and first == "phenomenonTime":
            what = "phenomenonTime of Datastreams is a span, which is neither compared nor sorted"
            raise FilterError("query", what, "ask Observations for theirs")
        if first not in value:
            raise FilterError(visible_text(first), f"is no property of {kind}", closest(first, value))
        for part in [first, *(rest.split("/") if rest else [])]:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def _observations_page(self, asked: _Asked, options: Options, path: str) -> dict[str, Any]:
        where, values = to_sql(options.where, _ASKED) if options.where is not None else ("1", [])
        order = _order_sql(options, is_one_stream=bool(asked.stream))
        part = _Part(where, values, order, options.page + 1, options.skip)
        found = self._rows(asked, part)
        shown = found[: options.page]
        answer: dict[str, Any] = {"@iot.count": self._count(asked, part)} if options.count else {}
        answer["value"] = [self._dressed("Observations", entity, options) for entity in shown]
        if len(found) > len(shown) and shown:
            answer["@iot.nextLink"] = self._next(path, options, len(shown))
        return answer

    def _rows(self, asked: _Asked, part: _Part) -> list[Any]:
        mine, own = self._condition(asked)
        query = f"""SELECT o.stream, {_COLUMNS} FROM observation o WHERE {mine} AND {part.where}
            {part.order} LIMIT ? OFFSET ?"""  # noqa: S608 - conditions are made of known columns
        rows = self.store.connection.execute(query, (*own, *part.values, part.top, part.skip)).fetchall()
        return [observation(self._names[row[0]], row[1:]) for row in rows]

    def _count(self, asked: _Asked, part: _Part) -> int:
        mine, own = self._condition(asked)
        query = f"SELECT count(*) FROM observation o WHERE {mine} AND {part.where}"  # noqa: S608
        return int(self.store.connection.execute(query, (*own, *part.values)).fetchone()[0])

    def _condition(self, asked: _Asked) -> tuple[str, list[Any]]:
        if not asked.stream:
            return "1", []
        number = next((n for n, name in self._names.items() if name == asked.stream), -1)
        return (
            ("o.stream = ?", [number])
            if asked.time is None
            else ("o.stream = ? AND o.time = ?", [number, asked.time])
        )

    def _entity(self, kind: str, ident: str, options: Options) -> Entity:
        return self._dressed(kind, self._told(kind, ident), options)

    def _dressed(self, kind: str, entity: Entity, options: Options) -> Entity:
        """With links and expanded entities, and only what was chosen."""
        self.n_told += 1
        if self.n_told > MAX_ENTITIES or time.monotonic() > self.until:
            raise FilterError("$expand", f"asks for more than {MAX_ENTITIES} entities", "use $top")
        ident = entity["@iot.id"]
        own = f"{self.root}/{kind}({_quoted(ident)})"
        if options.select:
            unknown = [
                n
                for n in options.select
                if n not in {*entity, *WAYS[kind], "id", "phenomenonTime", "parameters"}
            ]
            if unknown:
                raise FilterError(
                    "$select", f"{visible_text(unknown[0])!r} is not known", closest(unknown[0], entity)
                )
            kept = {"@iot.id" if n == "id" else n for n in options.select}
            shown = {k: v for k, v in entity.items() if k in kept}
        else:
            shown = {
                "@iot.id": ident,
                "@iot.selfLink": own,
                **{k: v for k, v in entity.items() if k != "@iot.id"},
            }
            shown |= {f"{way}@iot.navigationLink": f"{own}/{way}" for way in WAYS[kind]}
        for way, inner in options.expand:
            shown |= self._expanded(kind, ident, way, inner, own)
        return shown

    def _expanded(self, kind: str, ident: str, way: str, inner: Options, own: str) -> dict[str, Any]:
        if way not in WAYS[kind]:
            raise FilterError(
                "$expand", f"{visible_text(way)!r} is no way from {kind}", closest(way, WAYS[kind])
            )
        target, is_many = WAYS[kind][way]
        key = observation_key(ident) if kind == "Observations" else None
        ends = self._follow(kind, _Asked(*key) if key else [ident], way)
        if isinstance(ends, _Asked):
            page = self._observations_page(ends, inner, own.removeprefix(self.root) + f"/{way}")
        elif is_many:
            page = self._page(target, ends, inner, own.removeprefix(self.root) + f"/{way}")
        else:
            return {way: self._entity(target, ends[0], inner) if ends else None}
        named = {f"{way}{k}": v for k, v in page.items() if k != "value"}
        return {way: page["value"], **named}

    def _next(self, path: str, options: Options, n_shown: int) -> str:
        """Address of the next page: the same request, further on."""
        pairs = [("$top", str(options.page)), ("$skip", str(options.skip + n_shown))]
        kept = [(k, v) for k, v in options.asked if k not in {"$top", "$skip"}]
        return f"{self.root}/{path.strip('/')}?{urlencode([*kept, *pairs], safe='$', quote_via=quote)}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which observations are meant: all, those of a datastream, or one."""

    stream: str = ""
    time: int | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """Condition, order and place of a page of observations."""

    where: str = "1"
    values: list[Any] = field(default_factory=list)
    order: str = ""
    top: int = 1
    skip: int = 0


def _order_sql(options: Options, *, is_one_stream: bool) -> str:
    known = {**_ASKED, "@iot.id": "o.stream", "id": "o.stream"}
    parts = []
    for name, is_descending in options.order:
        if name not in known:
            raise FilterError("$orderby", f"{visible_text(name)!r} is not known here", closest(name, known))
        parts.append(f"{known[name]} {'DESC' if is_descending else 'ASC'}")
    is_settled = is_one_stream and bool(parts) and parts[0].startswith("o.time ")
    return "ORDER BY " + ", ".join(parts if is_settled else [*parts, "o.stream", "o.time"])


def _quoted(ident: str) -> str:
    return "'" + quote(ident.replace("'", "''"), safe=":@") + "'"


def _sortable(value: Any) -> tuple[int, float, str]:
    """Whatever a property holds, in an order: nothing, numbers, texts."""
    if isinstance(value, bool | int | float):
        return 1, float(value), ""
    return (0, 0.0, "") if value is None else (2, 0.0, str(value))
