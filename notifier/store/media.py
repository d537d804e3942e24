"""Uploads by their media ids, and page by page in the order in which they were created, each with its two moments."""

import asyncio
import json
from collections.abc import Sequence
from math import inf
from typing import Any, NamedTuple

from notifier.core.model import Upload
from notifier.store.owing import Owing
from notifier.store.rows import UPLOAD_COLUMNS, upload_of

CREATED = "coalesce(snapshot->>'created_at', followed_at)"
THERE = "coalesce(snapshot->>'status', '') <> 'gone' AND unfollowed_at IS NULL"
"""Both as the index `uploads_created` has them."""
SHOWN = f"""SELECT (SELECT name FROM sources AS s WHERE s.number = uploads.source),
        (SELECT provider FROM sources AS s WHERE s.number = uploads.source),
        (SELECT at FROM events WHERE lane = media_id AND status = 'processing' ORDER BY sequence LIMIT 1),
        (SELECT at FROM events WHERE lane = media_id AND type = 'upload.' || (snapshot->>'status')
            ORDER BY sequence DESC LIMIT 1),
        {UPLOAD_COLUMNS}
    FROM uploads"""  # noqa: S608  # our own words
BY_ID = f"{SHOWN} WHERE media_id IN (SELECT value FROM json_each(?)) AND unfollowed_at IS NULL"  # noqa: S608  # our own words
WITHIN = f"{THERE} AND {CREATED} >= :since AND {CREATED} < :until"
PAGE = f"{SHOWN} WHERE {WITHIN} ORDER BY {CREATED} {{order}}, media_id {{order}} LIMIT :most OFFSET :skipped"
COUNT = f"SELECT count(*) FROM uploads WHERE {WITHIN}"  # noqa: S608  # our own words


class Shown(NamedTuple):
    """An upload with what the log of events still knows of its course."""

    upload: Upload
    provider: str
    began_at: float | None
    """When it was first announced as processing."""
    came_at: float | None
    """When the status that it has was announced."""


class Media(Owing):
    """The part of the store that answers as an encoding service would."""

    async def media(self, ids: Sequence[int]) -> dict[int, Shown]:
        """The uploads that have these media ids and are followed, by them."""
        rows = await self.database.rows(BY_ID, (json.dumps(ids),))
        return {one.upload.media_id: one for one in map(_shown, rows)}

    async def media_page(
        self, most: int, skipped: int = 0, since: float = -inf, until: float = inf, *, newest_first: bool = True
    ) -> list[Shown]:
        """At most `most` uploads that are not gone, of those created from `since` to before `until`."""
        page = PAGE.format(order="DESC" if newest_first else "ASC")
        parameters = {"since": since, "until": until, "most": most, "skipped": skipped}
        rows = await self.database.rows(page, parameters)
        return await asyncio.to_thread(lambda: list(map(_shown, rows)))  # a thousand hold nobody up

    async def media_count(self, since: float = -inf, until: float = inf) -> int:
        """How many such uploads there are."""
        ((count,),) = await self.database.rows(COUNT, {"since": since, "until": until})
        return int(count)


def _shown(row: Sequence[Any]) -> Shown:
    source, provider, began_at, came_at, *upload = row
    return Shown(upload_of(source, upload), provider, began_at, came_at)
