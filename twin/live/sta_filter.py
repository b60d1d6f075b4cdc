"""``$filter`` of SensorThings: read into a tree, asked of entities in Python or of observations in SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.core.errors import UsageError
from twin.core.visible_text import visible_text
from twin.live.moments import parse_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_CHARS = 4000
MAX_DEPTH = 40
COMPARISONS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
TEXT_FUNCTIONS = ("substringof", "contains", "startswith", "endswith")
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+\ -]\d\d:?\d\d)?)
    |(?P<number>-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w.]))
    |'(?P<text>(?:[^']|'')*)'
    |(?P<word>@?[A-Za-z_][\w.@]*(?:/@?[\w.@]+)*)
    |(?P<sign>[(),])
    )""",
    re.VERBOSE,
)


class FilterError(UsageError):
    """A query that cannot be meant as it stands; told to the client with status 400."""


@dataclass(frozen=True, slots=True)
class Path:
    """A property of an entity, such as ``Thing/name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Value:
    """A literal; times are `Moment`."""

    value: Any


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, microseconds UTC."""

    us: int


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of two operands."""

    operator: str
    left: Path | Value
    right: Path | Value


@dataclass(frozen=True, slots=True)
class TextTest:
    """Whether a text holds another, at its start, its end or anywhere."""

    function: str
    text: Path | Value
    part: Path | Value


@dataclass(frozen=True, slots=True)
class Both:
    """And, or."""

    operator: str
    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Any


Tree = Compare | TextTest | Both | Not


def parse_filter(text: str) -> Tree:
    """The tree of a filter: comparisons, ``and``, ``or``, ``not``, brackets and functions of text.

    Raises
    ------
    FilterError
        If it cannot be read; names the place.

    Examples
    --------
    >>> parse_filter("result gt 2 and phenomenonTime lt 2026-08-28T03:00:00Z").operator
    'and'
    """
    if len(text) > MAX_CHARS:
        raise FilterError("$filter", f"has {len(text)} characters, the limit is {MAX_CHARS}", "ask for less")
    parser = _Parser(_tokens(text))
    tree = parser.either(0)
    parser.end()
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if not found or not found.lastgroup:
            what = f"cannot be read at {visible_text(text[at : at + 20])!r}"
            raise FilterError("$filter", what, "see the examples of `twin live serve`")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return tokens


class _Parser:
    """A descent over the tokens of a filter."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at = tokens, 0

    def either(self, depth: int) -> Tree:
        left = self.both(depth)
        while self.take_word("or"):
            left = Both("or", left, self.both(depth))
        return left

    def both(self, depth: int) -> Tree:
        left = self.one(depth)
        while self.take_word("and"):
            left = Both("and", left, self.one(depth))
        return left

    def one(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise FilterError("$filter", f"has more than {MAX_DEPTH} levels of brackets", "ask for less")
        if self.take_word("not"):
            return Not(self.one(depth + 1))
        if self.take_sign("("):
            inner = self.either(depth + 1)
            self.need_sign(")")
            return inner
        if self.peek()[0] == "word" and self.peek()[1] in TEXT_FUNCTIONS:
            return self.text_test()
        left = self.operand()
        kind, word = self.next()
        if kind != "word" or word not in COMPARISONS:
            raise FilterError(
                "$filter", f"{visible_text(word)!r} is no comparison", "use eq, ne, gt, ge, lt or le"
            )
        right = self.operand()
        return Compare(word, _as_id(left, right), _as_id(right, left))

    def text_test(self) -> TextTest:
        _, function = self.next()
        self.need_sign("(")
        first = self.operand()
        self.need_sign(",")
        second = self.operand()
        self.need_sign(")")
        if function == "substringof":  # its arguments stand the other way round
            return TextTest("contains", second, first)
        return TextTest(function, first, second)

    def operand(self) -> Path | Value:
        kind, text = self.next()
        if kind == "time":
            return Value(Moment(_moment(text)))
        if kind == "number":
            return Value(float(text))
        if kind == "text":
            return Value(text.replace("''", "'"))
        if kind == "word":
            plain = {"true": True, "false": False, "null": None}
            return Value(plain[text]) if text in plain else Path(text)
        raise FilterError("$filter", f"{visible_text(text)!r} stands where a value is expected", "correct it")

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def next(self) -> tuple[str, str]:
        token = self.peek()
        if token[0] == "end":
            raise FilterError("$filter", "ends too early", "complete it")
        self.at += 1
        return token

    def take_word(self, word: str) -> bool:
        if self.peek() == ("word", word):
            self.at += 1
            return True
        return False

    def take_sign(self, sign: str) -> bool:
        if self.peek() == ("sign", sign):
            self.at += 1
            return True
        return False

    def need_sign(self, sign: str) -> None:
        if not self.take_sign(sign):
            raise FilterError(
                "$filter", f"{sign!r} is missing before {visible_text(self.peek()[1])!r}", "complete it"
            )

    def end(self) -> None:
        if self.peek()[0] != "end":
            raise FilterError("$filter", f"{visible_text(self.peek()[1])!r} is too much", "join with and, or")


def _as_id(operand: Path | Value, other: Path | Value) -> Path | Value:
    """A number that is compared with an id as the text that ids are here."""
    if not isinstance(operand, Value) or not isinstance(operand.value, float):
        return operand
    is_id = isinstance(other, Path) and other.name.rpartition("/")[2] in {"id", "@iot.id"}
    return Value(f"{operand.value:.0f}") if is_id and operand.value.is_integer() else operand


def _moment(text: str) -> int:
    """A time; one without a zone is UTC, and a blank before an offset was a plus sign in the address."""
    has_zone = text.endswith("Z") or any(sign in text[16:] for sign in "+- ")
    return parse_utc(text.replace(" ", "+") if has_zone else f"{text}Z", where="$filter")


def holds(tree: Tree, read: Callable[[str], Any]) -> bool:
    """Whether a filter holds for an entity, whose properties `read` gives by their paths."""
    if isinstance(tree, Not):
        return not holds(tree.inner, read)
    if isinstance(tree, Both):
        first = holds(tree.left, read)
        if tree.operator == "and":
            return first and holds(tree.right, read)
        return first or holds(tree.right, read)
    if isinstance(tree, TextTest):
        text, part = _operand(tree.text, read), _operand(tree.part, read)
        if not isinstance(text, str) or not isinstance(part, str):
            return False
        return {"contains": part in text, "startswith": text.startswith(part)}.get(
            tree.function, text.endswith(part)
        )
    return _compares(tree.operator, _operand(tree.left, read), _operand(tree.right, read))


def _operand(operand: Path | Value, read: Callable[[str], Any]) -> Any:
    return read(operand.name) if isinstance(operand, Path) else operand.value


def _compares(operator: str, left: Any, right: Any) -> bool:
    if isinstance(left, Moment):
        left, right = left.us, _as_moment(right)
    elif isinstance(right, Moment):
        left, right = _as_moment(left), right.us
    if operator == "eq":
        return bool(left == right)
    if operator == "ne":
        return bool(left != right)
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        return False
    return {"gt": left > right, "ge": left >= right, "lt": left < right}.get(operator, left <= right)


def _as_moment(value: Any) -> Any:
    if isinstance(value, Moment):
        return value.us
    try:
        return parse_utc(value) if isinstance(value, str) else value
    except UsageError:
        return None


def to_sql(tree: Tree, columns: Mapping[str, str]) -> tuple[str, list[Any]]:
    """A filter over observations as a condition in SQL with its parameters.

    Parameters
    ----------
    tree : Tree
    columns : mapping
        Path of a property to its column: times are whole microseconds, ``result`` has no fixed type.

    Raises
    ------
    FilterError
        If it asks for a property that is not among them, or compares two properties.

    Examples
    --------
    >>> to_sql(parse_filter("result ge 2.5"), {"result": "o.result"})
    ("(typeof(o.result) = 'real' AND o.result >= ?)", [2.5])
    """
    if isinstance(tree, Not):
        inner, values = to_sql(tree.inner, columns)
        return f"NOT coalesce({inner}, 0)", values
    if isinstance(tree, Both):
        left, first = to_sql(tree.left, columns)
        right, second = to_sql(tree.right, columns)
        return f"({left} {tree.operator.upper()} {right})", first + second
    if isinstance(tree, TextTest):
        raise FilterError("$filter", f"{tree.function} is not known of observations", "compare instead")
    if isinstance(tree.left, Value) and isinstance(tree.right, Path):
        turned = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
        tree = Compare(turned.get(tree.operator, tree.operator), tree.right, tree.left)
    if not isinstance(tree.left, Path) or not isinstance(tree.right, Value):
        raise FilterError("$filter", "compares two properties or two values", "compare one with a value")
    if tree.left.name not in columns:
        known = ", ".join(sorted(columns))
        raise FilterError("$filter", f"{visible_text(tree.left.name)!r} is not known here", f"use {known}")
    return _sql_comparison(columns[tree.left.name], COMPARISONS[tree.operator], tree.right.value)


def _sql_comparison(column: str, operator: str, value: Any) -> tuple[str, list[Any]]:
    if value is None:
        return f"{column} IS {'NOT ' if operator == '<>' else ''}NULL", []
    if column.endswith("time") != isinstance(value, Moment):
        what = "compares a time with what is none"
        raise FilterError("$filter", what, "write times without quotes, as 2026-08-28T03:00:00Z")
    if isinstance(value, Moment):
        return f"{column} {operator} ?", [value.us]
    if not column.endswith("result"):
        return f"{column} {operator} ?", [value]
    kind = "integer" if isinstance(value, bool) else "text" if isinstance(value, str) else "real"
    if operator == "<>":
        return f"NOT (typeof({column}) = '{kind}' AND {column} = ?)", [value]
    return f"(typeof({column}) = '{kind}' AND {column} {operator} ?)", [value]
