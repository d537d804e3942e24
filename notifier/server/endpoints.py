"""/v1/endpoints: how each receiver fares."""

from collections.abc import Container, Mapping
from http import HTTPStatus

from notifier.core.callbacks import number_of
from notifier.core.encoding_com_call import is_call
from notifier.core.health import Health
from notifier.core.model import Endpoint
from notifier.core.pauses import Pause, reason
from notifier.ended import UNSIGNED
from notifier.served import Held, Served
from notifier.server import models
from notifier.server.control import Control
from notifier.server.deliveries import attempt_columns
from notifier.server.models import Listed, moment
from notifier.server.problems import Problem
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Names, Nothing
from notifier.store import Queue

DRAINED = "it is drained, and nothing waits: it can be taken out of the config"
SENT = "what waits is sent, nothing new is owed to it"
REPLAYED = "a replay to it is not done"
LEFT = "the config names it no more: what waits for it is kept, unsent"
LEFT_REPLAYED = "the config names it no more: a replay to it is not done, and goes on if it comes back"
FAILING: dict[Held | None, tuple[str, str]] = {
    Held.THROTTLED: ("throttled", "it asked to be left alone for a while"),
    Held.OPEN: ("failing", "one request at a time tries it"),
    Held.RATE: ("rate", "its `rate` lets no more go"),
    None: ("failing", "what fails is tried again by the schedule"),
}


def routes(control: Control) -> list[Route]:
    """What can be asked of the endpoints."""
    told = _Endpoints(control)
    one, path = {200: models.Endpoint}, "/v1/endpoints"
    return [
        api("GET", path, "How each endpoint fares", told.list, {200: Listed[models.Endpoint]}, takes=Names),
        api("GET", f"{path}/{{endpoint}}", "How one fares", told.one, one, takes=Nothing),
        api("POST", f"{path}/{{endpoint}}/pause", "Send nothing more to it", told.pause, one, takes=Nothing),
        api("POST", f"{path}/{{endpoint}}/resume", "Send to it again", told.resume, one, takes=Nothing),
        api("POST", f"{path}/{{endpoint}}/ping", "Send it a ping", told.ping, {200: models.Ping}, takes=Nothing),
    ]


class _Endpoints:
    def __init__(self, control: Control) -> None:
        self._control = control
        self._store, self._sender, self._clock = control.store, control.sender, control.clock

    async def list(self, call: Call[Names]) -> Answer:
        """In the order of their names: those of the config, and those that left it and are owed something, or will be.

        Of the callbacks those that something waits for, a thousand at most.
        """
        served = self._sender.served
        found = [*await self._store.queues(), *await self._store.callbacks_waiting()]
        queues = {queue.endpoint: queue for queue in found}
        replayed = await self._replayed()
        kept = served.keys() | replayed
        shown = sorted(name for name, queue in queues.items() if name in kept or queue.waiting or queue.dead)
        names = [name for name in shown if name > (call.given.cursor or "")]
        page = names[: call.given.limit]
        left = {} if set(page) <= set(served) else await self._store.healths()
        items = [await self._endpoint(queues[name], left, replayed) for name in page]
        return HTTPStatus.OK, Listed[models.Endpoint](items=items, next=page[-1] if len(names) > len(page) else None)

    async def one(self, call: Call[Nothing]) -> Answer:
        """Also one that left the config."""
        return HTTPStatus.OK, await self._shown(call.path["endpoint"])

    async def pause(self, call: Call[Nothing]) -> Answer:
        """What is owed to it, and what will be, waits."""
        name = (await self._control.endpoint(call.path["endpoint"])).name
        await self._sender.pause(name)
        return HTTPStatus.OK, await self._shown(name)

    async def resume(self, call: Call[Nothing]) -> Answer:
        """All that waits for it is due."""
        name = (await self._control.endpoint(call.path["endpoint"])).name
        await self._sender.resume(name)
        self._control.replays.wake.set()  # what was asked for meanwhile may begin
        return HTTPStatus.OK, await self._shown(name)

    async def ping(self, call: Call[Nothing]) -> Answer:
        """One attempt, answered with what came of it, whatever that is."""
        endpoint = await self._control.endpoint(call.path["endpoint"])
        if is_call(endpoint.format):
            words = (
                f"{endpoint.name!r} takes every call for news of a media, as Encoding.com makes them: no ping is one"
            )
            raise Problem(HTTPStatus.CONFLICT, words)
        event, attempt = await self._sender.ping(endpoint.name)
        return HTTPStatus.OK, models.Ping(event=event, **attempt_columns(1, attempt))

    async def _shown(self, name: str) -> models.Endpoint:
        if number_of(name) is not None:
            await self._sender.one(name)  # it is there
        (queue,) = await self._store.queues(name)
        left = {} if name in self._sender.served else await self._store.healths()
        return await self._endpoint(queue, left, await self._replayed())

    async def _replayed(self) -> set[str | None]:
        """To which endpoints replays go on; None among them: one to all that had an event."""
        return {replay.selection.endpoint for replay in await self._store.unfinished()}

    async def _endpoint(
        self, queue: Queue, left: Mapping[str, tuple[Health, float]], replayed: Container[str | None]
    ) -> models.Endpoint:
        """One of the config, a callback, or one that `left`, and fares as is remembered there."""
        served, now = await self._control.served(queue.endpoint), self._clock()
        configured = None if served is None else served.endpoint
        health = left[queue.endpoint][0] if served is None else served.health
        quiet_until = health.quiet_until if health.quiet_until > now else None
        goes_at = None if served is None else served.goes_at(now)
        next_at = None if goes_at is None or queue.due_at is None else max(goes_at, queue.due_at)
        return models.Endpoint(
            name=queue.endpoint,
            url=configured and _shown(configured),
            format=configured and configured.format,
            configured=configured is not None,
            state=health.state,
            reason=_told(served, queue, now, is_replayed=queue.endpoint in replayed or None in replayed),
            next_at=moment(next_at),
            waiting=queue.waiting,
            dead=queue.dead,
            oldest_at=moment(queue.oldest),
            in_flight=0 if served is None else len(served.in_flight),
            failures=health.failures,
            failure=health.failure,
            failing_since=moment(health.failing_since),
            succeeded_at=moment(health.succeeded_at),
            quiet_until=moment(quiet_until),
            probe_at=moment(health.probe_at),
            paused_at=moment(health.paused_at),
            lately=[] if served is None else [round(one, 3) for one in served.tally.lately],
        )


def _shown(endpoint: Endpoint) -> str:
    """Its URL, which has no userinfo, without the query: that may hold a token."""
    return endpoint.url.partition("?")[0]


def _told(served: Served | None, queue: Queue, now: float, *, is_replayed: bool) -> models.Reason | None:
    """What is said of it; of one that is drained, whether it can go. `is_replayed`: a replay may owe more to it."""
    if served is None:
        return models.Reason(code="unconfigured", text=LEFT if queue.waiting or not is_replayed else LEFT_REPLAYED)
    found = _reason(served, now, is_owed=bool(queue.waiting))
    if not served.endpoint.drain:
        return found
    if not queue.waiting and not is_replayed:
        return models.Reason(code="drained", text=DRAINED)
    if found is None:
        found = models.Reason(code="draining", text=SENT if queue.waiting else REPLAYED)
    return models.Reason(code=found.code, text=_joined("draining", found.text))


def _reason(served: Served, now: float, *, is_owed: bool) -> models.Reason | None:
    """What fails, or keeps it from being sent to; None: all is well."""
    health, held = served.health, served.held(now)
    if (paused := Pause.UNPERMITTED if held is Held.UNPERMITTED else health.paused) is not None:
        why = reason(paused)
        failure = health.failure if paused is Pause.FAILING else None
        return models.Reason(code=why.code, text=_joined(failure, why.text))
    if held is Held.UNSIGNED:
        return models.Reason(code="unsigned", text=UNSIGNED)
    if held is Held.LOCAL:
        return models.Reason(code="local", text=served.fault)
    if held is Held.RATE and not is_owed:
        held = None
    if held is None and health.failure is None:
        return None
    code, text = FAILING[held]
    return models.Reason(code=code, text=_joined(health.failure, text))


def _joined(*words: str | None) -> str:
    return "; ".join(filter(None, words))
