"""A fake Upload-Post: status, history and schedule in the wire format of its documentation ("Upload Status" and on)."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from notifier.demo.provider import FakeProvider, iso, number

WINDOW = 60.0
"""Seconds to which the rate limit applies."""
PAGE_SIZES = frozenset({10, 20, 50, 100})
FINISHED = frozenset({"completed", "failed"})


@dataclass(frozen=True, slots=True)
class Post:
    """An upload as Upload-Post holds it: `rows` has one object for each platform of which something is recorded.

    A `job` is known by its job_id and stands in the schedule list while it is pending; any other post is known by its
    request_id. `extra` is merged into the status answer last, to add to its shape or to break it.
    """

    id: str
    status: str = "pending"
    rows: tuple[Mapping[str, Any], ...] = ()
    total: int | None = 1
    message: str | None = None
    title: str = ""
    job: bool = False
    scheduled_at: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def named(self) -> dict[str, str]:
        """The member by which answers name it."""
        return {"job_id" if self.job else "request_id": self.id}


class FakeUploadPost(FakeProvider):
    """Upload-Post on this machine: `put` a post to change what is told of it."""

    path = "/api"

    def __init__(
        self, posts: Iterable[Post], clock: Callable[[], float], *, key: str = "up-key", limit: int = 6000
    ) -> None:
        """`limit` is how many requests it answers a minute."""
        super().__init__(clock, key, self._metered)
        self.overruns = 0
        """Requests that came although the limit was used up."""
        self._limit = limit
        self._ends_at, self._seen = 0.0, 0
        """When the present window ends, and how many requests it has had."""
        self._posts: dict[str, Post] = {}
        self._signatures = 0
        self.app.router.add_get("/api/uploadposts/status", self._status)
        self.app.router.add_get("/api/uploadposts/history", self._history)
        self.app.router.add_get("/api/uploadposts/schedule", self._schedule)
        for post in posts:
            self.put(post)

    def put(self, post: Post) -> None:
        """From now on this is the truth about the post. Rows without an `upload_timestamp` get the present moment."""
        now = iso(self._clock())
        self._posts[post.id] = replace(post, rows=tuple({"upload_timestamp": now, **row} for row in post.rows))

    def remove(self, id_: str) -> None:
        """From now on nothing is known of it."""
        del self._posts[id_]

    def accepts(self, request: web.Request) -> bool:
        """`Authorization: Apikey <key>`."""
        return request.headers.get("Authorization") == f"Apikey {self._key}"

    def refusal(self) -> web.Response:
        """As documented for a bad key."""
        return web.json_response({"success": False, "message": "Invalid or expired token"}, status=401)

    # --- its rate limit

    async def rate_limited(self, _: web.Request) -> web.StreamResponse:
        """A fault: the limit is used up, for one or two seconds from now. Only X-RateLimit-Reset tells how long."""
        self._ends_at, self._seen = math.ceil(self._clock()) + 1.0, self._limit
        return _too_many()

    @web.middleware
    async def _metered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        now = self._clock()
        if now >= self._ends_at:
            self._ends_at, self._seen = math.ceil(now) + WINDOW, 0
        overrun = self._seen >= self._limit
        self._seen += 1
        self.overruns += overrun
        response = _too_many() if overrun else await handler(request)
        response.headers["X-RateLimit-Limit"] = str(self._limit)
        response.headers["X-RateLimit-Remaining"] = str(max(0, self._limit - self._seen))
        response.headers["X-RateLimit-Reset"] = str(math.ceil(self._ends_at))
        return response

    # --- what it tells

    async def _status(self, request: web.Request) -> web.StreamResponse:
        asked = next((name for name in ("request_id", "job_id") if request.query.get(name)), None)
        if asked is None:
            return web.json_response({"error": "request_id or job_id is required"}, status=400)
        id_ = request.query[asked]
        post = self._posts.get(id_)
        if post is None or asked not in post.named:
            missing = {asked: id_, "status": "not_found", "message": "No upload request found with this ID"}
            return web.json_response(missing, status=404)
        self.tell(id_)
        return web.json_response(_status_of(post))

    async def _history(self, request: web.Request) -> web.StreamResponse:
        """One row for each platform of a finished post, the newest first."""
        page, size = number(request, "page", 1), number(request, "limit", 10)
        if size not in PAGE_SIZES:
            return web.json_response({"error": "Invalid limit"}, status=400)
        finished = [post for post in self._posts.values() if post.status in FINISHED]
        rows = [{**post.named, "post_title": post.title, **row} for post in finished for row in post.rows]
        rows.sort(key=lambda row: str(row["upload_timestamp"]), reverse=True)
        shown = rows[(page - 1) * size : page * size]
        for row in shown:
            self.tell(row.get("request_id") or row["job_id"])
        return web.json_response({"history": shown, "total": len(rows), "page": page, "limit": size})

    async def _schedule(self, request: web.Request) -> web.StreamResponse:
        """The jobs that have not run, the next one first. `preview_url` is signed anew in every answer."""
        waiting = [post for post in self._posts.values() if post.job and post.status == "pending"]
        waiting.sort(key=lambda post: post.scheduled_at or 0.0)
        offset = number(request, "offset", 0)
        shown = waiting[offset : offset + number(request, "limit", len(waiting))]
        self._signatures += 1
        for post in shown:
            self.tell(post.id)
        return web.json_response({"scheduled_posts": [_planned(post, self._signatures) for post in shown]})


def _too_many() -> web.Response:
    return web.json_response({"success": False, "message": "Too many requests"}, status=429)


def _status_of(post: Post) -> dict[str, Any]:
    answer = {
        **post.named,
        "status": post.status,
        "completed": len(post.rows),
        "total": post.total,
        "results": [dict(row) for row in post.rows],
    }
    if post.message is not None:
        answer["message"] = post.message
    if post.rows:
        answer["last_update"] = max(str(row["upload_timestamp"]) for row in post.rows)
    return {**answer, **post.extra}


def _planned(post: Post, signature: int) -> dict[str, Any]:
    return {
        **post.named,
        "scheduled_date": None if post.scheduled_at is None else iso(post.scheduled_at),
        "post_type": "video",
        "profile_username": "demo",
        "title": post.title,
        "preview_url": f"https://storage.example.com/{post.id}.jpg?signature={signature}",
    }
