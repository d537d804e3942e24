"""What the tests of the provider modules have in common: a source, and of each provider a sample of what it can say."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import web

from notifier.config.models import SourceTable
from notifier.config.settings import description
from notifier.core.description import Description
from notifier.core.model import Answer, Look, LookKind, Rate, Source, Status
from notifier.core.secret import Secret
from notifier.providers import PROVIDERS, encoding_com, http_json, schedpilot, upload_post, xenonflare
from notifier.providers.base import Provider, ProviderError
from notifier.providers.xml import read

KEY = "key-that-nobody-may-see"
ID = "7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6"
AT = 1_763_726_400.0

TRANSCODER: dict[str, Any] = {
    "auth": {"header": "Authorization", "value": "Bearer {secret}", "secret": "stand-in"},
    "ok": "!error",
    "list": {
        "url": "/jobs?limit=100&page={page}",
        "items": "data.jobs",
        "paging": "page",
        "more": "data.has_more",
    },
    "single": {"url": "/jobs/{id}", "item": "data", "missing": [404, 410]},
    "fields": {
        "id": "id",
        "status": "state",
        "title": "name",
        "url": "output.url",
        "reason_code": "error.code",
        "reason_text": "error.message",
        "scheduled_at": "run_at",
        "updated_at": "changed_at",
    },
    "targets": {
        "items": "outputs",
        "name": "preset",
        "status": "state",
        "url": "url",
        "external_id": "id",
        "reason_text": "error",
    },
    "statuses": {"waiting": "queued", "running": "processing", "done": "completed", "error": "failed"},
}
"""An API that is described, by the keys of the config."""


def described(**keys: Any) -> Description:
    """The API above, with other keys; a key that is None is left out."""
    written = {key: value for key, value in {**TRANSCODER, **keys}.items() if value is not None}
    table = SourceTable.model_validate({"name": "posts", "provider": "http_json", **written})
    return description(table, table.fields)


def source(provider: str, base_url: str, **more: Any) -> Source:
    api = described() if provider == "http_json" else None
    fields = {"name": "posts", "user_id": "85296", "api": api, "budget": Rate(6000, 60), **more}
    return Source(provider=provider, base_url=base_url, api_key=Secret(KEY), **fields)


def discreet(error: ProviderError) -> ProviderError:
    """The error, which tells neither the key nor the query."""
    for told in (str(error), repr(error), repr(error.__dict__)):
        assert KEY not in told
        assert ID not in told
        assert "?" not in told
        assert "limit=" not in told
    return error


@dataclass(frozen=True)
class Sample:
    """A provider's looks at one upload and at a page, good answers to them, and its functions that parse answers."""

    get: Look | None
    """None where there is no look at one upload."""
    page: Look
    one: Callable[[str], Any]
    """The answer about the upload, with this word for its status; where there is no look at it, a page of it alone."""
    page_of: Callable[[list[Any]], Any]
    row: Callable[[str], dict[str, Any]]
    """A row of the page about the upload with this id."""
    parses: tuple[Callable[[Any], Answer], ...]
    word: str = "processing"
    """One of the provider's words for a status, lower case."""
    means: Status = Status.PROCESSING
    id: str = ID
    """The upload's; it has two neighbours on a page."""
    neighbours: tuple[str, str] = ("first", "last")
    credential: str = "api_key"
    """What the config calls what a person must mend."""
    spell: Callable[[Any], str] = json.dumps
    """A document as it is sent."""
    content_type: str = "application/json"
    foreign: tuple[str, ...] = ("<html>404</html>", "", '{"detail": "Not Found"}', "[]", "null")
    """What a 404 may hold that does not come from this API."""

    def response(self, document: Any, **more: Any) -> web.Response:
        """A good answer."""
        return web.Response(text=self.spell(document), content_type=self.content_type, **more)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The looks there are, the one that `one` answers first."""
        return ("page",) if self.get is None else ("get", "page")


UPLOAD_POST_GET = Look(LookKind.GET, id=ID)
UPLOAD_POST_JOB = Look(LookKind.GET, id=ID, ref="job_id", scheduled_at=AT + 60)
UPLOAD_POST_PAGE = Look(LookKind.FEED, "history")
XENONFLARE_GET = Look(LookKind.GET, "videos", id=ID)
XENONFLARE_PAGE = Look(LookKind.LIST, "videos")
SCHEDPILOT_PAGE = Look(LookKind.LIST, "media", word="video")
SCHEDPILOT_POSTS = Look(LookKind.LIST, "posts")
ENCODING_GET = Look(LookKind.GET, id="92369973")
ENCODING_EXTENDED = Look(LookKind.GET, id="92369973", ref="2107:mp4")
ENCODING_BATCH = Look(LookKind.BATCH, ids=("92369973", "1"), refs=("2107:mp4", None))
ENCODING_PAGE = Look(LookKind.LIST, "media")
DESCRIBED_GET = Look(LookKind.GET, id=ID)
DESCRIBED_PAGE = Look(LookKind.LIST, "media")


def provider_of(name: str) -> Provider:
    """Whose sample this is: several of one provider have names like "schedpilot posts"."""
    return PROVIDERS[name.partition(" ")[0]]


NAME, NOT_XML = re.compile(r"[a-z_]+"), re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(value: Any, name: str = "response") -> str:
    """A JSON document as the XML from which Encoding.com would have made it."""
    if isinstance(value, dict):
        children = [(child, one) for child, one in value.items() if NAME.fullmatch(child)]
        inside = "".join(
            "".join(xml([] if isinstance(each, list) else each, child) for each in one)
            if isinstance(one, list)
            else xml(one, child)
            for child, one in children
        )
    else:
        inside = "" if value is None or isinstance(value, list) else escape(NOT_XML.sub("?", str(value)))
    return f"<{name}>{inside}</{name}>"


def parsed(document: Any) -> Any:
    return read(xml(document).encode())


TRANSCODING = http_json.Client(None, source("http_json", "https://api.example.com/v2"))

SAMPLES = {
    "upload_post": Sample(
        UPLOAD_POST_GET,
        UPLOAD_POST_PAGE,
        one=lambda status: {"request_id": ID, "status": status, "completed": 0, "total": 1, "results": []},
        page_of=lambda rows: {"history": rows, "total": len(rows), "page": 1, "limit": 100},
        row=lambda id_: {
            "request_id": id_,
            "platform": "x",
            "success": True,
            "upload_timestamp": "2025-11-21T11:59:30.250Z",
            "request_total_platforms": 1,
        },
        parses=(
            lambda document: upload_post.upload(document, UPLOAD_POST_GET, AT),
            lambda document: upload_post.upload(document, UPLOAD_POST_JOB, AT),
            upload_post.schedule,
            lambda document: upload_post.history(document, UPLOAD_POST_PAGE, 100),
        ),
    ),
    "xenonflare": Sample(
        XENONFLARE_GET,
        XENONFLARE_PAGE,
        one=lambda status: {"success": True, "data": {"id": ID, "status": status, "platforms": []}},
        page_of=lambda rows: {
            "success": True,
            "data": {"videos": rows, "pagination": {"total": len(rows), "page": 1, "limit": 100, "pages": 1}},
        },
        row=lambda id_: {"id": id_, "status": "processing", "platforms": []},
        parses=(
            lambda document: Answer((xenonflare.single(document, XENONFLARE_GET, "videos"),)),
            lambda document: xenonflare.page(document, XENONFLARE_PAGE),
        ),
    ),
    "schedpilot": Sample(
        None,
        SCHEDPILOT_PAGE,
        one=lambda status: [{"media_id": ID, "type": "video", "status": status}],
        page_of=lambda rows: rows,
        row=lambda id_: {"media_id": id_, "type": "video", "status": "pending"},
        parses=(
            lambda document: schedpilot.media(document, SCHEDPILOT_PAGE),
            lambda document: schedpilot.media(document, Look(LookKind.LIST, "media")),
        ),
        word="pending",
    ),
    "schedpilot posts": Sample(
        None,
        SCHEDPILOT_POSTS,
        one=lambda status: {"posts": [{"id": ID, "status": status}], "total": 1, "page": 1, "per_page": 100},
        page_of=lambda rows: {"posts": rows, "total": len(rows), "page": 1, "per_page": 100},
        row=lambda id_: {"id": id_, "status": "scheduled", "accounts": []},
        parses=(
            lambda document: schedpilot.posts(document, SCHEDPILOT_POSTS),
            lambda document: schedpilot.posts(document, Look(LookKind.LIST, "posts", 2)),
        ),
        word="scheduled",
        means=Status.SCHEDULED,
    ),
    "encoding_com": Sample(
        ENCODING_GET,
        ENCODING_PAGE,
        one=lambda status: {"id": "92369973", "status": status},
        page_of=lambda rows: {
            "pagination": {"per_page": 100, "page": 1, "count": len(rows), "total": len(rows), "pages": 1},
            "media": rows,
        },
        row=lambda id_: {"id": id_, "status": "Processing", "created": "2025-11-21 11:59:30"},
        parses=(
            lambda document: encoding_com.single(parsed(document), ENCODING_GET),
            lambda document: encoding_com.single(parsed(document), ENCODING_EXTENDED),
            lambda document: encoding_com.several(parsed(document), ENCODING_BATCH),
            lambda document: encoding_com.page(parsed(document), ENCODING_PAGE),
        ),
        id="92369973",
        neighbours=("92369972", "92369974"),
        credential="user_key",
        spell=xml,
        content_type="text/xml",
    ),
    "http_json": Sample(
        DESCRIBED_GET,
        DESCRIBED_PAGE,
        one=lambda status: {"data": {"id": ID, "state": status}},
        page_of=lambda rows: {"data": {"jobs": rows, "has_more": False}},
        row=lambda id_: {"id": id_, "state": "running"},
        parses=(
            lambda document: TRANSCODING.single(document, DESCRIBED_GET),
            lambda document: TRANSCODING.page(TRANSCODING.rows(document)),
        ),
        word="running",
        credential="auth.secret",
        foreign=("<html>404</html>", "", "[]", "null"),  # it cannot be told which objects are this API's own
    ),
}
