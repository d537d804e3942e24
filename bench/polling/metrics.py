"""runs × truth → figures: requests per settled upload, delays, and everything that was told wrongly."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from bench.polling.drive import Run, Told
from bench.polling.world import Life, World
from bench.polling.yardsticks import Reckoned
from notifier.core.model import SETTLED, Status

RANK = {Status.QUEUED: 0, Status.PROCESSING: 1, **dict.fromkeys(SETTLED, 2), Status.GONE: 3, Status.UNKNOWN: 3}
"""In which order an upload's statuses may be told."""


@dataclass(slots=True)
class Figures:
    """What a policy came to, on one source or on several."""

    seconds: float = 0.0
    """Counted, of all sources together."""
    settled: int = 0
    """Settlings that are counted."""
    looks: int = 0
    first: int = 0
    """Of these looks: GETs of what no look had shown before."""
    delays: list[float] = field(default_factory=list)
    """Seconds from the provider's moment of change to our commit, of each settling that was told."""
    kinds: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    """The most looks of a source in a clock hour: how many sources had so many."""
    refused: int = 0
    """Requests over the provider's limit."""
    missed: int = 0
    """Settlings that were never told."""
    false: int = 0
    """Statuses told of an upload that had not had them."""
    repeated: int = 0
    """Statuses told again, or after a later one, and details that nobody changed."""

    def add(self, other: "Figures") -> None:
        """Count another source in."""
        for name in ("seconds", "settled", "looks", "first", "refused", "missed", "false", "repeated"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.delays += other.delays
        self.kinds.update(other.kinds)
        self.hours.update(other.hours)

    def times(self, number: int) -> "Figures":
        """The figures of so many sources like this one; what must not be is counted as it was found."""
        kinds = Counter({kind: number * looks for kind, looks in self.kinds.items()})
        return replace(
            self,
            seconds=number * self.seconds,
            settled=number * self.settled,
            looks=number * self.looks,
            first=number * self.first,
            delays=number * self.delays,
            kinds=kinds,
        )

    def per_settled(self, *, first: bool = True) -> float:
        """Requests per settled upload: all of them, or without first looks."""
        return (self.looks - (0 if first else self.first)) / max(1, self.settled)

    def percentile(self, share: float) -> float:
        """Seconds of delay that no more than `1 - share` of the settlings exceed."""
        if not self.delays:
            return math.nan
        ordered = sorted(self.delays)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    @property
    def most_in_an_hour(self) -> int:
        """Looks of one source in one clock hour, at most."""
        return int(max(self.hours, default=0))

    def told(self) -> dict[str, Any]:
        """As plain figures."""
        return {
            "settled": self.settled,
            "per_settled": round(self.per_settled(), 4),
            "per_settled_after_first": round(self.per_settled(first=False), 4),
            **{f"p{share:g}": round(self.percentile(share / 100), 3) for share in (50, 90, 99, 100)},
            "kinds": dict(self.kinds),
            "most_in_an_hour": self.most_in_an_hour,
            **{name: getattr(self, name) for name in ("refused", "missed", "false", "repeated")},
        }


@dataclass(slots=True)
class Result:
    """A policy's figures by size of source, and pooled."""

    sizes: dict[float, Figures] = field(default_factory=lambda: defaultdict(Figures))

    @property
    def pooled(self) -> Figures:
        """All sources together."""
        whole = Figures()
        for figures in self.sizes.values():
            whole.add(figures)
        return whole


def judged(run: Run) -> Figures:
    """What came of a run, held against what was true."""
    world = run.world
    sent = [one for one in run.sent if world.counts(one.at)]
    told: dict[str, list[Told]] = defaultdict(list)
    for one in run.told:
        told[one.upload].append(one)
    found = Figures(
        seconds=world.ends - world.counted,
        looks=len(sent),
        first=sum(one.first for one in sent),
        kinds=Counter(one.kind.value for one in sent),
        hours=Counter([most_in_an_hour(one.at for one in run.sent)]),
        refused=run.over,
    )
    settlings(world, told, found)
    for life in world.lives:
        found.false += sum(not was(life, one) for one in told.get(life.id, ()))
        found.repeated += repeats(told.get(life.id, ()))
    return found


def settlings(world: World, told: Mapping[str, Sequence[Told]], found: Figures) -> None:
    """Count each settling, and the delay of the first event that tells it."""
    for life in world.settlings():
        at = next((one.at for one in told.get(life.id, ()) if one.status == life.verdict), None)
        found.settled += 1
        found.missed += at is None
        if at is not None:
            found.delays.append(at - life.settled)


def most_in_an_hour(moments: Iterable[float]) -> int:
    """Looks in the fullest clock hour, UTC."""
    return max(Counter(int(at // 3600) for at in moments).values(), default=0)


def was(life: Life, one: Told) -> bool:
    """Whether an upload had the status that was told at that moment or before."""
    if one.status in {Status.GONE, Status.UNKNOWN}:
        return life.deleted <= one.at
    since = {Status.QUEUED: life.born, Status.PROCESSING: life.begun, life.verdict: life.settled}
    return since.get(Status(one.status), math.inf) <= min(one.at, life.deleted)


def repeats(told: Sequence[Told]) -> int:
    """Events about an upload that are no step forward."""
    ranks = [RANK[Status(one.status)] for one in told if one.type != "upload.stalled"]
    return sum(after <= before for before, after in pairwise(ranks))


def reckoned(world: World, policy: Reckoned) -> Figures:
    """The figures of a policy that was merely reckoned."""
    return Figures(world.ends - world.counted, len(world.settlings()), policy.looks, policy.first, policy.delays)
