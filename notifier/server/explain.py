"""/v1/explain: an event of an upload × the endpoints → who gets it, why not where not, and what is sent."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from notifier import __version__
from notifier.core.callbacks import number_of
from notifier.core.encoding_com_call import is_call
from notifier.core.events import formats, unwanted
from notifier.core.model import Cause, Endpoint, Event, Phase, Status, Upload
from notifier.core.render import content_type, rendered
from notifier.server import models
from notifier.server.control import Control
from notifier.server.events import told_of
from notifier.server.problems import Problem
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Taken
from notifier.store import SeveralError, UnknownNameError

MASKED = "***"
UNSEEN = "is followed, and was not seen yet: there is nothing to be sent"
WORST_LAST = (Phase.DELIVERED, Phase.WAITING, Phase.SUPERSEDED, Phase.DROPPED, Phase.DEAD)
"""Where each destination of a result is a delivery of its own, what became of one hides behind no other."""
OF_THE_ATTEMPT = {"webhook-timestamp": "of the attempt", "webhook-signature": "of the attempt"}


class Which(Taken):
    """Which upload, and which of its events; else the last one."""

    source: str
    id: Annotated[str, Field(min_length=1)]
    kind: str | None = None
    event: str | None = None


class Sent(BaseModel):
    """What an endpoint is sent, once for each of these; secrets are masked."""

    format: str
    headers: dict[str, str]
    body: str


class Explanation(BaseModel):
    """Whether an endpoint wants an event, by the config as it is now."""

    endpoint: str
    url: str
    """Without what may be a credential in it."""
    wanted: bool
    cause: Cause | Literal["drain"] | None
    """Which key of its config lets it not pass."""
    phase: Phase | None
    """Of the delivery by which it is owed, the worst of several; null: it never was, or that is over for long."""
    sent: list[Sent]


class Explained(BaseModel):
    """An event, and what each endpoint makes of it."""

    event: models.Event
    endpoints: list[Explanation]


def routes(control: Control) -> list[Route]:
    """What can be explained."""
    tell, told = _Explaining(control).tell, {200: Explained}
    return [api("GET", "/v1/explain", "Who gets an event, and what is sent", tell, told, takes=Which)]


class _Explaining:
    def __init__(self, control: Control) -> None:
        self._control, self._store, self._sender = control, control.store, control.sender

    async def tell(self, call: Call[Which]) -> Answer:
        """By the config as it is now; what became of it when it was announced stands beside it."""
        which = call.given
        try:
            upload = await self._store.named(which.source, which.id, which.kind)
        except SeveralError as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from None
        event = await self._store.event_of(upload.media_id, which.event)
        endpoints = await self._endpoints(upload)
        if event is None and upload.snapshot is None:
            raise UnknownNameError(
                f"{upload.id!r} at {upload.source!r} {UNSEEN}; {_to_be_told(endpoints, upload.source)}"
            )
        if event is None:
            said = f"no event {which.event!r} of it" if which.event else "nothing"
            raise UnknownNameError(f"{said} was announced of {upload.id!r} at {upload.source!r}, or is kept no more")
        row, _, owed = await self._control.event(event.id)
        phases = {one.endpoint: one.phase for one in sorted(owed, key=lambda one: WORST_LAST.index(one.phase))}
        told = [_explained(one, event, phases.get(one.name)) for one in endpoints]
        return HTTPStatus.OK, Explained(event=told_of(row), endpoints=told)

    async def _endpoints(self, upload: Upload) -> list[Endpoint]:
        names = [name for name in self._sender.served if number_of(name) is None]
        names += [upload.callback.name] if upload.callback else []
        return [(await self._sender.one(name)).endpoint for name in names]


def _to_be_told(endpoints: Iterable[Endpoint], source: str) -> str:
    """Who gets anything of what may be announced of an upload."""
    names = [
        one.name
        for one in endpoints
        if not one.drain and any(unwanted(one, f"upload.{status}", source, status) is None for status in Status)
    ]
    return f"what is announced of it will go to {', '.join(names)}" if names else "no endpoint wants anything of it"


def _explained(endpoint: Endpoint, event: Event, phase: Phase | None) -> Explanation:
    cause = unwanted(endpoint, event.type, event.source, event.status) or ("drain" if endpoint.drain else None)
    return Explanation(
        endpoint=endpoint.name,
        url=endpoint.url.partition("?")[0],
        wanted=cause is None,
        cause=cause,
        phase=phase,
        sent=[] if cause is not None else list(_sent(endpoint, event)),
    )


def _sent(endpoint: Endpoint, event: Event) -> Iterator[Sent]:
    for format_ in formats(endpoint, event):
        body = rendered(event, [format_]).renderings.get(format_, event.body)
        signed = {} if is_call(format_) else {"webhook-id": event.id, **OF_THE_ATTEMPT}
        own = dict.fromkeys((name.lower() for name in endpoint.headers), MASKED)
        authorized = {"authorization": MASKED} if endpoint.bearer or endpoint.basic else {}
        headers = {"content-type": content_type(format_), "user-agent": f"notifier/{__version__}"}
        yield Sent(format=format_, headers={**headers, **own, **authorized, **signed}, body=body.decode())
