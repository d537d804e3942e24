"""/v1/sources: how each source fares, and a look at once."""

from http import HTTPStatus

from notifier.core import usage
from notifier.core.budget import left, may_go, used, window
from notifier.core.model import SourceState
from notifier.server import models
from notifier.server.control import Control
from notifier.server.models import Listed, moment
from notifier.server.problems import Problem
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Names, Nothing
from notifier.store import UnknownNameError
from notifier.watched import Watched

STOPPED = "its credential was refused: mend it, then `systemctl reload notifier`, or restart"
NO_WAIT = 1.0
"""Seconds that are not worth a word."""


def routes(control: Control) -> list[Route]:
    """What can be asked of the sources."""
    told, one, path = _Sources(control), {200: models.Source}, "/v1/sources"
    return [
        api("GET", path, "How each source fares", told.list, {200: Listed[models.Source]}, takes=Names),
        api("GET", f"{path}/{{source}}", "How one fares", told.one, one, takes=Nothing),
        api(
            "POST",
            f"{path}/{{source}}/poll",
            "Look now at everything unsettled and at its lists",
            told.poll,
            {202: models.Source},
            takes=Nothing,
        ),
    ]


class _Sources:
    def __init__(self, control: Control) -> None:
        self._store, self._poller, self._clock = control.store, control.poller, control.clock
        self._registrations = control.registrations

    async def list(self, call: Call[Names]) -> Answer:
        """Those of the config, in the order of their names."""
        names = sorted(name for name in self._poller.watched if name > (call.given.cursor or ""))
        page = names[: call.given.limit]
        items = [await self._told(self._poller.watched[name]) for name in page]
        return HTTPStatus.OK, Listed[models.Source](items=items, next=page[-1] if len(names) > len(page) else None)

    async def one(self, call: Call[Nothing]) -> Answer:
        """As the config has it."""
        return HTTPStatus.OK, await self._told(self._watched(call.path["source"]))

    async def poll(self, call: Call[Nothing]) -> Answer:
        """It begins at once, as far as budget, reserve and the provider's own word let it."""
        one = self._watched(call.path["source"])
        if one.is_stopped:
            raise Problem(HTTPStatus.CONFLICT, f"{one.source.name!r}: {STOPPED}")
        await self._registrations.look(one.source.name)
        return HTTPStatus.ACCEPTED, await self._told(one, is_asked=True)

    def _watched(self, name: str) -> Watched:
        if name not in self._poller.watched:
            there = ", ".join(self._poller.watched) or "none"
            raise UnknownNameError(f"the config has no source {name!r}: there are {there}")
        return self._poller.watched[name]

    async def _told(self, one: Watched, *, is_asked: bool = False) -> models.Source:
        """`is_asked`: it is to be looked at now, whenever that would be else."""
        name, now = one.source.name, self._clock()
        state = await self._store.source(name)
        spent = self._poller.credentials.budget(one)
        hourly, whole = one.allowance.hourly, window(spent, one.allowance, now)
        rests, may_go_at = max(state.hold_until, spent.hold_until), may_go(spent, one.allowance, now)
        is_waiting = is_asked or one.comes_at is None or one.comes_at <= may_go_at + NO_WAIT
        return models.Source(
            name=name,
            provider=one.provider.name,
            state=_state(one, state),
            reason=state.trouble and models.Reason(code=state.trouble.code, text=state.trouble.text),
            failing_since=moment(state.failing_since),
            open=await self._store.open_count(name),
            looked_at=moment(one.asked_at),
            next_at=None if one.is_stopped else moment(one.comes_at),
            rests_until=moment(rests if rests > now else None),
            may_go_at=moment(may_go_at if is_waiting and may_go_at > now + NO_WAIT else None),
            requests_used=used(spent, now),
            requests_limit=int(whole.count),
            requests_window=whole.seconds,
            provider_left=usage.told_left(spent, now),
            requests_per_hour=usage.per_hour(spent, one.allowance, now),
            requests_left=left(spent, one.allowance, now) if hourly else None,
        )


def _state(one: Watched, state: SourceState) -> models.SourceCondition:
    if one.is_stopped:
        return "stopped"
    return "ok" if state.trouble is None else "failing"
