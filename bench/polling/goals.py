"""results → what is asked of them: each goal with the figure wanted, the figure found, and whether it is enough."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.polling.metrics import Figures, Result
from bench.polling.trials import PRICE_ALONE
from bench.polling.work import GROUP, NAIVE, ORACLES, VENDOR, Key
from bench.polling.world import MEAN_LIFE

SAME = 1.02
"""By so much two percentiles of delay may differ and be called equal: a tenth of a second in five."""
ENOUGH = 200
"""Settlings without which a 99th percentile is chance."""
FEWER = (
    ("FEED, 4.9 s", NAIVE, 20.0, 9.5),
    ("BATCH 200, 4.9 s", NAIVE, 20.0, None),
    ("BATCH 50, 4.9 s", NAIVE, 17.0, None),
    ("LIST, 4.9 s", NAIVE, 10.0, None),
    ("FEED, 14 s", VENDOR, 25.0, 6.5),
    ("BATCH 200, 14 s", VENDOR, 25.0, None),
    ("BATCH 50, 14 s", VENDOR, 22.0, None),
)
"""A trial, against whom, and how many times fewer requests: after first sight, and all in. Where no GET makes the first
sight, no look is left out on either side."""
CLAIRVOYANT, WORTH_IT = 1.3, 3.3
"""How many times the fewest possible looks; where so many settlings come within the longest delay that is allowed."""
HOUR = {0.1: 40.0, 0.3: 50.0, 1.0: 85.0, 3.0: 85.0, 10.0: 85.0}
"""The 99th percentile of the delay, in seconds, by size, where 45 requests may go in an hour."""
LEARNED = 1.10
HOUR_READS = 45
MINUTE = {"FEED, 4.9 s": 15.0, "BATCH 100, 4.9 s": 50.0}
MINUTE_P99 = 5.5


@dataclass(frozen=True, slots=True)
class Goal:
    """`found` must be at least `wanted`, or at most."""

    name: str
    wanted: float
    found: float
    at_least: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is reached."""
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted

    def told(self) -> dict[str, Any]:
        """As plain figures."""
        return {**asdict(self), "found": round(self.found, 3), "ok": self.ok}


def goals(results: Mapping[Key, Result]) -> list[Goal]:
    """All goals for which there are results."""
    found = (_fewer, _near_the_fewest, _learned, _hour, _minute, _true)
    return [goal for each in found for goal in each(results)]


def _fewer(results: Mapping[Key, Result]) -> Iterator[Goal]:
    for name, rival, after_first, all_in in FEWER:
        ours, theirs = results.get(("free", name)), results.get(("free", rival))
        if ours is None or theirs is None:
            continue
        mine, other = ours.pooled, theirs.pooled
        found = times_fewer(mine, other, first=not mine.first)
        words = "after first sight, " if mine.first else ""
        yield Goal(f"{name}: times fewer requests than {rival}, {words}at least", after_first, found, at_least=True)
        if all_in is not None:
            found = times_fewer(mine, other, first=True)
            yield Goal(f"{name}: times fewer requests than {rival}, all in, at least", all_in, found, at_least=True)
        if rival == NAIVE:
            yield Goal(f"{name}: its p50 of {rival}, s", SAME * other.percentile(0.5), mine.percentile(0.5))
        yield Goal(f"{name}: its p99 of {rival}, s", SAME * other.percentile(0.99), mine.percentile(0.99))
        yield from _held(name, ours, theirs)


def _held(name: str, ours: Result, theirs: Result) -> Iterator[Goal]:
    """The 99th percentile, where it is worst of all sizes at which enough settles for there to be one."""
    ratios = {
        size: figures.percentile(0.99) / theirs.sizes[size].percentile(0.99)
        for size, figures in ours.sizes.items()
        if figures.settled >= ENOUGH
    }
    if not ratios:
        return
    worst = max(ratios, key=lambda size: ratios[size])
    yield Goal(f"{name}: p99 of every size, times the other's; worst at {worst:g} open", SAME, ratios[worst])


def times_fewer(ours: Figures, theirs: Figures, *, first: bool) -> float:
    """How many times fewer requests per settled upload ours are, with or without first looks on both sides."""
    return theirs.per_settled(first=first) / max(ours.per_settled(first=first), 1e-9)


def _near_the_fewest(results: Mapping[Key, Result]) -> Iterator[Goal]:
    for longest, oracle in ORACLES.items():
        ours, fewest = results.get(("free", f"FEED, {longest:g} s")), results.get(("free", oracle))
        if ours is None or fewest is None:
            continue
        for size in sorted(ours.sizes):
            if size / MEAN_LIFE * longest >= WORTH_IT:
                found = ours.sizes[size].per_settled(first=False) / fewest.sizes[size].per_settled()
                yield Goal(f"FEED, {longest:g} s, {size:g} open: times the {oracle}", CLAIRVOYANT, found)


def _learned(results: Mapping[Key, Result]) -> Iterator[Goal]:
    """What looks and delays cost together, a look at its price, of what they cost who knows how long uploads take."""
    ours, best = (results.get(("learned", name)) for name in ("FEED, 200 lives known", "FEED, all known"))
    if ours is not None and best is not None:
        yield Goal("200 lives known: times the cost where all is known", LEARNED, _cost(ours) / _cost(best))


def _cost(result: Result) -> float:
    """Upload-seconds."""
    whole = result.pooled
    return (PRICE_ALONE.price or 0.0) * (whole.looks - whole.first) + sum(whole.delays)


def _hour(results: Mapping[Key, Result]) -> Iterator[Goal]:
    ours = results.get(("hour", "LIST, one page"))
    if ours is None:
        return
    yield Goal("60 reads an hour: refused", 0, ours.pooled.refused)
    yield Goal("60 reads an hour: most in any hour", HOUR_READS, ours.pooled.most_in_an_hour)
    for size, figures in sorted(ours.sizes.items()):
        yield Goal(f"60 reads an hour, {size:g} open: p99, s", HOUR[size], figures.percentile(0.99))


def _minute(results: Mapping[Key, Result]) -> Iterator[Goal]:
    for name, per_minute in MINUTE.items():
        ours = results.get(("minute", name))
        if ours is not None:
            whole = ours.pooled
            yield Goal(f"60 a minute, {name}: p99, s", MINUTE_P99, whole.percentile(0.99))
            yield Goal(f"60 a minute, {name}: requests a minute", per_minute, whole.looks / whole.seconds * 60)
            yield Goal(f"60 a minute, {name}: refused", 0, whole.refused)


def _true(results: Mapping[Key, Result]) -> Iterator[Goal]:
    """Of what we told, and not of what others are reckoned to do."""
    for (group, name), result in results.items():
        if name not in {NAIVE, VENDOR, GROUP, *ORACLES.values()}:
            whole = result.pooled
            for what in ("missed", "false", "repeated", *(("refused",) if group == "rough" else ())):
                yield Goal(f"{group}: {name}: {what}", 0, getattr(whole, what))
