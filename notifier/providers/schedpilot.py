"""SchedPilot: the lists of its media library and of its posts. There is no call for a single one of either.

    GET /media/list?type=video&page=1&per_page=100   [media]                           see "Media Library" of the vendor
    GET /posts?page=1&per_page=100                   {"posts": [post], "total": …}

Every page is one of 60 reads in a clock hour, which all keys and programs of an account share. The posts are therefore
read in one list, whatever their status: a second one of those that are scheduled would cost a read for rows that the
first shows too, and what has left it may have been posted, have failed or have been deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Annotated, Any

from pydantic import BeforeValidator

from notifier.core.model import Answer, Look, LookKind, Observation, Rate, Source, Status
from notifier.core.pace import Pace
from notifier.core.rhythm import Cadence, Listing
from notifier.core.secret import Secret
from notifier.core.sweep import LONGEST
from notifier.providers.base import Malformed, Provider, Session
from notifier.providers.http import Api, refuse
from notifier.providers.memo import Memo
from notifier.providers.schedpilot_posts import is_share, rows_of_last, uploads
from notifier.providers.shapes import Count, Id, RowReader, Shape, Text, Title, Url, When, each, whole, word

MEDIA, POSTS = "media", "posts"
KINDS = (MEDIA, POSTS)
IMAGE = "image"
PAGE_SIZE = 100
"""Rows of a page at most, and the number that is asked for."""
READS = Rate(60, 3600)
DAY = 86400.0
"""So often at least each list is read to its end: its order is documented nowhere."""

REQUESTS = {MEDIA: ("/media/list", "type"), POSTS: ("/posts", "status")}
"""Of each collection: where it is, and what its parts differ by."""
STATUSES = {"pending": Status.PROCESSING, "processed": Status.COMPLETED}
"""Of a video. That its transcoding failed is said by no word: it stays pending, or is no longer there."""


@dataclass(frozen=True, slots=True)
class Above:
    """How a page of posts ends."""

    page: int
    read_at: float
    total: int
    rows: Sequence[Any]
    """All of its last post that came so far: there may be more on the next page."""


class Client:
    """One account at SchedPilot."""

    def __init__(self, session: Session, source: Source) -> None:
        self._api = Api(session, source.base_url, credential(source.api_key))
        self._memo = Memo()
        self._above: Above | None = None
        """How the page of posts ended that was answered last, if there are more."""

    async def observe(self, look: Look, at: float) -> Answer:
        """One request: a page of a collection, or of the part of it that `look.word` names. Raises `ProviderError`."""
        if look.kind in {LookKind.GET, LookKind.BATCH}:
            raise Malformed("SchedPilot has lists only: it cannot be asked for a single upload")
        path, parted_by = REQUESTS[look.collection]
        part = {parted_by: look.word} if look.word else {}
        reply = await self._api.get(path, {**part, "page": look.page, "per_page": PAGE_SIZE}, at)
        refuse(reply, "api_key")
        if look.collection == MEDIA:
            return self._memo.read(look, reply, media)
        answer = self._memo.read(look, reply, partial(posts, above=self._page_above(look, at)))
        self._above = ending(reply.document, look, at) if answer.more else None
        return answer

    def _page_above(self, look: Look, at: float) -> Above | None:
        """How the page before ended, where that was read just now: in one sweep."""
        above = self._above
        return above if above and above.page == look.page - 1 and 0 <= at - above.read_at <= LONGEST else None


def credential(key: Secret) -> Mapping[str, str]:
    """The header that bears the key, `smm_…`, or the token, `sp_tok_…`, with "Bearer " written before it or without."""
    written = key.reveal()
    if written.startswith("sp_tok_"):
        return {"Authorization": f"Bearer {written}"}
    return {"Authorization" if written.startswith("Bearer ") else "X-API-KEY": written}


# --- documents → answers


class _Media(Shape):
    media_id: Id
    type: Annotated[str | None, BeforeValidator(word)] = None
    title: Title = None
    url: Url = None
    status: Text = None
    created_at: When = None


class _Posts(Shape):
    posts: list[Any]
    total: Count = None
    per_page: Count = None


def media(document: Any, look: Look, read_rows: RowReader = each) -> Answer:
    """A page of the library: a bare list, which does not tell how many there are. Raises `Malformed`."""
    if not isinstance(document, list):
        raise Malformed("not as documented: no list of media")
    seen, skipped = read_rows(document, lambda row: _observed(_Media.model_validate(row), look.word))
    _expect_any(document, seen, skipped)
    return Answer(seen, more=len(document) >= PAGE_SIZE, skipped=skipped)


def _observed(row: _Media, part: str) -> Observation:
    return Observation(
        kind="media",
        id=row.media_id,
        status=_status(row, part),
        raw_status=row.status,
        title=row.title,
        url=row.url,
        created_at=row.created_at,
        ref=part,
    )


def _status(row: _Media, part: str) -> Status:
    """Images have no status: they are ready once they are there. Of a video without one nothing is known."""
    if row.status is not None:
        return STATUSES.get(row.status.lower(), Status.UNKNOWN)
    return Status.COMPLETED if (row.type or part) == IMAGE else Status.UNKNOWN


def ending(document: Any, look: Look, at: float) -> Above | None:
    """How a page of posts ends; None where its last post may begin on one before, or nobody counts the rows."""
    page = whole(_Posts, document)
    rows = rows_of_last(page.posts)
    is_whole = look.page == 1 or len(rows) < len(page.posts)
    return Above(look.page, at, page.total, rows) if is_whole and page.total is not None else None


def posts(document: Any, look: Look, read_rows: RowReader = each, above: Above | None = None) -> Answer:
    """A page of posts. Raises `Malformed`, also where nothing can be read although there is something.

    A post whose rows are in part on the page `above` is told whole here, if there are as many rows as there were: else
    some may be missing between the two. What are counted are all rows: where each is of one account, nobody knows how
    many posts they are.
    """
    page = whole(_Posts, document)
    size = page.per_page or PAGE_SIZE
    more = len(page.posts) >= size if page.total is None else bool(page.posts) and look.page * size < page.total
    before = above.rows if above and above.total == page.total else None
    seen, skipped = uploads(page.posts, before or (), read_rows, begun=look.page > 1 and before is None, more=more)
    _expect_any(page.posts, seen, skipped)
    if look.page == 1 and page.total and not page.posts:
        raise Malformed(f"no row of a total of {page.total}")
    posts_in_all = None if any(map(is_share, page.posts)) else page.total
    return Answer(seen, more=more, total=posts_in_all, skipped=skipped)


def _expect_any(rows: Sequence[Any], seen: Sequence[Observation], skipped: Sequence[str]) -> None:
    if rows and not seen:
        raise Malformed(f"not one row as documented: {skipped[0]}")


PROVIDER = Provider(
    name="schedpilot",
    base_url="https://api.schedpilot.com/developers/v1",
    kinds=KINDS,
    listings=(
        Listing(LookKind.LIST, MEDIA, active=120, idle=240, word="video", through=DAY),
        Listing(LookKind.LIST, MEDIA, active=DAY, idle=DAY, word=IMAGE, through=DAY),
        Listing(LookKind.LIST, POSTS, active=240, idle=480, through=DAY),
    ),
    cadence=Cadence(
        grace=0, grace_looks=2
    ),  # two sweeps without it are sure; what has settled is seen again in its list
    pace=Pace(price=12, caps=((600, 38), (inf, 600))),  # as far as the reads of an hour go
    usual=(60, 1.1),
    hourly=True,
    budget=READS,
    limit=READS,
    connect=Client,
    single=False,
)
