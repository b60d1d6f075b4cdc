"""Selection by attributes: a small language of comparisons, read by us and never handed to an interpreter.

``height_m > 20 and roof_type in ("flat", "shed")``, ``state != 'built' or not (rmse_m < 0.5)``, ``name is null``,
```Bau jahr` >= 1950``. A value that is missing makes a comparison unknown, as in SQL, and what is
unknown is not selected.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

MAX_LENGTH = 4_000
MAX_DEPTH = 40

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |`(?P<quoted>[^`]+)`
    |(?P<sign><=|>=|==|!=|<>|=|<|>|\(|\)|,)
    |(?P<word>[^\W\d]\w*)
    )""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "in", "is", "null", "true", "false"}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_SAME_SIGN = {"=": "==", "<>": "!="}

Value = float | str | bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true and what is known of each row; arrays of bool, shape (n,)."""

    true: NDArray[np.bool_]
    known: NDArray[np.bool_]


def select(columns: Mapping[str, Any], expression: str) -> NDArray[np.bool_]:
    """Which rows fulfil an expression.

    Parameters
    ----------
    columns : mapping
        Name to values, such as a (Geo)DataFrame; numbers, texts or booleans, None or NaN where one is missing.
    expression : str
        Comparisons ``= != < <= > >=``, ``in (..)``, ``is [not] null``, joined by ``and``, ``or``, ``not`` and
        parentheses. Names with odd signs stand between backquotes, texts between quotes.

    Returns
    -------
    array of bool, shape (n,)

    Raises
    ------
    UsageError
        If the expression cannot be read, names no column, or compares a number with a text.

    Examples
    --------
    >>> table = {"height_m": [5.0, 25.0, None], "state": ["built", "built", "failed"]}
    >>> select(table, "height_m > 20 or state = 'failed'").tolist()
    [False, True, True]
    """
    if len(expression) > MAX_LENGTH:
        raise UsageError("selection", f"is {len(expression)} signs long", f"keep to {MAX_LENGTH}")
    reader = _Reader(expression, columns)
    found = reader.either(0)
    reader.end()
    return found.true & found.known


class _Reader:
    """Reads an expression by recursive descent and answers it on the way."""

    def __init__(self, expression: str, columns: Mapping[str, Any]) -> None:
        self._expression = expression
        self._columns = columns
        self._tokens = _tokens(expression)
        self._at = 0

    def either(self, depth: int) -> Truth:
        """``a or b or c``."""
        found = self._both(depth)
        while self._take("word", "or"):
            other = self._both(depth)
            true = (found.true & found.known) | (other.true & other.known)
            found = Truth(true, true | (found.known & other.known))
        return found

    def _both(self, depth: int) -> Truth:
        found = self._one(depth)
        while self._take("word", "and"):
            other = self._one(depth)
            false = (~found.true & found.known) | (~other.true & other.known)
            found = Truth(found.true & other.true, false | (found.known & other.known))
        return found

    def _one(self, depth: int) -> Truth:
        if depth > MAX_DEPTH:
            raise self._mistake("is nested too deeply")
        if self._take("word", "not"):
            found = self._one(depth + 1)
            return Truth(~found.true, found.known)
        if self._take("sign", "("):
            found = self.either(depth + 1)
            if not self._take("sign", ")"):
                raise self._mistake("lacks a closing parenthesis")
            return found
        return self._comparison()

    def _comparison(self) -> Truth:
        values = self._column()
        if self._take("word", "is"):
            wanted = not self._take("word", "not")
            if not self._take("word", "null"):
                raise self._mistake("has 'is' without 'null'")
            missing = _missing(values)
            return Truth(missing == wanted, np.ones(len(missing), np.bool_))
        turned = self._take("word", "not")
        if self._take("word", "in"):
            found = self._members(values)
            return Truth(found.true ^ turned, found.known)
        kind, sign = self._next()
        sign = _SAME_SIGN.get(sign, sign)
        if turned or kind != "sign" or sign not in _COMPARE:
            raise self._mistake("lacks a comparison such as = or <")
        return self._compare(values, sign, self._value())

    def _members(self, values: NDArray[Any]) -> Truth:
        if not self._take("sign", "("):
            raise self._mistake("has 'in' without a list in parentheses")
        found = self._compare(values, "==", self._value())
        while self._take("sign", ","):
            other = self._compare(values, "==", self._value())
            found = Truth(found.true | other.true, found.known)
        if not self._take("sign", ")"):
            raise self._mistake("lacks a closing parenthesis")
        return found

    def _column(self) -> NDArray[Any]:
        kind, name = self._next()
        if kind not in {"word", "quoted"} or (kind == "word" and name.lower() in _WORDS):
            raise self._mistake("lacks the name of an attribute")
        if name not in list(self._columns):
            near = difflib.get_close_matches(name, [str(c) for c in self._columns], 3)
            remedy = f"did you mean {' or '.join(near)}?" if near else "see `twin info` for what there is"
            raise UsageError("selection", f"there is no attribute {name!r}", remedy)
        return _plain(self._columns[name])

    def _value(self) -> Value:
        kind, text = self._next()
        if kind == "number":
            return float(text)
        if kind == "text":
            return text[1:-1].replace(text[0] * 2, text[0])
        if kind == "word" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        raise self._mistake("lacks a number, a text in quotes, true or false")

    def _compare(self, values: NDArray[Any], sign: str, value: Value) -> Truth:
        known = ~_missing(values)
        if not known.any():
            return Truth(np.zeros(len(values), np.bool_), known)
        is_text = isinstance(values[known][0], str)
        if is_text != isinstance(value, str):
            what = "texts with a number" if is_text else "numbers with a text"
            raise self._mistake(f"compares {what} ({value!r})")
        true = np.zeros(len(values), np.bool_)
        plain = values[known] if is_text else values[known].astype(np.float64)
        true[known] = np.asarray(_COMPARE[sign](plain, value), np.bool_)
        return Truth(true, known)

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._mistake("ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, kind: str, text: str) -> bool:
        if self._at < len(self._tokens):
            found, word = self._tokens[self._at]
            if found == kind and word.lower() == text:
                self._at += 1
                return True
        return False

    def end(self) -> None:
        """Refuse what stands behind the expression."""
        if self._at < len(self._tokens):
            raise self._mistake(f"goes on with {self._tokens[self._at][1]!r} where it should end")

    def _mistake(self, what: str) -> UsageError:
        shown = self._expression if len(self._expression) <= 80 else self._expression[:77] + "..."
        return UsageError(f"selection {shown!r}", what, "write it as height_m > 20 and roof_type = 'flat'")


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UsageError("selection", f"cannot be read from {text[at : at + 20]!r} on", "mend the signs")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return tokens


def _plain(values: Any) -> NDArray[Any]:
    """Values of a column as an array of numbers or objects; what is neither number nor text as text."""
    array = np.asarray(values.to_numpy(dtype=object) if hasattr(values, "to_numpy") else values, dtype=object)
    missing = _missing(array)
    out = np.empty(len(array), dtype=object)
    for i, value in enumerate(array):
        is_plain = missing[i] or isinstance(value, (str, bool, int, float, np.bool_, np.integer, np.floating))
        out[i] = value if is_plain else str(value)
    return out


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    import pandas as pd

    return np.array([v is None or pd.isna(v) is True for v in values], np.bool_)
