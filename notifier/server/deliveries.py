"""/v1/deliveries, /v1/drop: what is owed, delivered, dead; and what is given up."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import model_validator

from notifier.core.model import Attempt, Phase
from notifier.server import models
from notifier.server.control import Control
from notifier.server.held import outlook
from notifier.server.models import Listed, known, moment
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Nothing, Number, Page, Taken, numbered
from notifier.store import DeliveryRow, Tried
from notifier.store.drop import OWED

AT_ONCE = 500
"""Deliveries that are given up in one transaction."""


def routes(control: Control) -> list[Route]:
    """What can be asked of the deliveries."""
    deliveries, path = _Deliveries(control), "/v1/deliveries"
    some, one = {200: Listed[models.Delivery]}, {200: models.DeliveryTold}
    return [
        api("GET", path, "What is owed, delivered, dead, the newest first", deliveries.list, some, takes=Which),
        api("GET", f"{path}/{{delivery}}", "One with its attempts", deliveries.one, one, takes=Nothing),
        api(
            "POST",
            "/v1/drop",
            "Give up what is owed",
            deliveries.drop,
            {200: models.Dropped | models.Matching},
            takes=Drop,
        ),
    ]


class Which(Page):
    """Which deliveries."""

    endpoint: str | None = None
    phase: Phase | None = None


class Drop(Taken):
    """What is to be given up: a delivery, or all to an endpoint that wait, that are dead, or both."""

    delivery: Number | None = None
    endpoint: str | None = None
    phase: Phase | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _is_one(self) -> "Drop":
        if (self.delivery is None) == (self.endpoint is None):
            raise ValueError("name a delivery, or an endpoint")
        if self.phase is not None and (self.endpoint is None or self.phase not in OWED):
            raise ValueError(f"a phase is of what is owed to an endpoint: {' or '.join(OWED)}")
        return self


class _Deliveries:
    def __init__(self, control: Control) -> None:
        self._control = control
        self._store, self._clock, self._ring = control.store, control.clock, control.sender.wake.set

    async def list(self, call: Call[Which]) -> Answer:
        """Also those to endpoints that left the config."""
        which = call.given
        page = await self._store.deliveries(which.endpoint, which.phase, which.cursor, which.limit)
        items = [models.Delivery(**await _columns(self._control, row)) for row in page.items]
        return HTTPStatus.OK, Listed[models.Delivery](items=items, next=None if page.next is None else str(page.next))

    async def one(self, call: Call[Nothing]) -> Answer:
        """The first attempt first."""
        row, tried = await self._control.delivery(numbered(call.path, "delivery"))
        return HTTPStatus.OK, await told(self._control, row, tried)

    async def drop(self, call: Call[Drop]) -> Answer:
        """Those on their way are delivered all the same if they arrive. Whoever is cut off may ask again."""
        asked = call.given
        phases = OWED if asked.phase is None else (asked.phase,)
        if asked.delivery is not None:
            delivery, _ = await self._control.delivery(asked.delivery)
            if asked.dry_run:
                return HTTPStatus.OK, models.Matching(matching=int(delivery.phase in phases))
            ended, dropped = [], await self._store.drop([delivery.id], call.who, self._clock())
        else:
            queues = await self._store.queues(asked.endpoint)
            if not queues:
                await self._store.callback(str(asked.endpoint))  # which says that there is none
            (queue,) = queues
            owed = {Phase.WAITING: queue.waiting, Phase.DEAD: queue.dead}
            if asked.dry_run:
                return HTTPStatus.OK, models.Matching(matching=sum(owed[phase] for phase in phases))
            ended = await self._store.end(queue.endpoint, self._clock()) if Phase.WAITING in phases else []
            dropped = await self._drop_all(queue.endpoint, phases, call.who)
        self._ring()  # what came after it in its lane may go
        return HTTPStatus.OK, models.Dropped(dropped=dropped, replays=ended)

    async def _drop_all(self, endpoint: str, phases: tuple[Phase, ...], by: str) -> int:
        dropped = 0
        while True:
            some = await self._store.drop_owed(endpoint, phases, by, self._clock(), AT_ONCE)
            dropped += some
            if some < AT_ONCE:
                return dropped


async def told(control: Control, row: DeliveryRow, tried: Iterable[Tried]) -> models.DeliveryTold:
    """A delivery with its attempts, as it is told."""
    tries = [models.Attempt(**attempt_columns(one.number, one.attempt)) for one in tried]
    return models.DeliveryTold(**await _columns(control, row), tries=tries)


async def _columns(control: Control, row: DeliveryRow) -> dict[str, Any]:
    moments = {"due_at": moment(row.due_at), "settled_at": moment(row.settled_at), "created_at": known(row.created_at)}
    served = None if row.due_at is None else await control.served(row.endpoint)
    return row._asdict() | moments | outlook(row, served, control.clock())


def attempt_columns(number: int, attempt: Attempt) -> dict[str, Any]:
    """What is told of an attempt, the `number`-th of its delivery."""
    told = ("duration", "phases", "outcome", "status", "note", "excerpt")
    return {
        "number": number,
        "started_at": known(attempt.started_at),
        **{name: getattr(attempt, name) for name in told},
    }
