"""Acme: a job by its id, and the list of all.

GET /jobs/<id>      {"id": "7", "state": "done", "title": "…", "link": "https://…"}; 404 {"error": "unknown job"}
GET /jobs?page=1    {"jobs": [job], "pages": 3}
"""

from http import HTTPStatus
from math import inf
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession

from notifier.core.model import Answer, Look, LookKind, Observation, Rate, Source, Status
from notifier.core.pace import Pace
from notifier.core.rhythm import Cadence, Listing
from notifier.providers.base import Malformed, Provider
from notifier.providers.http import Api, Reply, refuse
from notifier.providers.shapes import Count, Id, Shape, Title, Url, Word, each, whole

STATUSES = {
    "waiting": Status.QUEUED,
    "running": Status.PROCESSING,
    "done": Status.COMPLETED,
    "broken": Status.FAILED,
}
DENIAL = {"error": "unknown job"}


class _Job(Shape):
    id: Id
    state: Word
    title: Title = None
    link: Url = None


class _Page(Shape):
    jobs: list[Any]
    pages: Count = None


class Client:
    """One account at Acme."""

    def __init__(self, session: ClientSession, source: Source) -> None:
        self._api = Api(session, source.base_url, {"Authorization": f"Bearer {source.api_key.reveal()}"})

    async def observe(self, look: Look, at: float) -> Answer:
        """One request: a job by its id, or a page of the list. Raises `ProviderError`."""
        if look.kind is LookKind.GET:
            return _single(await self._api.get(f"/jobs/{quote(look.id, safe='')}", {}, at), look)
        return _page(await self._api.get("/jobs", {"page": look.page}, at), look)


def _single(reply: Reply, look: Look) -> Answer:
    if (
        reply.status == HTTPStatus.NOT_FOUND and reply.document == DENIAL
    ):  # in its own words; any other 404 means a wrong base_url
        return Answer(missing=True, limit=reply.limit, skew=reply.skew)
    refuse(reply, "api_key")
    seen = _observed(whole(_Job, reply.document))
    if seen.id != look.id:
        raise Malformed("asked for one job, answered with another")
    return Answer((seen,), limit=reply.limit, skew=reply.skew)


def _page(reply: Reply, look: Look) -> Answer:
    refuse(reply, "api_key")
    listed = whole(_Page, reply.document)
    seen, skipped = each(listed.jobs, lambda row: _observed(_Job.model_validate(row)))
    if listed.jobs and not seen:
        raise Malformed(f"not one row as documented: {skipped[0]}")
    more = look.page < (listed.pages or 1)
    return Answer(seen, more=more, skipped=skipped, limit=reply.limit, skew=reply.skew)


def _observed(job: _Job) -> Observation:
    status = STATUSES.get(job.state.lower(), Status.UNKNOWN)
    return Observation("job", job.id, status, job.state, title=job.title, url=job.link)


PROVIDER = Provider(
    name="acme",
    base_url="https://api.acme.example",
    kinds=(),
    kind="job",
    listings=(Listing(LookKind.LIST, "jobs", active=30, idle=300, through=21600),),
    cadence=Cadence(settled=((86400, 3600),)),
    pace=Pace(caps=((600, 30), (inf, 300))),
    budget=Rate(60, 60),
    limit=Rate(0, 60),  # it documents none
    connect=Client,
)
