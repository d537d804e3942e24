"""The nouns to try the core with: what a test does not care about is filled in."""

from itertools import pairwise

from hypothesis import strategies as st

from notifier.core.diff import Vanishing
from notifier.core.lives import BINS, EDGES, Hazard, one_life, together
from notifier.core.model import (
    Attempt,
    Delivery,
    Endpoint,
    Observation,
    Outcome,
    Reason,
    Status,
    Target,
    TargetStatus,
    Upload,
)
from notifier.core.pace import Watch
from notifier.core.reading import Rules
from notifier.core.rhythm import Cadence
from notifier.core.secret import Secret

NOW = 1_795_262_400.0
"""2026-11-21T12:00:00Z"""
HOUR, DAY = 3600.0, 86400.0

CADENCE = Cadence(settled=((360, 360), (DAY, HOUR)), settled_all=True)
RULES = Rules(CADENCE, Vanishing(), stalled_after=7200)


def seen(status=Status.PROCESSING, raw_status="same", **more) -> Observation:
    """What a provider said; its word is ours unless another is given."""
    raw = status.value if raw_status == "same" else raw_status
    return Observation(kind=more.pop("kind", "post"), id=more.pop("id", "u1"), status=status, raw_status=raw, **more)


def upload(snapshot=None, **more) -> Upload:
    """An upload, followed since an hour ago."""
    given = {"kind": "post", "followed_at": NOW - HOUR, **more}
    return Upload(media_id=7, source="posts", id="u1", snapshot=snapshot, **given)


# --- how long uploads take


def flat(mean) -> Hazard:
    """Lives that end by a chance that is the same at every moment."""
    return Hazard((1 / mean,) * BINS)


def survival(life, age):
    """The chance to be open still at this age."""
    return life.course(age)[0]


def integral(life, age):
    """Seconds lived until this age, on average."""
    return life.course(age)[1]


LIVES = together(one_life(0, end) for end in (12, 18, 20, 22, 31, 45, 60, 130)).hazard(
    [2 / (begin + end) for begin, end in pairwise(EDGES)]
)
"""Learned from eight lives."""


def watch(life=LIVES, born=NOW, at=NOW, **more) -> Watch:
    """An upload that was last seen open at `at`, by a look that told all of it."""
    given = {"upload": upload(seen()), "stated": born, "asked": at, **more}
    return Watch(life=life, born=born, seen=at, **given)


# --- what goes out


def delivery(**more) -> Delivery:
    given = {"slots": 0, "attempts": 0, "lane": 7, "sequence": 1, "due_at": NOW, "created_at": NOW, **more}
    about = {"source": "posts", "upload": "u1"}
    return Delivery(id=1, event="evt_1", type="upload.completed", endpoint="app", body=b"{}", **about, **given)


def attempt(outcome=Outcome.HTTP_5XX, **more) -> Attempt:
    return Attempt(**{"started_at": NOW, "duration": 2.0, "outcome": outcome, **more})


def receiver(**more) -> Endpoint:
    return Endpoint(name="app", url="https://example.com/", secrets=(Secret("whsec_x"),), **more)


# --- anything a provider might say

moments = st.none() | st.integers(0, 4_102_444_800_000).map(lambda ms: ms / 1000)
texts = st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
reasons = st.none() | st.builds(Reason, st.sampled_from(["error", "skipped"]), st.text(max_size=5))
targets = st.builds(
    Target, st.sampled_from("abc"), st.sampled_from(TargetStatus), raw_status=texts, external_id=texts, url=texts,
    reason=reasons,
)  # fmt: skip
observations = st.builds(
    Observation, kind=st.just("post"), id=st.just("u1"), status=st.sampled_from(Status), raw_status=texts,
    reason=reasons, title=texts, url=texts, progress=st.none() | st.floats(0, 100), scheduled_at=moments,
    created_at=moments, updated_at=moments,
    targets=st.lists(targets, max_size=3, unique_by=lambda target: target.name).map(tuple),
)  # fmt: skip
