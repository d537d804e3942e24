"""Encoding.com: one media or several by their ids, and the list of all, newest or latest finished first.

    POST / xml=<query>…<action>GetStatus</action><mediaid>1042,1043</mediaid><extended>yes</extended></query>
        <response><job>{media}</job><job>{media}</job></response>
    POST / xml=<query>…<action>GetStatus</action><mediaid>1042</mediaid></query>
        <response>{media, and what its formats make}</response>
    POST / xml=<query>…<action>GetMediaList</action><version>3</version>…</query>
        <response><pagination>…</pagination><media>{row}</media>…</response>

See "GetStatus", "GetStatus Extended" and "GetMediaList, version 3" of the vendor. Errors are answers with status 200.
What an unknown id gives is documented nowhere: neither an error nor silence ever says that a media does not exist.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Annotated
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from pydantic import BeforeValidator

from notifier.core.diff import Vanishing
from notifier.core.model import Answer, Look, LookKind, Rate, Source
from notifier.core.rhythm import Cadence, Listing
from notifier.providers.base import Malformed, Provider, Refused, Session, Unavailable
from notifier.providers.encoding_com_formats import Note
from notifier.providers.encoding_com_rows import is_id, media, row
from notifier.providers.http import Api, Page, refuse
from notifier.providers.shapes import Shape, each, text
from notifier.providers.xml import answered, members, words

OVER_THE_LIMIT = 421
"""Encoding.com's status for "Request Rate over limit"; nowhere else does it mean that."""
PAGE_SIZE = 100
"""Rows of a list, the most that the documentation allows."""
MOST_IDS = 50
"""Ids in one request; no limit is documented."""
WRONG_KEY, TOO_MANY = "wrong user id or key", "rate over limit"
"""What an error says that is about the credential, or the pace, and not about what was asked."""
CREDENTIAL = "user_id and user_key"
LONGEST_ERROR = 300
ORDERS = {
    LookKind.LIST: {"sort": "created", "order": "desc"},
    LookKind.FEED: {"sort": "finished", "order": "desc"},
}
_COUNT = re.compile("[0-9]{1,9}")
SIMPLE, EXTENDED = "simple", "extended"
"""Forms in which a media may have to be asked for, as they stand in a `ref`."""


@dataclass(frozen=True, slots=True)
class _Reply:
    root: Element
    page: Page

    def telling(self, answer: Answer) -> Answer:
        """The answer, and what came with it."""
        return replace(answer, limit=self.page.limit, skew=self.page.skew)


class Client:
    """One account at Encoding.com."""

    def __init__(self, session: Session, source: Source) -> None:
        self._api = Api(session, source.base_url, {"Accept": "text/xml"})
        self._source = source

    async def observe(self, look: Look, at: float) -> Answer:
        """One request: a media, several of them, or a page of the list. Raises `ProviderError`."""
        if look.kind is LookKind.GET:
            return await self._single(look, at)
        if look.kind is LookKind.BATCH:
            return await self._several(look, at)
        paging = {"version": "3", "page": str(look.page), "per_page": str(PAGE_SIZE), **ORDERS[look.kind]}
        reply = await self._asked({"action": "GetMediaList", **paging}, at)
        return reply.telling(page(reply.root, look))

    async def _single(self, look: Look, at: float) -> Answer:
        if not is_id(look.id):
            return Answer(skipped=("an id that is no number cannot be asked for",))
        form = {} if is_simple(look) else {"extended": "yes"}
        reply = await self._asked({"action": "GetStatus", "mediaid": look.id, **form}, at)
        return reply.telling(single(reply.root, look))

    async def _several(self, look: Look, at: float) -> Answer:
        ids = [id_ for id_ in look.ids if is_id(id_)]
        odd = (f"not asked for, as no number: {len(look.ids) - len(ids)} of the ids",) * (len(ids) < len(look.ids))
        if not ids:
            raise Malformed("not one of the ids is a number")
        reply = await self._asked({"action": "GetStatus", "mediaid": ",".join(ids), "extended": "yes"}, at)
        answer = several(reply.root, look)
        return reply.telling(replace(answer, skipped=odd + answer.skipped))

    async def _asked(self, query: Mapping[str, str], at: float) -> _Reply:
        key = self._source.api_key.reveal()
        told = {"userid": self._source.user_id, "userkey": key, **query}
        written = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in told.items())
        xml = f'<?xml version="1.0"?>\n<query>{written}</query>'
        reply = await self._api.post_form("/", {"xml": xml}, at)
        if reply.status == OVER_THE_LIMIT:
            raise Unavailable("answers 421, request rate over limit", reply.wait, limited=True)
        refuse(reply, CREDENTIAL)
        root = answered(reply.body, reply.content_type)
        if root.tag != "response":
            raise Malformed("XML, but no response")
        for error in _errors(root):
            error.text = words(error).replace(key, "***")
        return _Reply(root, reply)


def complaints(root: Element) -> str:
    """What an answer's errors say; "" where it has none. Raises what they mean wherever they stand."""
    errors = _errors(root)
    said = text(LONGEST_ERROR)("; ".join(filter(None, map(words, errors)))) or ""
    if WRONG_KEY in said.lower():
        raise Refused(f"says: {said} Check {CREDENTIAL}")
    if TOO_MANY in said.lower():
        raise Unavailable(f"says: {said}", limited=True)
    return f"says: {said or 'an error without a word'}" if errors else ""


def _errors(root: Element) -> list[Element]:
    """What stands in <errors>, and a <message> that may stand beside them."""
    inside = [one for errors in root.iterfind("errors") for one in (errors, *errors)]
    return [*inside, *root.iterfind("message")] if inside else []


# --- documents → answers


def is_simple(look: Look) -> bool:
    """Whether a media is asked for in the simple form: at first, and then only where its formats are to be named."""
    note = Note.read(look.ref)
    return note.form == SIMPLE or not (note.form or note.outputs)


def single(root: Element, look: Look) -> Answer:
    """The answer about one media. Raises `Malformed`.

    Where the simple form gives an error, the extended one may still say that the media was deleted; where the extended
    one shows formats without a name, the simple one tells it. Whichever was asked for so is the last.
    """
    note, simple, said, jobs = Note.read(look.ref), is_simple(look), complaints(root), _jobs(root)
    if said and not jobs:
        if simple and not note.form:
            return Answer(then=replace(look, ref=EXTENDED))
        raise Malformed(said)
    told, skipped = each(jobs or [root], lambda one: media(one, {look.id: note}, simple=simple))
    if skipped:
        raise Malformed(f"not as documented: {skipped[0]}")
    found = next((one for one in told if one.seen.id == look.id), None)
    if found is None:
        raise Malformed("asked for one media, answered with another")
    if not found.nameless:
        return Answer((found.seen,), skipped=_complaint(said) + found.skipped)
    if note.form == EXTENDED:
        raise Malformed("tells of formats, and not what they are")
    return Answer(then=replace(look, ref=note.written(SIMPLE)))


def _complaint(said: str) -> tuple[str, ...]:
    """An error beside what is told all the same."""
    return (said,) if said else ()


def _jobs(root: Element) -> list[Element]:
    return root.findall("job") or ([root] if root.find("id") is not None else [])


def several(root: Element, look: Look) -> Answer:
    """The answer about several media, in whatever order. Raises `Malformed`.

    One that it does not mention is one of which it says nothing. One with formats that were never named is observed
    as incomplete: a look at it alone names them.
    """
    said, jobs = complaints(root), _jobs(root)
    if said and not jobs:
        raise Malformed(said)
    notes = {id_: Note.read(ref) for id_, ref in zip_longest(look.ids, look.refs) if id_ is not None}
    told, skipped = each(jobs, lambda one: media(one, notes, simple=False))
    if jobs and not told:
        raise Malformed(f"not one job as documented: {skipped[0]}")
    wanted = [one for one in told if one.seen.id in notes]
    others = ("a media that was not asked for",) * (len(wanted) < len(told))
    rotten = tuple(line for one in wanted for line in one.skipped)
    return Answer(tuple(one.seen for one in wanted), skipped=_complaint(said) + skipped + others + rotten)


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, str) and _COUNT.fullmatch(value) else None


Count = Annotated[int | None, BeforeValidator(_count)]


class _Pagination(Shape):
    total: Count = None
    pages: Count = None
    per_page: Count = None


def page(root: Element, look: Look) -> Answer:
    """A page of the list. Raises `Malformed`, also where nothing can be read although there is something."""
    rows, paging, said = root.findall("media"), root.find("pagination"), complaints(root)
    if said:
        raise Malformed(said)
    if paging is None and not rows:
        raise Malformed("not as documented: neither a media nor a pagination")
    pagination = _Pagination.model_validate({} if paging is None else members(paging))
    seen, skipped = each(rows, row)
    if rows and not seen:
        raise Malformed(f"not one row as documented: {skipped[0]}")
    if not rows and look.page == 1 and pagination.total:
        raise Malformed(f"no row of a total of {pagination.total}")
    return Answer(seen, more=_goes_on(pagination, len(rows), look), total=pagination.total, skipped=skipped)


def _goes_on(told: _Pagination, rows: int, look: Look) -> bool:
    """As many pages as are told, else until one is not full. Lists without a pagination have no pages at all."""
    if told.pages is not None:
        return bool(rows) and look.page < told.pages
    return told.per_page is not None and 0 < told.per_page <= rows


PROVIDER = Provider(
    name="encoding_com",
    base_url="https://manage.encoding.com",
    kinds=(),
    listings=(
        # What a page kept back would else be found only once it has finished, and what fails never does.
        Listing(LookKind.LIST, "media", active=60, idle=300, through=86400),
        Listing(LookKind.FEED, "finished", active=300, idle=900),
    ),
    # A restart moves any of them, and a look shows many.
    cadence=Cadence(settled=((86400, 3600),), settled_all=True, grace_looks=0),
    usual=(180, 1.2),
    budget=Rate(30, 60),
    limit=Rate(0, 60),
    connect=Client,
    batch=MOST_IDS,
    batch_up_to=200,
    is_id=is_id,
    ids="the number that Encoding.com gave the media, like 1042",
    vanishing=Vanishing(keeps_settled=False),  # ids live for about two weeks
)
