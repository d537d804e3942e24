"""Coming back: a receiver was down for a minute, and gets all that it is owed.

Only the waiting of that minute is left out: the clock of sender and receiver leaps to the next moment at which there is
something to do. From the first delivery on it goes as every clock does, and all that is measured is real time.
"""

import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.corpus import Shape, announce, endpoints
from bench.daemon import daemon, send_all
from bench.receipts import check, sink, taken_port
from notifier.core.model import Endpoint, Rate, Status

DOWN = 60.0
MOST = 5000
EACH = 10
"""Events of an upload."""
AT_ONCE = 8
PATIENCE = 1.0
"""What is not due within so many seconds is none of what is owed."""


class Leaping:
    """The clock on the wall, ahead by what was leapt over."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def leap(self, moment: float) -> None:
        """Let it be that moment, or later where it is later already."""
        self.ahead += max(0.0, moment - self())


@dataclass(frozen=True, slots=True)
class Return:
    """What came after the receiver was back."""

    rate: int
    """Per second, as configured; 0: none."""
    noticed: float
    """Seconds from its return until it was tried again, by the clock that leaps."""
    came: Sequence[tuple[float, float]]
    """Every request: when it was there and when it was answered, by the clock of the receiver."""


async def come_back(folder: Path, deliveries: int, rate: int) -> Return:
    """Let so many be owed to a receiver that is down, let it come back, and judge what it gets."""
    clock, there = Leaping(), taken_port()
    uploads = max(1, deliveries // EACH)
    (receiver,) = endpoints(Shape(1, AT_ONCE, 0), there.getsockname()[1])
    receiver = replace(receiver, url=receiver.url.removesuffix("0") + "slow/0", rate=Rate(rate, 1))
    with tempfile.TemporaryDirectory(dir=folder) as here:
        async with daemon(Path(here), [receiver], clock) as (store, sender):
            await announce(store, uploads, [receiver], [Status.QUEUED, Status.PROCESSING] * (EACH // 2))
            back = clock() + DOWN
            while (at := await send_all(sender, clock)) < back:
                clock.leap(at)
            clock.leap(back)
            with sink(there) as listening:
                clock.leap(at)
                noticed = clock() - back
                await send_all(sender, clock, PATIENCE)
                found = await listening.receipts()
            assert (await store.counts())["waiting"] == 0, "something is still owed"
    check(found, uploads * EACH, in_order=True)
    came = sorted((one["at"], one["answered"]) for one in found)
    judge(came, receiver)
    return Return(rate, noticed, came)


# --- what is true of requests: each when it was there, and when it was answered, in order


def judge(came: Sequence[tuple[float, float]], receiver: Endpoint) -> None:
    """Never above the rate, in any stretch of time; never more at once than are let, one at first.

    The rate lets a second's worth go at once. What was on its way when a stretch began comes on top, for it is counted
    when it arrives: no more than the endpoint has places.
    """
    rate = receiver.rate.count
    if rate:
        level = highest([at for at, _ in came], rate)
        assert level <= max(1, int(rate)) + receiver.max_in_flight, f"a burst of {level:.0f}, at {rate:.0f}/s"
    for (at, _), many, ended in zip(came, at_once(came), ended_before(came), strict=True):
        most = min(receiver.max_in_flight, max(1, ended))
        assert many <= most, f"{many} at once after {ended} successes, at {at - came[0][0]:.3f} s"


def fullest(moments: Sequence[float], span: float = 1.0) -> int:
    """The most of them within any stretch of so many seconds."""
    return max(number - bisect_left(moments, moment - span) + 1 for number, moment in enumerate(moments))


def highest(moments: Sequence[float], rate: float) -> float:
    """The burst that the rate must grant for them to come when they do: in no stretch do more come than both allow."""
    level, most, before = 0.0, 0.0, moments[0]
    for moment in moments:
        level = max(0.0, level - (moment - before) * rate) + 1
        most, before = max(most, level), moment
    return most


def ended_before(came: Sequence[tuple[float, float]]) -> list[int]:
    """For each request, how many were answered before it was there."""
    ends = sorted(end for _, end in came)
    return [bisect_left(ends, at) for at, _ in came]


def at_once(came: Sequence[tuple[float, float]]) -> list[int]:
    """For each request, how many were there unanswered, itself among them."""
    return [number + 1 - ended for number, ended in enumerate(ended_before(came))]
