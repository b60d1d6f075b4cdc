"""From decoded observations to store and memory, in batches, with every message in exactly one count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from twin.core.errors import StorageError
from twin.live.counts import Counts
from twin.live.decode import specs_of
from twin.live.model import Catalogue, Quality, batch_of
from twin.live.rejected import CAUSES, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.core.notices import Notices
    from twin.live.decode import Spec
    from twin.live.memory import Memory
    from twin.live.model import Batch, Datastream, Observation, Thing
    from twin.live.store import Store

BATCH = 20_000
N_EXAMPLES = 3
MAX_DATASTREAMS = 200_000


@dataclass(slots=True)
class Intake:
    """Where observations go; one thread uses it.

    Parameters
    ----------
    store : Store, optional
        Keeps them; without one they are only counted, and go to the memory.
    memory : Memory, optional
        Answers "as of" while they come in.
    catalogue : Catalogue
        What is known already.
    after : callable, optional
        Is given every batch that was kept, such as to judge it.
    learned : callable, optional
        Is given the catalogue whenever there is more in it.
    """

    store: Store | None = None
    memory: Memory | None = None
    catalogue: Catalogue = field(default_factory=Catalogue)
    counts: Counts = field(default_factory=Counts)
    examples: dict[str, list[str]] = field(default_factory=dict)
    n_invalid: Counter[str] = field(default_factory=Counter)
    n_twice: Counter[str] = field(default_factory=Counter)
    specs: dict[str, Spec] = field(default_factory=dict)
    waiting: list[Observation] = field(default_factory=list)
    after: Callable[[Batch], None] | None = None
    learned: Callable[[Catalogue], None] | None = None
    new_things: dict[str, Thing] = field(default_factory=dict)
    new_streams: list[Datastream] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.specs.update(specs_of(self.catalogue.datastreams))

    def learn(self, catalogue: Catalogue) -> None:
        """Take things and datastreams in, for what comes from now on."""
        self.flush()
        self.specs.update(specs_of(catalogue.datastreams))
        self._put(catalogue)

    def _put(self, catalogue: Catalogue) -> None:
        self.catalogue = self.catalogue.merged(catalogue)
        if self.store is not None:
            self.store.put_catalogue(catalogue)
        if self.memory is not None:
            self.memory.extend(self.catalogue)
        if self.learned is not None:
            self.learned(self.catalogue)

    def knows(self, datastream: str) -> bool:
        """Whether a datastream is in the catalogue."""
        return datastream in self.specs

    def register(self, thing: Thing, datastreams: tuple[Datastream, ...]) -> None:
        """Take in something new that a message told of; it is kept with its first batch.

        A thing that is known stays as it is, for a list of things tells more of it than a message does; but a message
        may tell its place where none was known.

        Raises
        ------
        RejectedError
            If messages have told of more than anyone has: a topic that never repeats fills no disk.
        """
        if len(self.specs) + len(datastreams) > MAX_DATASTREAMS:
            raise RejectedError("thing", f"would be one more than {MAX_DATASTREAMS:,} datastreams")
        self.new_things[thing.id] = self._kept(thing)
        self.new_streams.extend(datastreams)
        self.specs.update(specs_of(datastreams))

    def _kept(self, told: Thing) -> Thing:
        known = self.new_things.get(told.id)
        if known is None and self.catalogue.has_thing(told.id):
            known = self.catalogue.thing(told.id)
        if known is None:
            return told
        is_placed = known.place.kind != told.place.kind or known.place.position is not None
        return known if is_placed else replace(known, place=told.place)

    def add(self, observation: Observation) -> None:
        """Take one in; it is kept with its batch."""
        self.waiting.append(observation)
        if observation.quality >= Quality.INVALID:
            self.n_invalid[observation.datastream] += 1
        if len(self.waiting) >= BATCH:
            self.flush()

    def reject(self, where: str, reason: RejectedError) -> None:
        """Count one as refused, and keep the first different ones of each cause as examples."""
        self.counts.reject(reason.cause)
        known, told = self.examples.setdefault(reason.cause, []), f"{where}: {reason}"
        if len(known) < N_EXAMPLES and told not in known:
            known.append(told)

    def flush(self) -> None:
        """Keep what waits."""
        if self.new_things:
            new = Catalogue(
                tuple(self.new_things.values()), tuple({d.id: d for d in self.new_streams}.values())
            )
            self.new_things, self.new_streams = {}, []
            self._put(new)
        if not self.waiting:
            return
        batch, self.waiting = batch_of(self.waiting), []
        if self.store is not None:
            try:
                self.counts.add(self.store.append(batch))
            except StorageError:
                self.counts.dropped += len(batch)
                raise
        else:
            self.counts.stored += len(batch)
        if self.memory is not None:
            self.memory.put(batch)
        if self.after is not None:
            self.after(batch)

    def tell(self, notices: Notices) -> None:
        """Say once for each cause what was refused, with the first examples, and which results are out of range."""
        for cause, messages in self.examples.items():
            n = self.counts.rejected_by_cause[cause]
            more = f" (and {n - len(messages)} more)" if n > len(messages) else ""
            notices.add(cause, f"{'; '.join(messages)}{more}; left out: {CAUSES[cause]}")
        if self.n_invalid:
            total, first = self.n_invalid.total(), self.n_invalid.most_common(1)[0][0]
            notices.add(
                "invalid-results",
                f"{total} results lie outside the valid range of their datastream or were called invalid by their"
                f" source, most of {first!r}; they are kept and marked as invalid",
            )
        for source, n in self.n_twice.items():
            notices.add(
                "hour-twice",
                f"{source}: {n} times lie in the hour that comes twice when clocks are put back; the order of the rows"
                " told which of the two, of a single one the first; give times with their offset to be sure",
            )
