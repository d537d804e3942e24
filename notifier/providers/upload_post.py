"""Upload-Post: one upload by its id, the schedule list, the history of finished rows.

GET /uploadposts/status?request_id=…        {"status": …, "results": [row], …}   see "Upload Status" of the vendor
GET /uploadposts/schedule                   [job] or {"scheduled_posts": [job]}
GET /uploadposts/history?page=1&limit=100   {"history": [row], "total": …}
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from notifier.core.diff import Vanishing, latest
from notifier.core.model import MOST_TARGETS, Answer, Look, LookKind, Observation, Rate, Source, Status
from notifier.core.rhythm import Cadence, Listing
from notifier.providers.base import Malformed, Provider, Session
from notifier.providers.http import Api, Reply, refuse
from notifier.providers.shapes import Count, Id, Shape, Title, Url, When, Word, each, whole, word
from notifier.providers.upload_post_rows import (
    FINAL_WORDS,
    Past,
    Row,
    Told,
    last_moment,
    own_reason,
    past,
    reason_of,
    status_of,
    targets_of,
)

PAGE_SIZE, SMALL_PAGE_SIZE = 100, 10
"""Rows of the history asked for at first, and where that is refused: some accounts may have no more than 10."""
WORDS = {
    "pending": Status.QUEUED,
    "queued": Status.QUEUED,
    "processing": Status.PROCESSING,
    "in_progress": Status.PROCESSING,
    "cancelled": Status.CANCELLED,
    **{spelled: Status(meant) for spelled, meant in FINAL_WORDS.items()},
}


class Client:
    """One account at Upload-Post."""

    def __init__(self, session: Session, source: Source) -> None:
        self._api = Api(session, source.base_url, {"Authorization": f"Apikey {source.api_key.reveal()}"})
        self._page_size = PAGE_SIZE

    async def observe(self, look: Look, at: float) -> Answer:
        """One request: an upload by its id, the jobs to come, or a page of the history. Raises `ProviderError`."""
        path, query = self._request(look)
        reply = await self._api.get(f"/uploadposts/{path}", query, at)
        return replace(self._answer(look, reply, at), limit=reply.limit, skew=reply.skew)

    def _request(self, look: Look) -> tuple[str, dict[str, str | int]]:
        if look.kind is LookKind.GET:
            return "status", {look.ref or "request_id": look.id}
        if look.kind is LookKind.SCHEDULE:
            return "schedule", {}
        return "history", {"page": look.page, "limit": self._page_size}

    def _answer(self, look: Look, reply: Reply, at: float) -> Answer:
        if is_about_an_account(reply):
            return Answer(skipped=("answers 401 for the sake of a social account: it must be connected anew",))
        if look.kind is LookKind.GET and denies(reply):
            return denied(look)
        if look.kind is LookKind.FEED and self._page_size > SMALL_PAGE_SIZE and refuses_the_page(reply):
            self._page_size = SMALL_PAGE_SIZE
            return Answer(then=look)
        refuse(reply, "api_key")
        if look.kind is LookKind.GET:
            return upload(reply.document, look, at)
        return (
            schedule(reply.document)
            if look.kind is LookKind.SCHEDULE
            else history(reply.document, look, self._page_size)
        )


# --- answers that are no success, and yet an answer


def _said(reply: Reply, member: str) -> str:
    """A member of an error's body, lower case; "" where there is none."""
    return (isinstance(reply.document, dict) and word(reply.document.get(member))) or ""


def is_about_an_account(reply: Reply) -> bool:
    """Whether a 401 speaks of an account at a platform and not of the key."""
    return reply.status == HTTPStatus.UNAUTHORIZED and _said(reply, "code").endswith("_reauth_required")


def denies(reply: Reply) -> bool:
    """Whether a 404 is in its own words; any other one only says that the base URL is wrong."""
    return reply.status == HTTPStatus.NOT_FOUND and _said(reply, "status") == "not_found"


def refuses_the_page(reply: Reply) -> bool:
    """Whether a page so large is not to be had."""
    said = [_said(reply, member) for member in ("message", "detail", "error")]
    paging = any(one.startswith(("invalid limit", "invalid page")) for one in said)
    return reply.status == HTTPStatus.BAD_REQUEST and paging


def denied(look: Look) -> Answer:
    """Upload-Post does not know the id: as a request_id, so that a job_id is asked for next; or by any name."""
    return Answer(then=replace(look, ref="job_id")) if look.ref is None else Answer(missing=True)


# --- documents → answers


class _Upload(Told):
    """What is said of one upload; it is named by the id that it was asked for with."""

    status: Word
    request_id: Url = None
    job_id: Url = None
    results: Any = None
    platforms: Any = None
    last_update: When = None


class _History(Shape):
    history: list[Any]
    total: Count = None
    limit: Count = None


class _Job(Shape):
    """A row of the schedule list. Its preview_url is another one in every answer, so it is not even read."""

    job_id: Id
    scheduled_date: When = None
    title: Title = None


def upload(document: Any, look: Look, at: float) -> Answer:
    """The answer about one upload at the moment `at`. Raises `Malformed`."""
    told = whole(_Upload, document)
    ref, raw = look.ref or "request_id", told.status.lower()
    named = told.job_id if ref == "job_id" else told.request_id
    if named is not None and named.lower() != look.id.lower():
        raise Malformed("asked for one upload, answered with another")
    if raw == "not_found":
        return denied(look)
    said = WORDS.get(raw, Status.UNKNOWN)
    if raw == "pending" and ref == "job_id" and (look.scheduled_at is None or at < look.scheduled_at):
        said = Status.SCHEDULED
    rows, skipped = each(_rows(told), Row.model_validate)
    targets = targets_of(rows, said)
    status = status_of(said, targets)
    seen = Observation(
        kind="post",
        id=look.id,
        status=status,
        raw_status=told.status,
        reason=reason_of(status, own_reason(told) if said is Status.FAILED else None, targets),
        updated_at=latest(told.last_update, last_moment(rows)),
        targets=targets[:MOST_TARGETS],
        ref=ref,
    )
    return Answer((seen,), skipped=skipped)


def _rows(told: _Upload) -> list[Any]:
    """A list, or an object keyed by platform as synchronous uploads are answered; of any other shape there are none."""
    rows = told.platforms if told.results is None else told.results
    if isinstance(rows, dict):
        return [{"platform": name, **row} if isinstance(row, dict) else row for name, row in rows.items()]
    return rows if isinstance(rows, list) else []


def schedule(document: Any) -> Answer:
    """The list of jobs to come. Raises `Malformed`."""
    rows = document
    if isinstance(document, dict):
        rows = document.get("scheduled_posts", document.get("scheduled"))
    if not isinstance(rows, list):
        raise Malformed("not as documented: no list of scheduled posts")
    jobs, skipped = each(rows, _Job.model_validate)
    _expect_any(rows, jobs, skipped)
    return Answer(tuple(map(_planned, jobs)), skipped=skipped)


def _planned(job: _Job) -> Observation:
    return Observation(
        kind="post",
        id=job.job_id,
        status=Status.SCHEDULED,
        title=job.title,
        scheduled_at=job.scheduled_date,
        ref="job_id",
    )


def history(document: Any, look: Look, size: int) -> Answer:
    """A page of at most `size` rows of the history, newest first; what ended first comes first. Raises `Malformed`."""
    page = whole(_History, document)
    rows, skipped = each(page.history, Past.model_validate)
    _expect_any(page.history, rows, skipped)
    uploads: dict[str, list[Past]] = {}
    for row in rows:
        uploads.setdefault(row.id, []).append(row)
    size = page.limit or size
    further = len(page.history) >= size if page.total is None else look.page * size < page.total
    seen = [past(rows[::-1]) for rows in reversed(uploads.values())]
    return Answer(tuple(seen), more=further and bool(page.history), skipped=skipped)


def _expect_any(rows: Sequence[Any], read: Sequence[Any], skipped: Sequence[str]) -> None:
    if rows and not read:
        raise Malformed(f"not one row as documented: {skipped[0]}")


PROVIDER = Provider(
    name="upload_post",
    base_url="https://api.upload-post.com/api",
    kinds=(),
    kind="post",
    listings=(
        Listing(LookKind.SCHEDULE, "schedule", active=60, idle=300),
        # What a page kept back that was read once would else never be found: nothing but the history shows it.
        Listing(LookKind.FEED, "history", active=30, idle=300, through=86400),
    ),
    cadence=Cadence(
        settled=((360, 360), (86400, 3600)),  # a settled upload's answer is cached for 5 minutes
        dies_after=3600,
    ),
    usual=(40, 1.1),
    budget=Rate(60, 60),
    limit=Rate(60, 60),
    connect=Client,
    vanishing=Vanishing(scheduled=Status.CANCELLED, keeps_settled=False),
)
