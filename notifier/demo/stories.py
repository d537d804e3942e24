"""The lives of the uploads in the demo: each a story told in fractions of the whole, each with a trap that is real.

A story yields (moment, status, upload): from this moment on the provider says this, and it means that status.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from notifier.core.model import Status
from notifier.demo.upload_post import Post
from notifier.demo.xenonflare import Media

Moment = tuple[float, Status, Post | Media]
Story = Callable[[Random], Iterator[Moment]]

START = -1.0
"""Before anybody looks."""
FAR = 10_000.0
"""Later than any demo ends."""
DUE = 0.06
"""A job runs so much before the time it was announced for: what is late would be `queued`."""

# --- Upload-Post


def launch_film(draw: Random) -> Iterator[Moment]:
    """`success: true` beside "Queued" is no success."""
    post = Post(_request_id(draw), "processing", title="launch film", total=2)
    yield START, Status.PROCESSING, post
    yield 0.08, Status.PROCESSING, replace(post, status="in_progress", rows=(_row("x", message="Queued"),))
    yield 0.2, Status.COMPLETED, replace(post, status="completed", rows=(_live("x"), _live("linkedin")))


def teaser(draw: Random) -> Iterator[Moment]:
    """A plain failure, with a reason."""
    post = Post(_request_id(draw), "queued", title="teaser")
    yield START, Status.QUEUED, post
    yield 0.1, Status.PROCESSING, replace(post, status="processing")
    yield 0.32, Status.FAILED, replace(post, status="failed", rows=(_failed("instagram"),))


def podcast_cut(draw: Random) -> Iterator[Moment]:
    """`completed` although one platform refused it."""
    post = Post(_request_id(draw), "pending", title="podcast cut", total=2)
    yield START, Status.QUEUED, post
    yield 0.15, Status.PROCESSING, replace(post, status="processing")
    yield 0.45, Status.PARTIAL, replace(post, status="completed", rows=(_live("youtube"), _failed("facebook")))


def dance(draw: Random) -> Iterator[Moment]:
    """TikTok put it into the drafts: the app's owner has to act."""
    post = Post(_request_id(draw), "processing", title="dance")
    parked = _row("tiktok", message="Sent to inbox", fallback_to_inbox=True)
    yield START, Status.PROCESSING, post
    yield 0.4, Status.ACTION_REQUIRED, replace(post, status="completed", rows=(parked,))


def monday_tip(draw: Random) -> Iterator[Moment]:
    """A job that is scheduled during the demo, runs and leaves the schedule list."""
    post = Post(_job_id(draw), "pending", title="monday tip", job=True, scheduled_at=0.35 + DUE)
    yield 0.05, Status.SCHEDULED, post
    yield 0.35, Status.PROCESSING, replace(post, status="processing")
    yield 0.6, Status.COMPLETED, replace(post, status="completed", rows=(_live("threads"),))


def surprise(draw: Random) -> Iterator[Moment]:
    """Nobody registered it: only the history tells that it exists, and only when it is over."""
    post = Post(_request_id(draw), "processing", title="surprise")
    yield 0.2, Status.PROCESSING, post
    yield 0.5, Status.COMPLETED, replace(post, status="completed", rows=(_live("bluesky"),))


def last_week(draw: Random) -> Iterator[Moment]:
    """Finished long ago: not news."""
    yield START, Status.COMPLETED, Post(_request_id(draw), "completed", rows=(_live("x"),), title="last week")


def next_week(draw: Random) -> Iterator[Moment]:
    """A job whose time does not come."""
    post = Post(_job_id(draw), "pending", title="next week", job=True, scheduled_at=FAR)
    yield START, Status.SCHEDULED, post


# --- XenonFlare


def keynote(draw: Random) -> Iterator[Moment]:
    """An `idle` platform that was never selected."""
    parts = {"youtube": "processing", "pinterest": "idle"}
    media = Media(_media_id(draw), "videos", "processing", "keynote", parts=parts)
    yield START, Status.PROCESSING, media
    yield 0.22, Status.COMPLETED, replace(media, status="completed", parts={**parts, "youtube": "published"})


def tour(draw: Random) -> Iterator[Moment]:
    """`failed` although one platform has published it."""
    media = _video(draw, "tour", ("youtube", "tiktok"))
    yield START, Status.QUEUED, media
    yield 0.12, Status.PROCESSING, _all(media, "processing", "processing")
    yield 0.5, Status.PARTIAL, replace(media, status="failed", parts={"youtube": "published", "tiktok": "failed"})


def interview(draw: Random) -> Iterator[Moment]:
    """`processing`, but all that is left is for a person to do."""
    media = _all(_video(draw, "interview", ("instagram",)), "processing", "processing")
    yield START, Status.PROCESSING, media
    yield 0.42, Status.ACTION_REQUIRED, _all(media, "processing", "manual")


def poster(draw: Random) -> Iterator[Moment]:
    """A scheduled image, from its plan to its end."""
    platforms = ("instagram", "pinterest")
    media = _all(Media(_media_id(draw), "images", "scheduled", "poster", platforms), "scheduled", "idle")
    media = replace(media, scheduled_at=0.3 + DUE)
    yield 0.06, Status.SCHEDULED, media
    yield 0.3, Status.QUEUED, _all(media, "pending", "pending")
    yield 0.46, Status.PROCESSING, _all(media, "processing", "processing")
    yield 0.68, Status.COMPLETED, _all(media, "completed", "published")


def backstage(draw: Random) -> Iterator[Moment]:
    """Uploaded during the demo, published."""
    media = _video(draw, "backstage", ("youtube", "linkedin"))
    yield 0.3, Status.QUEUED, media
    yield 0.55, Status.PROCESSING, _all(media, "processing", "processing")
    yield 0.75, Status.COMPLETED, _all(media, "completed", "published")


def outtakes(draw: Random) -> Iterator[Moment]:
    """Uploaded during the demo, failed; XenonFlare never says why."""
    media = _video(draw, "outtakes", ("tiktok",))
    yield 0.45, Status.QUEUED, media
    yield 0.62, Status.PROCESSING, _all(media, "processing", "processing")
    yield 0.82, Status.FAILED, _all(media, "failed", "failed")


def old_logo(draw: Random) -> Iterator[Moment]:
    """Published long ago: not news."""
    media = Media(_media_id(draw), "images", "completed", "old logo", ("linkedin",))
    yield START, Status.COMPLETED, _all(media, "completed", "published")


REGISTERED: tuple[Story, ...] = (launch_film, teaser, podcast_cut, dance)
"""Posts whose ids the config names."""
FOUND: tuple[Story, ...] = (
    monday_tip,
    surprise,
    last_week,
    next_week,
    keynote,
    tour,
    interview,
    poster,
    backstage,
    outtakes,
    old_logo,
)
"""What the lists of the providers have to tell."""


# --- ids and rows


def _request_id(draw: Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _job_id(draw: Random) -> str:
    return f"job_{draw.getrandbits(48):012x}"


def _media_id(draw: Random) -> str:
    return f"{draw.getrandbits(96):024x}"


def _row(platform: str, message: str, *, success: bool = True, **more: Any) -> Mapping[str, Any]:
    return {"platform": platform, "success": success, "message": message, **more}


def _live(platform: str) -> Mapping[str, Any]:
    return _row(platform, "Published", post_url=f"https://{platform}.example.com/demo/1")


def _failed(platform: str) -> Mapping[str, Any]:
    text = "The video is longer than the platform allows"
    return _row(platform, text, success=False, error_code="video_too_long", error_message=text)


def _video(draw: Random, title: str, platforms: tuple[str, ...]) -> Media:
    return _all(Media(_media_id(draw), "videos", title=title, platforms=platforms), "pending", "pending")


def _all(media: Media, status: str, part: str) -> Media:
    """The media at this status, and each of its platforms at that one."""
    return replace(media, status=status, parts=dict.fromkeys(media.platforms, part))
