"""What the tests of the provider modules have in common: a source, and of each provider a sample of what it can say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from notifier.core.model import Answer, Look, LookKind, Rate, Source
from notifier.core.secret import Secret
from notifier.providers import upload_post, xenonflare
from notifier.providers.base import ProviderError

KEY = "key-that-nobody-may-see"
ID = "7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6"
AT = 1_763_726_400.0


def source(provider: str, base_url: str, **more: Any) -> Source:
    fields = {"name": "posts", "budget": Rate(6000, 60), **more}
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

    get: Look
    page: Look
    one: Callable[[str], Any]
    """The answer about the upload, with this word for its status."""
    page_of: Callable[[list[Any]], Any]
    row: Callable[[str], dict[str, Any]]
    """A row of the page about the upload with this id."""
    parses: tuple[Callable[[Any], Answer], ...]


UPLOAD_POST_GET = Look(LookKind.GET, id=ID)
UPLOAD_POST_JOB = Look(LookKind.GET, id=ID, ref="job_id", scheduled_at=AT + 60)
UPLOAD_POST_PAGE = Look(LookKind.FEED, "history")
XENONFLARE_GET = Look(LookKind.GET, "videos", id=ID)
XENONFLARE_PAGE = Look(LookKind.LIST, "videos")

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
}
