"""Any JSON API that the config describes: its lists, its answers about one upload, and which member means what.

    GET <base_url><single.url>   one upload by its id
    GET <base_url><list.url>     a page of them; where the next one is, `paging` tells

See docs/http-json.md for the description; expressions are JMESPath.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any

from notifier.core.description import Description
from notifier.core.model import Answer, Look, LookKind, Rate, Source
from notifier.core.pace import Pace
from notifier.core.rhythm import Cadence, Listing
from notifier.providers.base import Malformed, Provider, Session, Unavailable
from notifier.providers.expressions import compiled
from notifier.providers.http import Api, Reply, refuse
from notifier.providers.http_json_items import Reader
from notifier.providers.http_json_pages import Pages, filled
from notifier.providers.memo import Memo
from notifier.providers.shapes import RowReader, each

COLLECTION = "media"
KEY = "auth.secret"
"""The key of the config that a refusal speaks of."""


class Client:
    """One account at an API that the config describes."""

    def __init__(self, session: Session, source: Source) -> None:
        api = source.api or Description()
        self._api = Api(session, source.base_url, credential(source))
        self._memo = Memo()
        self._reader = Reader(api)
        self._ok = compiled(api.ok or "`true`")
        self._single = api.single
        self._item = compiled(api.single.item if api.single else "@")
        self._pages = Pages(api.list, self._api) if api.list else None
        self._items = compiled(api.list.items if api.list else "@")

    async def observe(self, look: Look, at: float) -> Answer:
        """One request: an upload by its id, or a page of them. Raises `ProviderError`."""
        if look.kind is LookKind.GET and self._single is not None:
            reply = await self._api.fetch(self._api.url(filled(self._single.url, "id", look.id)), at)
            if reply.status in self._single.missing:
                return replace(denied(reply), limit=reply.limit, skew=reply.skew)
            refuse(reply, KEY)
            return replace(self.single(reply.document, look), limit=reply.limit, skew=reply.skew)
        if look.kind is LookKind.LIST and self._pages is not None:
            reply = await self._api.fetch(self._pages.url(look), at)
            refuse(reply, KEY)
            return self._memo.read(look, reply, partial(self._listed, self._pages, reply.link))
        raise Malformed(f"the config describes no {look.kind.value}")

    def single(self, document: Any, look: Look) -> Answer:
        """The answer about one upload. Raises `Malformed`."""
        self._check(document)
        item = self._item(document)
        if not isinstance(item, dict):
            raise Malformed("no item in the answer: see single.item")
        seen, skipped = self._reader.read([item])
        if any(one.id != look.id for one in seen):
            raise Malformed("asked for one upload, answered with another")
        return Answer(seen, skipped=skipped)

    def _listed(self, pages: Pages, link: str, document: Any, look: Look, read_rows: RowReader) -> Answer:
        rows = self.rows(document)
        more, cursor = pages.onward(look, document, link, len(rows))
        return replace(self.page(rows, read_rows), more=more, cursor=cursor)

    def rows(self, document: Any) -> list[Any]:
        """The items of a page. Raises `Malformed`."""
        self._check(document)
        rows = self._items(document)
        if not isinstance(rows, list):
            raise Malformed("no items in the answer: see list.items")
        return rows

    def page(self, rows: list[Any], read_rows: RowReader = each) -> Answer:
        """What a page says. Raises `Malformed` where nothing can be read although there is something."""
        seen, skipped = self._reader.read(rows, read_rows, lean=self._single is not None)
        if rows and not seen:
            raise Malformed(f"not one row as described: {skipped[0]}")
        return Answer(seen, skipped=skipped)

    def _check(self, document: Any) -> None:
        if self._ok(document) is not True:
            raise Malformed("what `ok` says is not true of the answer")


def credential(source: Source) -> Mapping[str, str]:
    """The header that bears the secret, as the config has it; none where it has none."""
    auth = source.api.auth if source.api else None
    return {} if auth is None else {auth.header: auth.value.replace("{secret}", source.api_key.reveal())}


def denied(reply: Reply) -> Answer:
    """The API itself says that it has no such upload: in JSON, as it says everything.

    A page for people or an empty answer says only that nobody is there who knows: raises `Unavailable`.
    """
    if not isinstance(reply.document, dict):
        raise Unavailable(f"answers {reply.status}, and not in its own words: check base_url and single.url")
    return Answer(missing=True)


def tailored(source: Source) -> Provider:
    """What can be asked of this source: what its description has.

    Where no upload can be asked for by itself, what has left the first page is seen only when a sweep goes through.
    """
    api = source.api or Description()
    through = 3600.0 if api.single is None else 21600.0
    listing = Listing(LookKind.LIST, COLLECTION, active=30, idle=300, through=through)
    return replace(PROVIDER, listings=() if api.list is None else (listing,), single=api.single is not None)


PROVIDER = Provider(
    name="http_json",
    base_url="",
    kinds=(),
    listings=(),
    cadence=Cadence(settled=((86400, 3600),)),
    usual=(60.0, 1.3),
    pace=Pace(caps=((600, 30), (1800, 90), (inf, 300))),
    budget=Rate(60, 60),
    limit=Rate(0, 60),
    connect=Client,
    single=False,
    tailored=tailored,
)
