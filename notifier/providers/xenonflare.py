"""XenonFlare: one video or image by its id, and the lists of both.

    GET /media/videos/<id>            {"success": true, "data": {media}}           see "Media Status" of the vendor
    GET /media/videos?page=1&limit=…  {"success": true, "data": {"videos": [media], "pagination": {…}}}

Nothing it says ever holds a reason. Whether the rows of a list have the platforms' objects is documented nowhere: a row
without them tells that something may have changed, and the media itself tells what.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from math import inf
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from notifier.core.model import (
    MOST_TARGETS,
    Answer,
    Look,
    LookKind,
    Observation,
    Rate,
    Source,
    Status,
    Target,
    TargetStatus,
)
from notifier.core.pace import Pace
from notifier.core.rhythm import Cadence, Listing
from notifier.core.secret import Secret
from notifier.providers.base import Malformed, Provider, Session
from notifier.providers.http import Api, Reply, refuse
from notifier.providers.memo import Memo
from notifier.providers.shapes import (
    Count,
    Flag,
    Id,
    RowReader,
    Shape,
    Title,
    When,
    Word,
    each,
    reference,
    text,
    whole,
    word,
)

KINDS = ("videos", "images")
PAGE_SIZE = 100
"""Rows asked for; the maximum is documented nowhere, so the answer's own `pagination` says how many pages there are."""

STATUSES = {
    "draft": Status.DRAFT,
    "scheduled": Status.SCHEDULED,
    "pending": Status.QUEUED,
    "processing": Status.PROCESSING,
    "completed": Status.COMPLETED,
    "failed": Status.FAILED,
}
PARTS = {
    "idle": TargetStatus.IDLE,
    "pending": TargetStatus.QUEUED,
    "processing": TargetStatus.PROCESSING,
    "published": TargetStatus.COMPLETED,
    "failed": TargetStatus.FAILED,
    "manual": TargetStatus.ACTION_REQUIRED,
}
IDS = {"youtube": "videoId", "instagram": "mediaId", "tiktok": "videoId", "linkedin": "urn", "pinterest": "pinId"}
"""The member of a platform's object that holds the platform's own id."""


class Client:
    """One account at XenonFlare."""

    def __init__(self, session: Session, source: Source) -> None:
        self._api = Api(session, source.base_url, credential(source.api_key))
        self._kinds = source.kinds or KINDS
        self._memo = Memo()

    async def observe(self, look: Look, at: float) -> Answer:
        """One request: a media by its id, or a page of a collection. Raises `ProviderError`."""
        if look.kind is LookKind.GET:
            return await self._single(look, at)
        reply = await self._api.get(f"/media/{look.collection}", {"page": look.page, "limit": PAGE_SIZE}, at)
        refuse(reply, "api_key")
        return self._memo.read(look, reply, page)

    async def _single(self, look: Look, at: float) -> Answer:
        """An id of unknown kind is asked for in both collections in turn; what is asked by name needs no other."""
        collection = look.collection or self._kinds[0]
        reply = await self._api.get(f"/media/{collection}/{quote(look.id, safe='')}", {}, at)
        if not denies(reply):
            refuse(reply, "api_key")
            return Answer((single(reply.document, look, collection),), limit=reply.limit, skew=reply.skew)
        if not look.collection and len(self._kinds) > 1:
            return Answer(then=replace(look, collection=self._kinds[1]), limit=reply.limit, skew=reply.skew)
        return Answer(missing=True, limit=reply.limit, skew=reply.skew)


def credential(key: Secret) -> Mapping[str, str]:
    """The header that bears the key: `X-API-Key`, the one that every page of the vendor's documentation lists.

    Some pages list `Authorization: Bearer <key>` besides. Who needs that form, say for a gateway in between, writes
    the key as the header has it, "Bearer xf_…"; keys themselves begin with "xf_", so neither is taken for the other.
    """
    written = key.reveal()
    return {"Authorization" if written.startswith("Bearer ") else "X-API-Key": written}


def denies(reply: Reply) -> bool:
    """Whether XenonFlare itself says that it has no such media. Any other 404 only says that the base URL is wrong."""
    document = reply.document
    return reply.status == HTTPStatus.NOT_FOUND and isinstance(document, dict) and document.get("success") is False


# --- documents → observations


class _Envelope(Shape):
    success: Flag = None
    data: Any = None


class _Pagination(Shape):
    total: Count = None
    limit: Count = None
    pages: Count = None


class _Page(Shape):
    rows: list[Any]
    pagination: _Pagination


def _names(value: object) -> tuple[str, ...] | None:
    """The platforms selected; None where they are not told."""
    if not isinstance(value, list):
        return None
    return tuple(dict.fromkeys(filter(None, map(word, value))))[:MOST_TARGETS]


class _Media(Shape):
    """What is not named here is kept aside: the platforms' objects are members under the platforms' names."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow")

    id: Id
    status: Word
    title: Title = None
    platforms: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    scheduled_at: When = None
    created_at: When = None
    updated_at: When = None


def single(document: Any, look: Look, collection: str) -> Observation:
    """The answer about one media: all that there is to know. Raises `Malformed`."""
    seen = _observed(whole(_Media, _data(document)), collection)
    if seen.id != look.id:
        raise Malformed("asked for one media, answered with another")
    return replace(seen, complete=True)


def page(document: Any, look: Look, read_rows: RowReader = each) -> Answer:
    """A page of a collection. Raises `Malformed`, also where nothing can be read although there is something."""
    data = _data(document)
    told = data if isinstance(data, dict) else {}
    pagination = told.get("pagination")
    listed = whole(
        _Page, {"rows": told.get(look.collection), "pagination": pagination if isinstance(pagination, dict) else {}}
    )
    seen, skipped = read_rows(listed.rows, lambda row: _observed(_Media.model_validate(row), look.collection))
    if listed.rows and not seen:
        raise Malformed(f"not one row as documented: {skipped[0]}")
    if not listed.rows and look.page == 1 and listed.pagination.total:
        raise Malformed(f"no row of a total of {listed.pagination.total}")
    return Answer(seen, more=_goes_on(listed, look), skipped=skipped)


def _data(document: Any) -> Any:
    envelope = whole(_Envelope, document)
    if envelope.success is not True:
        raise Malformed("answers 200 without success: true")
    return envelope.data


def _goes_on(listed: _Page, look: Look) -> bool:
    """As many pages as are told, else until one is not full; one without rows is the last in any case."""
    pages, size = listed.pagination.pages, listed.pagination.limit or 1
    return bool(listed.rows) and (len(listed.rows) >= size if pages is None else look.page < pages)


def _observed(media: _Media, collection: str) -> Observation:
    """Complete where every selected platform is told of: any of them may make the status another."""
    objects = {name.lower(): told for name, told in (media.model_extra or {}).items()}
    selected = _begun(objects) if media.platforms is None else media.platforms
    targets = {name: _target(name, objects.get(name)) for name in selected}
    told = tuple(target for target in targets.values() if target is not None)
    complete = media.platforms is not None and len(told) == len(selected)
    return Observation(
        kind=collection.removesuffix("s"),
        id=media.id,
        status=_status(media.status, [None if target is None else target.status for target in targets.values()]),
        raw_status=media.status,
        title=media.title,
        scheduled_at=media.scheduled_at,
        created_at=media.created_at,
        updated_at=media.updated_at,
        targets=told,
        complete=complete,
        every_target=complete,
    )


def _begun(objects: Mapping[str, Any]) -> Sequence[str]:
    """Where it is not told which platforms are selected: those that are not idle must be."""
    found = {name: _target(name, objects.get(name)) for name in IDS}
    return [name for name, target in found.items() if target and target.status is not TargetStatus.IDLE]


def _target(name: str, told: Any) -> Target | None:
    """A platform's object; None where it is not there, or says nothing."""
    members = told if isinstance(told, dict) else {}
    raw = text()(members.get("status"))
    if raw is None:
        return None
    status = PARTS.get(raw.lower(), TargetStatus.UNKNOWN)
    return Target(name, status, raw, reference(members.get(IDS.get(name, ""))), reference(members.get("url")))


def _status(raw: str, parts: Iterable[TargetStatus | None]) -> Status:
    """The media's word, put right by the selected platforms; None is one of which nothing is told.

    "completed" beside a failure and "failed" beside a publication are partial. What is finished but for a person's act,
    or waits for nothing else, is up to that person.
    """
    status, told = STATUSES.get(raw.lower(), Status.UNKNOWN), set(parts)
    if status is Status.FAILED:
        return Status.PARTIAL if TargetStatus.COMPLETED in told else status
    if status is Status.COMPLETED and TargetStatus.FAILED in told:
        return Status.PARTIAL
    if status is Status.COMPLETED:
        return Status.ACTION_REQUIRED if TargetStatus.ACTION_REQUIRED in told else status
    waits_for_a_person = told - {TargetStatus.COMPLETED, TargetStatus.FAILED} == {TargetStatus.ACTION_REQUIRED}
    return Status.ACTION_REQUIRED if waits_for_a_person and status is not Status.UNKNOWN else status


PROVIDER = Provider(
    name="xenonflare",
    base_url="https://xenonflare.com/api/v1",
    kinds=KINDS,
    listings=tuple(Listing(LookKind.LIST, collection, active=30, idle=300, through=21600) for collection in KINDS),
    cadence=Cadence(settled=((86400, 21600),)),
    pace=Pace(caps=((600, 30), (1800, 90), (inf, 300))),
    usual=(60, 1.1),
    budget=Rate(30, 60),
    limit=Rate(0, 60),
    connect=Client,
)
