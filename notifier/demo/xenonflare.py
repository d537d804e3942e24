"""A fake XenonFlare: single media and paged lists in the wire format of its documentation ("Media Status")."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from notifier.demo.provider import FakeProvider, iso, number

IDS = {"youtube": "videoId", "instagram": "mediaId", "tiktok": "videoId", "linkedin": "urn", "pinterest": "pinId"}
"""The member of a platform's object that holds the platform's own id."""
PAGE_SIZE = 100
"""Rows a page holds at most, whatever is asked; nothing is documented."""


@dataclass(frozen=True, slots=True)
class Media:
    """A video or an image as XenonFlare holds it: `parts` has the status word of each platform.

    `platforms` names the selected ones; objects may exist for more. `extra` is merged into its object last, to add to
    its shape or to break it.
    """

    id: str
    collection: str = "videos"
    status: str = "pending"
    title: str = ""
    platforms: tuple[str, ...] = ("youtube",)
    parts: Mapping[str, str] = field(default_factory=dict)
    scheduled_at: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Held:
    media: Media
    created_at: float
    updated_at: float


class FakeXenonFlare(FakeProvider):
    """XenonFlare on this machine: `put` a media to change what is told of it."""

    path = "/api/v1"

    def __init__(
        self, media: Iterable[Media], clock: Callable[[], float], *, key: str = "xf-key", lean_rows: bool = False
    ) -> None:
        """`lean_rows`: the rows of lists come without the platforms' objects."""
        super().__init__(clock, key)
        self._lean_rows = lean_rows
        self._held: dict[tuple[str, str], _Held] = {}
        self.app.router.add_get("/api/v1/media/{collection:videos|images}", self._list)
        self.app.router.add_get("/api/v1/media/{collection:videos|images}/{id}", self._single)
        for each in media:
            self.put(each)

    def put(self, media: Media) -> None:
        """From now on this is the truth about the media."""
        now = self._clock()
        known = self._held.get((media.collection, media.id))
        self._held[media.collection, media.id] = _Held(media, known.created_at if known else now, now)

    def remove(self, collection: str, id_: str) -> None:
        """From now on nothing is known of it."""
        del self._held[collection, id_]

    def accepts(self, request: web.Request) -> bool:
        """`X-API-Key: <key>` or `Authorization: Bearer <key>`."""
        told = (request.headers.get("X-API-Key"), request.headers.get("Authorization"))
        return told[0] == self._key or told[1] == f"Bearer {self._key}"

    def refusal(self) -> web.Response:
        """As documented for a missing or bad key; the shape of its body is not."""
        return web.json_response({"success": False, "message": "API key is missing or invalid"}, status=401)

    async def _single(self, request: web.Request) -> web.StreamResponse:
        held = self._held.get((request.match_info["collection"], request.match_info["id"]))
        if held is None:
            message = "No media found with the provided ID for your account"
            return web.json_response({"success": False, "message": message}, status=404)
        self.tell(held.media.id)
        return web.json_response({"success": True, "data": _object(held)})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        """The newest first, filtered by `status` and `platform` where they are given."""
        collection, status, platform = (
            request.match_info["collection"],
            request.query.get("status"),
            request.query.get("platform"),
        )
        page, size = number(request, "page", 1), min(number(request, "limit", 10), PAGE_SIZE)
        found = [
            held
            for held in self._held.values()
            if held.media.collection == collection
            and status in {None, held.media.status}
            and (platform is None or platform in held.media.platforms)
        ]
        found.sort(key=lambda held: held.created_at, reverse=True)
        shown = found[(page - 1) * size : page * size]
        for held in shown:
            self.tell(held.media.id)
        rows = [_object(held, lean=self._lean_rows) for held in shown]
        pagination = {"total": len(found), "page": page, "limit": size, "pages": -(-len(found) // size)}
        return web.json_response({"success": True, "data": {collection: rows, "pagination": pagination}})


def _object(held: _Held, *, lean: bool = False) -> dict[str, Any]:
    media = held.media
    answer: dict[str, Any] = {
        "id": media.id,
        "title": media.title,
        "status": media.status,
        "platforms": list(media.platforms),
    }
    if media.scheduled_at is not None:
        answer["scheduledAt"] = iso(media.scheduled_at)
    if not lean:
        answer |= {name: _part(name, media.id, word) for name, word in media.parts.items()}
    return {**answer, "createdAt": iso(held.created_at), "updatedAt": iso(held.updated_at), **media.extra}


def _part(platform: str, id_: str, word: str) -> dict[str, str]:
    if word != "published":
        return {"status": word}
    return {"status": word, IDS[platform]: f"{platform}-{id_}", "url": f"https://{platform}.example.com/{id_}"}
