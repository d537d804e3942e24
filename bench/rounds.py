"""One round: announce, then the same requests to the same sink, by the bare client and by notifier, or after it."""

import cProfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bench import bare
from bench.corpus import STATUSES, Shape, announce, endpoints
from bench.daemon import daemon, send_all
from bench.receipts import Sink, check


@dataclass(slots=True)
class Taken:
    """What something took."""

    deliveries: int
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of processor time, of all threads of this process."""

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.deliveries / self.seconds

    @property
    def each(self) -> float:
        """Microseconds of processor time for a delivery."""
        return self.cpu / self.deliveries * 1e6


@dataclass(frozen=True, slots=True)
class Round:
    """What a round took: to write what is owed, to send it bare, to send it as notifier does."""

    announced: Taken
    bare: Taken
    ours: Taken

    @property
    def durable(self) -> float:
        """Seconds from the first change to the last result: to announce them all, then to send them."""
        return self.announced.seconds + self.ours.seconds


@contextmanager
def measured(deliveries: int) -> Iterator[Taken]:
    """The time of the body."""
    taken = Taken(deliveries)
    began, cpu = time.perf_counter(), time.process_time()
    yield taken
    taken.seconds, taken.cpu = time.perf_counter() - began, time.process_time() - cpu


async def play(
    shape: Shape, sink: Sink, folder: Path, *, ours_first: bool = False, profile: cProfile.Profile | None = None
) -> Round:
    """One round on a fresh database in this folder. Ours lasts from the first pass to the last commit."""
    receivers = endpoints(shape, sink.port)
    deliveries = shape.uploads * len(STATUSES) * shape.endpoints
    at_once = shape.endpoints * shape.in_flight

    async def ours() -> Taken:
        with measured(deliveries) as taken, profile or nullcontext():
            await send_all(sender)
        check(await sink.receipts(), deliveries, in_order=True)
        assert (await store.counts())["waiting"] == 0, "something is still owed"
        return taken

    async def theirs() -> Taken:
        requests = bare.signed(events, receivers)
        with measured(deliveries) as taken:
            await bare.post_all(client, at_once, requests)
        check(await sink.receipts(), deliveries, in_order=False)
        return taken

    with tempfile.TemporaryDirectory(dir=folder) as here:
        async with daemon(Path(here), receivers) as (store, sender), bare.client(at_once) as client:
            with measured(deliveries) as announced:
                events = await announce(store, shape.uploads, receivers)
            early = await ours() if ours_first else None
            bared = await theirs()
            return Round(announced, bared, early or await ours())


async def a_request(sink: Sink, folder: Path, requests: int = 3000) -> float:
    """Microseconds of processor time that the bare client takes for one, of so many: what other figures are told in."""
    return (await play(Shape(25, 8, requests), sink, folder)).bare.each


async def delays(sink: Sink, folder: Path, samples: int) -> list[float]:
    """Seconds from the commit of an announcement to its receipt at the sink, nothing else going on."""
    receivers = endpoints(Shape(1, 1, 1), sink.port)
    committed: list[float] = []
    with tempfile.TemporaryDirectory(dir=folder) as here:
        async with daemon(Path(here), receivers) as (store, sender):
            for number in range(samples):
                await announce(store, 1, receivers, [STATUSES[number % len(STATUSES)]])
                committed.append(time.monotonic())
                await send_all(sender)
    return [one["at"] - moment for one, moment in zip(await sink.receipts(), committed, strict=True)]
