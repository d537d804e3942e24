"""/v1/uploads: what is followed, and what programs ask to be followed."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from notifier.core.callbacks import UNSIGNED
from notifier.core.events import told_of
from notifier.core.model import Callback, Observation, Registration, Status, Upload
from notifier.registrations import CannotRegister, NamedByConfigError
from notifier.server import models
from notifier.server.control import Control
from notifier.server.models import Listed, moment
from notifier.server.problems import Fault, Problem
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Page, Taken, Truth
from notifier.store import SeveralError


def _id(given: str) -> str:
    if given in {".", ".."} or re.search(r"[\x00-\x1f\x7f]", given):
        raise ValueError('an id without control characters, and not "." or "..", which would lead elsewhere')
    return given


Id = Annotated[str, StringConstraints(min_length=1, max_length=512), AfterValidator(_id)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Value = Annotated[str, StringConstraints(max_length=256)]

UNSAID = ("status", "raw_status", "reason", "title", "url", "progress", "scheduled_at", "created_at", "updated_at")
"""What is null of an upload that was never seen."""


class Asked(Taken):
    """An upload to be followed."""

    source: str
    id: Id
    kind: str | None = None
    labels: Annotated[dict[Key, Value], Field(max_length=20)] | None = None
    notify_url: str | None = Field(default=None, repr=False)  # it may hold a token
    notify_format: str | None = None


class Which(Taken):
    """Of several uploads with one id, which."""

    kind: str | None = None


class Some(Page):
    """Of which uploads a page."""

    source: str | None = None
    status: Status | None = None
    open: Truth | None = None
    """Only those that have not settled, or only the others."""


def routes(control: Control) -> list[Route]:
    """What can be asked of uploads."""
    told, path = _Uploads(control), "/v1/uploads"
    one = f"{path}/{{source}}/{{id}}"
    followed = {200: models.Upload, 201: models.Upload}
    return [
        api("POST", path, "Follow an upload, and look at it next", told.register, followed, takes=Asked),
        api("GET", path, "What is followed", told.list, {200: Listed[models.Upload]}, takes=Some),
        api("GET", one, "An upload, and what was announced of it", told.one, {200: models.UploadTold}, takes=Which),
        api("DELETE", one, "Follow an upload no more", told.unfollow, {204: None}, takes=Which),
    ]


class _Uploads:
    def __init__(self, control: Control) -> None:
        self._store, self._registrations = control.store, control.registrations

    async def register(self, call: Call[Asked]) -> Answer:
        """201 where it was not followed before."""
        given = call.given
        if given.notify_url is None and given.notify_format is not None:
            raise _problem("notify_url", "a URL, for there is a notify_format")
        format_ = UNSIGNED if given.notify_format is None else given.notify_format
        callback = None if given.notify_url is None else Callback(given.notify_url, format_)
        try:
            came = await self._registrations.register(
                Registration(given.source, given.id, given.kind, given.labels, callback)
            )
        except CannotRegister as error:
            raise _problem(error.where, str(error)) from None
        except SeveralError as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from None
        return HTTPStatus.CREATED if came.is_new else HTTPStatus.OK, self._told(came.upload)

    async def list(self, call: Call[Some]) -> Answer:
        """By media id, downwards."""
        page = call.given
        found, later = await self._store.uploads(page.source, page.status, page.cursor, page.limit, is_open=page.open)
        items = [self._told(one) for one in found]
        return HTTPStatus.OK, Listed[models.Upload](items=items, next=None if later is None else str(later))

    async def one(self, call: Call[Which]) -> Answer:
        """With its history."""
        try:
            upload = await self._store.named(call.path["source"], call.path["id"], call.given.kind)
        except SeveralError as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from None
        about = {"source": upload.source, "endpoint": None, "upload": upload.id}
        events = [
            models.Event(
                id=id_, type=type_, timestamp=moment(at), status=status, sequence=sequence, position=position, **about
            )
            for position, id_, type_, at, status, sequence in await self._store.told(upload.media_id)
        ]
        return HTTPStatus.OK, models.UploadTold(**self._told(upload).model_dump(), events=events)

    async def unfollow(self, call: Call[Which]) -> Answer:
        """Not while the config names it."""
        try:
            await self._registrations.unfollow(call.path["source"], call.path["id"], call.given.kind)
        except (SeveralError, NamedByConfigError) as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from None
        return HTTPStatus.NO_CONTENT, None

    def _told(self, upload: Upload) -> models.Upload:
        callback = upload.callback
        return models.Upload(
            source=upload.source,
            provider=self._registrations.provider(upload.source),
            id=upload.id,
            kind=upload.kind or None,
            media_id=upload.media_id,
            registered=upload.registered,
            **_seen(upload.snapshot),
            labels=dict(upload.labels),
            notify_url=None if callback is None else callback.url.partition("?")[0],
            notify_format=None if callback is None else callback.format,
            sequence=upload.sequence,
            followed_at=moment(upload.followed_at),
            changed_at=moment(upload.changed_at),
            stalled=upload.stalled,
            next_look_at=moment(self._registrations.look_by(upload)),
        )


def _seen(seen: Observation | None) -> Mapping[str, object]:
    if seen is None:
        return {**dict.fromkeys(UNSAID), "targets": []}
    return {
        "status": seen.status,
        "raw_status": seen.raw_status,
        "reason": seen.reason and models.Reason(code=seen.reason.code, text=seen.reason.text),
        "title": seen.title,
        "url": seen.url,
        "progress": seen.progress,
        "scheduled_at": moment(seen.scheduled_at),
        "created_at": moment(seen.created_at),
        "updated_at": moment(seen.updated_at),
        "targets": [told_of(target) for target in seen.targets],
    }


def _problem(where: str, expected: str) -> Problem:
    fault = Fault(where=where, expected=expected)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{where}: expected {expected}", [fault])
