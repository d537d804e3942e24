"""GET /metrics: what the store holds, how the endpoints fare, what was counted since the start.

A scrape costs the daemon little, whoever scrapes how often: one question to the database at a time, the text made in a
thread, and an end to the waiting.
"""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from notifier.core.callbacks import ALL, family
from notifier.core.health import WELL
from notifier.core.usage import share_left
from notifier.poller import Poller
from notifier.served import Served
from notifier.server import exposition
from notifier.server.problems import Problem
from notifier.server.readings import Reading, Shown, SourceShown, Vitals
from notifier.server.routes import Route
from notifier.store import Store, StoreError
from notifier.tally import FOLLOWED, UNSEEN, Tally

PROMPTLY = 5.0
"""Seconds within which a scrape is answered: half of what Prometheus waits."""


class Metrics:
    """What there is to scrape."""

    def __init__(
        self,
        store: Store,
        served: Mapping[str, Served],
        clock: Callable[[], float],
        promptly: float = PROMPTLY,
        *,
        called: Tally | None = None,
        poller: Poller | None = None,
        vitals: Callable[[], Vitals] = Vitals,
    ) -> None:
        """`called` is what came of the deliveries to callbacks, of which nobody is told one by one."""
        self._store = store
        self._served = served
        self._clock = clock
        self._promptly = promptly
        self._called = called or Tally()
        self._poller = poller
        self._vitals = vitals
        self._scrape: asyncio.Task[bytes] | None = None

    async def text(self) -> bytes:
        """What Prometheus wants to know; raises `TimeoutError` and `StoreError`.

        Who comes while another waits gets the same answer. One that comes too late is not asked for a second time.
        """
        if self._scrape is None or self._scrape.done():
            self._scrape = asyncio.create_task(self._scraped())
            self._scrape.add_done_callback(_noted)
        async with asyncio.timeout(self._promptly):
            return await asyncio.shield(self._scrape)

    async def _scraped(self) -> bytes:
        reading = await self._read()
        return await asyncio.to_thread(exposition.text, reading)

    async def _read(self) -> Reading:
        figures = await self._store.figures()
        now, superseded, dropped = self._clock(), self._store.superseded, self._store.dropped
        served = {name: one for name, one in self._served.items() if family(name) == name}
        shown = {
            name: Shown(
                now,
                one.health,
                one.is_unsigned,
                len(one.in_flight),
                superseded[name],
                dropped[name],
                one.tally.copy(),
            )
            for name, one in served.items()
        }
        if self._store.has_callbacks:
            figures.queues.append(await self._store.callbacks_queue())
            on_their_way = sum(len(one.in_flight) for one in self._served.values()) - sum(
                len(one.in_flight) for one in served.values()
            )
            shown[ALL] = Shown(now, WELL, False, on_their_way, superseded[ALL], dropped[ALL], self._called.copy())
        sources = {} if self._poller is None else await self._sources(self._poller, now)
        return Reading(now, figures, self._store.database.commits.copy(), self._vitals(), shown, sources)

    async def _sources(self, poller: Poller, now: float) -> dict[str, SourceShown]:
        failing, followed = await self._store.in_trouble(), await self._store.by_status()
        return {
            name: SourceShown(
                name in failing,
                one.looks.copy(),
                {status: followed.get(name, {}).get(None if status == UNSEEN else status, 0) for status in FOLLOWED},
                share_left(poller.credentials.budget(one), one.allowance, now),
            )
            for name, one in poller.watched.items()
        }


def _noted(scrape: asyncio.Task[bytes]) -> None:
    """Nobody may be left to hear of its failure."""
    if not scrape.cancelled():
        scrape.exception()


def routes(metrics: Metrics) -> list[Route]:
    """For those whom the guard lets in."""

    async def told(_: web.Request) -> web.Response:
        try:
            text = await metrics.text()
        except TimeoutError:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer in time") from None
        except StoreError:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer") from None
        return web.Response(body=text, headers={"Content-Type": exposition.CONTENT_TYPE})

    return [Route("GET", "/metrics", "How the endpoints fare, for Prometheus", told)]
