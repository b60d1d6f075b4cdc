"""Warnings that are collected while work goes on, and told once at its end."""

from __future__ import annotations

from dataclasses import dataclass, field

N_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the user should know but that did not stop the work.

    Parameters
    ----------
    cause : str
        Short stable key, such as ``"duplicate-footprint"``; notices with the same cause are counted together.
    message : str
        A whole sentence with file, ids and measured values.
    subject : str
        The file or object id that is meant.
    """

    cause: str
    message: str
    subject: str = ""


@dataclass(slots=True)
class Notices:
    r"""A collector; picklable, so that workers send theirs home.

    Examples
    --------
    >>> notices = Notices()
    >>> for name in "abcd":
    ...     notices.add("sliver", f"footprint {name} covers 0.01 m2 and was left out", subject=name)
    >>> print("\n".join(notices.lines()))
    footprint a covers 0.01 m2 and was left out (and 3 more like it: b, c, ...)

    What two outputs tell alike is told once.

    >>> for _ in range(2):
    ...     notices.add("thin", "3 of 40 bodies are thinner than 0.8 mm")
    >>> print(notices.lines()[1])
    3 of 40 bodies are thinner than 0.8 mm
    """

    items: list[Notice] = field(default_factory=list)

    def add(self, cause: str, message: str, *, subject: str = "") -> None:
        """Remember one more."""
        self.items.append(Notice(cause, message, subject))

    def extend(self, other: Notices) -> None:
        """Take over what another collector holds."""
        self.items.extend(other.items)

    def causes(self) -> dict[str, list[Notice]]:
        """The notices by cause, in the order of their first appearance."""
        by_cause: dict[str, list[Notice]] = {}
        for item in self.items:
            by_cause.setdefault(item.cause, []).append(item)
        return by_cause

    def lines(self) -> list[str]:
        """One line for each cause: its first message, how many more, and the next ids."""
        return [_line(group) for group in self.causes().values()]

    def as_json(self) -> list[dict[str, object]]:
        """The same for machines: cause, count, first messages."""
        return [
            {"cause": cause, "count": len(group), "messages": [n.message for n in group[:N_EXAMPLES]]}
            for cause, group in self.causes().items()
        ]


def _line(group: list[Notice]) -> str:
    first, rest = group[0].message, group[1:]
    if not rest:
        return first
    if len(rest) < N_EXAMPLES and not all(n.subject for n in rest):
        return "; ".join(dict.fromkeys(n.message for n in group))
    names = ", ".join(n.subject for n in rest[: N_EXAMPLES - 1] if n.subject)
    more = ", ..." if len(rest) > N_EXAMPLES - 1 and names else ""
    return f"{first} (and {len(rest)} more like it{': ' if names else ''}{names}{more})"
