"""stories × seconds → the script: what happens, and what goes wrong, at which moment."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from notifier.core.model import Status
from notifier.demo.stories import FOUND, REGISTERED, Story
from notifier.demo.upload_post import Post
from notifier.demo.xenonflare import Media

SEED = 20
SPREAD = 0.03
"""Moments are shifted by up to so much of the whole, so that they do not fall together."""
LONGEST_OUTAGE = 4.0


@dataclass(frozen=True, slots=True)
class Scene:
    """From `at` (seconds from the beginning, below 0: before anybody looks) this holds, and means `status`.

    A `scheduled_at` of the upload counts from the beginning too.
    """

    at: float
    status: Status
    upload: Post | Media


class Mishap(StrEnum):
    """What goes wrong, and with whom."""

    POSTS_500 = "posts answers 500"
    POSTS_429 = "posts answers 429"
    MEDIA_HTML = "media answers an HTML page"
    CRM_DOWN = "crm is down"
    CRM_UP = "crm is up again"


@dataclass(frozen=True, slots=True)
class Script:
    """The play: how it stands before anybody looks, then scenes and mishaps in the order of time."""

    before: tuple[Scene, ...]
    scenes: tuple[Scene, ...]
    mishaps: tuple[tuple[float, Mishap], ...]
    registered: tuple[str, ...]
    """The posts that the config names; everything else has to be found."""


def script(seconds: float, seed: int = SEED) -> Script:
    """The play, drawn out over so many seconds; the same seed gives the same ids and moments."""
    draw = Random(seed)  # noqa: S311 - a play wants variety, not secrecy
    known = [list(_scenes(story, seconds, draw)) for story in REGISTERED]
    found = [list(_scenes(story, seconds, draw)) for story in FOUND]
    scenes = sorted((scene for life in known + found for scene in life), key=lambda scene: scene.at)
    return Script(
        before=tuple(scene for scene in scenes if scene.at < 0),
        scenes=tuple(scene for scene in scenes if scene.at >= 0),
        mishaps=tuple(sorted(_mishaps(seconds))),
        registered=tuple(life[0].upload.id for life in known),
    )


def _mishaps(seconds: float) -> Iterator[tuple[float, Mishap]]:
    yield 0.15 * seconds, Mishap.POSTS_500
    yield 0.4 * seconds, Mishap.MEDIA_HTML
    yield 0.65 * seconds, Mishap.POSTS_429
    down_at = 0.3 * seconds
    yield down_at, Mishap.CRM_DOWN
    yield down_at + min(0.4 * seconds, LONGEST_OUTAGE), Mishap.CRM_UP


def _scenes(story: Story, seconds: float, draw: Random) -> Iterator[Scene]:
    for moment, status, upload in story(draw):
        at = moment if moment < 0 else (moment + SPREAD * draw.random()) * seconds
        due = upload.scheduled_at
        yield Scene(at, status, upload if due is None else replace(upload, scheduled_at=due * seconds))
