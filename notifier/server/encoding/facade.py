"""A question → its answer, from what the store has: GetStatus, GetMediaList and GetMediaInfo, and nothing that writes.

Every answer has status 200, as the service's own have; what is wrong stands in it as <error>.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from notifier.config.settings import EncodingAccount
from notifier.core.encoding_com import OUTPUT
from notifier.core.encoding_com_call import Dialect, is_call
from notifier.core.encoding_com_document import CONTENT_TYPES, WRITERS, Element
from notifier.core.events import matches
from notifier.core.model import Endpoint, Source
from notifier.core.secret import Secret
from notifier.server.access import Seldom, is_same
from notifier.server.connections import cut_off
from notifier.server.encoding import wish
from notifier.server.encoding.media import STREAMS, Media, media, old_row, row, status
from notifier.server.encoding.question import Complaint, Question, Unreadable, question, seems
from notifier.server.problems import Problem
from notifier.server.routes import Route
from notifier.server.taking import PATIENCE
from notifier.store import Store
from notifier.store.media import Shown

log = logging.getLogger(__name__)

LARGEST_QUESTION = 64 * 1024
"""Bytes of a body: as many ids as are answered have room in it."""
AT_ONCE = 100
"""Media that are read in one go: others have their turn in between."""
LARGE_ANSWERS = 1
"""Answers with more media than that which are made and sent at a time: each may take some megabytes, for long."""
SLOW = 10.0
"""Seconds within which an answer has to be taken."""
LONGEST_LIST = 1000
"""Media in a list of before version 3, which knows no pages: the newest."""
Told = Mapping[str, str]
"""The members of a query, beside those that every query has."""


def outputs(sources: Iterable[Source], endpoints: Sequence[Endpoint]) -> dict[str, str]:
    """What the uploads of each source are said to make: what the first endpoint hears that is called for it."""
    called = [(one.sources, Dialect.read(one.format).output) for one in endpoints if is_call(one.format)]
    return {
        one.name: next((output for patterns, output in called if matches(patterns, one.name)), OUTPUT)
        for one in sources
    }


class Facade:
    """What `[server.encoding]` lets be asked."""

    def __init__(
        self, store: Store, account: EncodingAccount | None, outputs: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        """`clock` is a monotonic one; for the rest see `adopt`."""
        self._store = store
        self.adopt(account, outputs)
        self._seldom = Seldom(clock)
        self._actions: dict[str, Callable[[Told], Awaitable[Iterable[Element]]]] = {
            "getstatus": self._status,
            "getmedialist": self._list,
            "getmediainfo": self._info,
        }

    def adopt(self, account: EncodingAccount | None, outputs: Mapping[str, str]) -> None:
        """This one may ask from now on, None being nobody; `outputs` by the names of the sources."""
        self._account = account
        self._outputs = outputs

    async def response(self, asked: Question, peer: str) -> Iterable[Element]:
        """What is answered to who asks from `peer`, made as it is read.

        Raises `Complaint`, `StoreError`, and `Problem` where nobody may ask.
        """
        if self._account is None:
            raise Problem(HTTPStatus.NOT_FOUND, "the config has no [server.encoding]: set user_id and user_key there")
        if not self._knows(asked, self._account):
            if self._seldom.may(peer):
                log.warning("refused", extra={"fields": {"peer": peer, "path": "/encoding"}})
            raise Complaint("Wrong user id or key!")
        if (act := self._actions.get(asked.action.lower())) is None:
            raise Complaint(
                f"Action {wish.echo(asked.action)} is not offered here: GetStatus, GetMediaList and GetMediaInfo are"
            )
        return await act(asked.told)

    def _knows(self, asked: Question, account: EncodingAccount) -> bool:
        """Both are compared, whatever the first comes to: the time tells nothing."""
        user = is_same(_bytes(asked.user_id), Secret(account.user_id))
        return is_same(_bytes(asked.user_key.reveal()), account.user_key) & user

    async def _status(self, told: Told) -> Iterable[Element]:
        ids = wish.ids(told)
        if told.get("extended", "").lower() != "yes" and len(ids) == 1:
            return status(await self._one(ids[0]), extended=False)
        return (("job", status(one, extended=True)) for one in await self._found(ids))

    async def _info(self, told: Told) -> list[Element]:
        ids = wish.ids(told)
        if len(ids) > 1:
            raise Complaint("mediaid has several ids: GetMediaInfo is of one media")
        await self._one(ids[0])
        return STREAMS

    async def _list(self, told: Told) -> Iterable[Element]:
        if told.get("version") != "3":
            newest = await self._store.media_page(LONGEST_LIST)
            return (("media", old_row(self._media(one))) for one in reversed(newest))
        page = wish.page(told)
        span = {"since": page.since, "until": page.until}
        total = await self._store.media_count(**span)
        skipped = (page.number - 1) * page.size
        shown = []
        if skipped < total:  # to skip more than there are takes as long as to skip them all
            shown = await self._store.media_page(page.size, skipped, **span, newest_first=page.newest_first)
        numbers = {
            "per_page": page.size,
            "page": page.number,
            "count": len(shown),
            "total": total,
            "pages": -(-total // page.size),
        }
        pagination = [(name, str(number)) for name, number in numbers.items()]
        return [("pagination", pagination), *(("media", row(self._media(one))) for one in shown)]

    async def _one(self, id_: str) -> Media:
        one = next(await self._found([id_]), None)
        if one is None or one.is_gone:
            raise Complaint(f"There is no media {wish.echo(id_)}")
        return one

    async def _found(self, ids: Sequence[str]) -> Iterator[Media]:
        """Those of the media that there are, in the order in which they were asked for."""
        numbers = [*dict.fromkeys(number for number in map(wish.number, ids) if number is not None)]
        found: dict[int, Shown] = {}
        for start in range(0, len(numbers), AT_ONCE):
            found |= await self._store.media(numbers[start : start + AT_ONCE])
        return (self._media(found[number]) for number in numbers if number in found)

    def _media(self, shown: Shown) -> Media:
        callback = shown.upload.callback
        if callback is not None and is_call(callback.format):
            output = Dialect.read(callback.format).output
        else:
            output = self._outputs.get(shown.upload.source, OUTPUT)  # the source may have left the config
        return media(shown, output, self._account.user_id if self._account else "")


def routes(facade: Facade) -> list[Route]:
    """Open to everybody: the credential stands in the body, where old programs can put it."""
    turns = asyncio.Semaphore(LARGE_ANSWERS)

    async def asked(request: web.Request) -> web.StreamResponse:
        try:
            given = question(await _body(request), request.headers.get("Content-Type", ""))
        except Unreadable as complaint:
            return await _sent(request, complaint.field, _errors(complaint))
        if not _is_large(given):
            return await answered(request, given)
        async with turns:
            return await answered(request, given)

    async def answered(request: web.Request, given: Question) -> web.StreamResponse:
        try:
            response = await facade.response(given, request.remote or "")
        except Complaint as complaint:
            response = _errors(complaint)
        return await _sent(request, given.field, response)

    words = "As Encoding.com's own API, for reading"
    return [Route("POST", path, words, asked, is_open=True) for path in ("/encoding", "/encoding/")]


def _is_large(asked: Question) -> bool:
    """Whether more media may be in the answer than are read in one go."""
    is_old_list = asked.action.lower() == "getmedialist" and asked.told.get("version") != "3"
    return is_old_list or asked.told.get("mediaid", "").count(",") >= AT_ONCE


async def _sent(request: web.Request, field: str, response: Iterable[Element]) -> web.StreamResponse:
    """The answer, which has been sent: nothing of it waits in memory for who does not take it."""
    body = await asyncio.to_thread(_document, field, response)
    answer = web.StreamResponse()
    answer.content_type, answer.content_length = CONTENT_TYPES[field], len(body)
    try:
        async with asyncio.timeout(SLOW):
            await answer.prepare(request)
            await answer.write(body)
            await answer.write_eof()
    except TimeoutError:
        cut_off(request)
    return answer


async def _body(request: web.Request) -> bytes:
    """What is asked; raises `Unreadable`, in the dialect in which it seems to be asked."""
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while len(body) <= LARGEST_QUESTION and not request.content.at_eof():
                body += await request.content.readany()
    except TimeoutError:
        raise Unreadable(seems(body), f"The query has not come within {PATIENCE:g} seconds") from None
    if len(body) > LARGEST_QUESTION:
        raise Unreadable(seems(body), f"The query is larger than {LARGEST_QUESTION} bytes")
    return body


def _document(field: str, response: Iterable[Element]) -> bytes:
    return WRITERS[field]("response", list(response)).encode()


def _bytes(given: str) -> bytes:
    return given.encode(errors="surrogatepass")  # JSON can name half a character


def _errors(complaint: Complaint) -> list[Element]:
    return [("errors", [("error", str(complaint))])]
