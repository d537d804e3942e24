"""A fake SchedPilot: the media library and the posts in the wire format of its documentation, 60 reads a clock hour."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from notifier.demo.provider import FakeProvider, iso, number

PATH = "/developers/v1"
READS, HOUR = 60, 3600
MOST_ROWS = 100


@dataclass(frozen=True)
class Media:
    """A video or an image; a status of "" is none."""

    id: str
    status: str = ""
    title: str = "Launch film"

    @property
    def type(self) -> str:
        return self.id.partition("-")[0]


@dataclass(frozen=True)
class Post:
    """`accounts` has each account's number and platform, `fates` its `posted_status` and, where it failed, why."""

    id: int
    status: str = "scheduled"
    scheduled_at: float | None = None
    zone: str = "UTC"
    accounts: tuple[tuple[int, str], ...] = ((7, "linkedin"),)
    fates: Mapping[int, tuple[str, str | None]] | None = None


class FakeSchedPilot(FakeProvider):
    """SchedPilot on this machine: `put` a media or a post to change what is told of it."""

    path = PATH

    def __init__(self, clock: Callable[[], float], *, key: str = "smm_key", flat: bool = False) -> None:
        """`flat`: posts are told by a row for each of their accounts."""
        super().__init__(clock, key, self._limited)
        self.reads: dict[int, int] = {}
        """By clock hour, those of the user's own programs included."""
        self.refuses_with = 403
        self.extra: dict[str, dict[str, Any]] = {}
        """What is merged into the row of a media, to break it."""
        self._flat = flat
        self._media: dict[str, tuple[Media, float]] = {}
        self._posts: dict[int, Post] = {}
        self.app.router.add_get(f"{PATH}/media/list", self._list_media)
        self.app.router.add_get(f"{PATH}/posts", self._list_posts)

    def put(self, *told: Media | Post) -> None:
        for one in told:
            if isinstance(one, Post):
                self._posts[one.id] = one
            else:
                _, created_at = self._media.get(one.id, (None, self._clock()))
                self._media[one.id] = (one, created_at)

    def remove(self, id_: str | int) -> None:
        if isinstance(id_, int):
            del self._posts[id_]
        else:
            del self._media[id_]

    def read_elsewhere(self, reads: int) -> None:
        """The user's own programs read so many pages in this clock hour."""
        hour = int(self._clock() // HOUR)
        self.reads[hour] = self.reads.get(hour, 0) + reads

    def accepts(self, request: web.Request) -> bool:
        told = (request.headers.get("X-API-KEY"), request.headers.get("Authorization"))
        return told[0] == self._key or told[1] == f"Bearer {self._key}"

    def refusal(self) -> web.Response:
        message = "Invalid or revoked API key."
        return web.json_response({"code": self.refuses_with, "message": message}, status=self.refuses_with)

    @web.middleware
    async def _limited(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.read_elsewhere(1)
        if self.reads[int(self._clock() // HOUR)] > READS:
            message = "Rate limit exceeded. Max 60 read requests/hour."
            return web.json_response({"code": 429, "message": message}, status=429)
        return await handler(request)

    async def _list_media(self, request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("type")
        held = sorted(self._media.values(), key=lambda one: one[1], reverse=True)
        rows = [self._row(media, at) for media, at in held if wanted in {None, media.type}]
        return web.json_response(_shown(request, rows))

    def _row(self, media: Media, created_at: float) -> dict[str, Any]:
        url = f"https://api.schedpilot.com/wp-content/uploads/smm/{media.id}"
        row = {"media_id": media.id, "url": url, "type": media.type, "created_at": iso(created_at)}
        if media.type == "video":
            row |= {"title": media.title, "mime_type": "video/mp4"}
        return {**row, **({"status": media.status} if media.status else {}), **self.extra.get(media.id, {})}

    async def _list_posts(self, request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("status", "all")
        posts = [post for post in reversed(self._posts.values()) if wanted in {"all", post.status}]
        rows = [row for post in posts for row in (_flat(post) if self._flat else [_nested(post)])]
        page, size = number(request, "page", 1), number(request, "per_page", 20)
        return web.json_response(
            {"posts": _shown(request, rows), "total": len(rows), "page": page, "per_page": min(size, MOST_ROWS)}
        )


def _shown(request: web.Request, rows: list[Any]) -> list[Any]:
    page, size = number(request, "page", 1), min(number(request, "per_page", 20), MOST_ROWS)
    return rows[(page - 1) * size : page * size]


def _common(post: Post) -> dict[str, Any]:
    at = post.scheduled_at
    date = None if at is None else datetime.fromtimestamp(at, ZoneInfo(post.zone)).strftime("%Y-%m-%d %H:%M:%S")
    return {"content": "The film is out.", "scheduled_date": date, "timezone": post.zone}


def _nested(post: Post) -> dict[str, Any]:
    fates = post.fates or {}
    accounts = []
    for id_, platform in post.accounts:
        word, why = fates.get(id_, (None, None))
        accounts.append({"id": id_, "type": platform, "posted_status": word, "error_message": why})
    return {"id": post.id, "status": post.status, "accounts": accounts, "images": [], "videos": [], **_common(post)}


def _flat(post: Post) -> list[dict[str, Any]]:
    fates = post.fates or {}
    rows = []
    for id_, platform in post.accounts:
        word, why = fates.get(id_, (post.status, None))
        row = {"post_id": post.id, "platform": platform, "account_id": id_, "status": word, "platform_post_id": None}
        rows.append({**row, "error_message": why, **_common(post)})
    return rows
