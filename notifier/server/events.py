"""/v1/events: what was announced."""

import json
import re
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator

from notifier.config.faults import Wrong
from notifier.config.words import nearest
from notifier.core.events import EVENT_TYPES, matches
from notifier.server import models
from notifier.server.control import Control
from notifier.server.deliveries import told
from notifier.server.models import Listed, known
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Nothing, Page
from notifier.store import EventRow


def routes(control: Control) -> list[Route]:
    """What can be asked of the events."""
    events, path = _Events(control), "/v1/events"
    some = {200: Listed[models.Event]}
    return [
        api("GET", path, "What was announced, the newest first", events.list, some, takes=Which),
        api("GET", f"{path}/{{event}}", "One with its deliveries", events.one, {200: models.EventTold}, takes=Nothing),
    ]


def _some_type(pattern: str) -> str:
    if not re.fullmatch("[a-z_.*]+", pattern) or not any(matches([pattern], type_) for type_ in EVENT_TYPES):
        raise Wrong('expected a type of event, or a pattern like "upload.*"', nearest(pattern, EVENT_TYPES))
    return pattern


Type = Annotated[str, AfterValidator(_some_type)]
"""A type of event, or a pattern."""


class Which(Page):
    """Which events."""

    type: Type = "*"
    source: str | None = None
    upload: str | None = None
    """Its id."""


class _Events:
    def __init__(self, control: Control) -> None:
        self._control, self._store = control, control.store

    async def list(self, call: Call[Which]) -> Answer:
        """Of a rare type a page may hold few events, or none, although others follow."""
        which = call.given
        page = await self._store.events(which.type, which.source, which.upload, which.cursor, which.limit)
        items = [told_of(row) for row in page.items]
        return HTTPStatus.OK, Listed[models.Event](items=items, next=None if page.next is None else str(page.next))

    async def one(self, call: Call[Nothing]) -> Answer:
        """With every attempt at each delivery."""
        row, body, owed = await self._control.event(call.path["event"])
        tried = await self._store.tried(one.id for one in owed)
        deliveries = [await told(self._control, one, tried[one.id]) for one in owed]
        return HTTPStatus.OK, models.EventTold(**_told(row), body=json.loads(body), deliveries=deliveries)


def told_of(row: EventRow) -> models.Event:
    """An event as it is told."""
    return models.Event(**_told(row))


def _told(row: EventRow) -> dict[str, Any]:
    fields = row._asdict()
    return {**fields, "timestamp": known(fields.pop("at"))}
