"""What others would send in the same world, and what nobody could do without: pure reckoning, no poller.

A policy is judged as ours is: looks that are sent while it is counted, and the delay of each settling that is counted.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from bench.polling.weather import ROUND_TRIP, Weather, round_trip
from bench.polling.world import LARGE, PHOTO, SMALL, Shape, World

COVERS = 100
"""Settlings that one group look can show."""


@dataclass(slots=True)
class Reckoned:
    """What a policy came to: its looks, how many of them were the first of their upload, and the delays (seconds)."""

    looks: int = 0
    first: int = 0
    delays: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """GETs of one upload: the first so many seconds after it became known, then one every so many."""

    first: float
    every: float


def naive(_shape: Shape) -> Rhythm:
    """Every five seconds."""
    return Rhythm(5.0, 5.0)


def vendor(shape: Shape) -> Rhythm:
    """What a vendor asks its users to do (Upload-Post, "Upload Status"): at its slowest, and never giving up."""
    return Rhythm(5.0, {PHOTO: 10.0, SMALL: 10.0, LARGE: 15.0}[shape])


def singles(world: World, rhythm: Callable[[Shape], Rhythm], weather: Weather, chance: random.Random) -> Reckoned:
    """GETs of every upload by itself until it is seen settled."""
    found = Reckoned()
    for life in world.registered():
        steps, known = rhythm(life.shape), world.known(life)
        trip = round_trip(chance)
        number = max(0, math.ceil((life.ends - known - steps.first - trip / 2) / steps.every))
        while weather.fails(known + steps.first + number * steps.every - world.counted, chance):
            number += 1
        last = known + steps.first + number * steps.every
        found.looks += _steps(known + steps.first, min(last, world.ends), steps.every, world)
        found.first += world.counts(known + steps.first)
        if world.counts(life.settled) and life.deleted == math.inf:
            found.delays.append(last + trip - life.settled)
    return found


def _steps(first: float, last: float, every: float, world: World) -> int:
    """How many of the moments first, first + every … last are counted."""
    upto = math.floor((last - first) / every + 1e-9)
    before = math.floor((world.counted - first) / every)
    return max(0, upto - max(-1, before))


def group(world: World, every: float) -> Reckoned:
    """A look at all that is open, every so many seconds, and none while nothing is."""
    found = Reckoned()
    for began, ended in busy(world):
        looks = math.ceil((ended - began) / every)
        found.looks += sum(world.counts(began + every * number) for number in range(1, looks + 1))
        for life in world.settlings():
            if began < life.settled <= ended:
                look = began + every * math.ceil((life.settled - began) / every)
                found.delays.append(look + ROUND_TRIP - life.settled)
    return found


def busy(world: World) -> Iterator[tuple[float, float]]:
    """The spans in which something is open."""
    began = ended = -math.inf
    for life in world.registered():
        if world.known(life) > ended:
            if ended > began:
                yield began, ended
            began = world.known(life)
        ended = max(ended, life.ends)
    if ended > began:
        yield began, ended


def oracle(settled: Iterable[float], longest: float) -> Reckoned:
    """The fewest group looks with which nothing that settled, at these moments, waits longer than `longest`."""
    found, waiting = Reckoned(), sorted(settled)
    while waiting:
        look = waiting[0] + longest
        reached = [moment for moment in waiting[: 10 * COVERS] if moment <= look][:COVERS]
        found.looks += 1
        found.delays += [look - moment for moment in reached]
        waiting = waiting[len(reached) :]
    return found
