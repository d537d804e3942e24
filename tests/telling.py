"""what happens → the event that tells it, made as the daemon makes it → docs/events.md, with a body for each type."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from notifier.core.diff import NOT_FOUND, Vanishing, absent, diff
from notifier.core.events import EVENT_TYPES, Notice, endpoint_event, event_for, ping, source_event
from notifier.core.model import (
    Endpoint,
    Event,
    Observation,
    Reason,
    SourceState,
    Status,
    Target,
    TargetStatus,
    Trouble,
    Upload,
)
from notifier.core.pauses import Pause, Resumption, reason
from notifier.core.secret import Secret
from notifier.server import webhooks

DOCUMENT = Path(__file__).parent.parent / "docs" / "events.md"
NOW = 1_795_262_400.123
"""2026-11-21T12:00:00.123Z"""
WIDTH = 118
KNOWN = Observation(
    "post", "7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6", Status.PROCESSING, "in_progress", created_at=NOW // 1 - 90
)
LABELS = {"order": "A-17"}
X, YOUTUBE = (
    Target("x", TargetStatus.PROCESSING, "processing"),
    Target("youtube", TargetStatus.PROCESSING, "processing"),
)
DONE = replace(X, status=TargetStatus.COMPLETED, raw_status="completed", url="https://x.example/1")
DENIED = Reason("error", "the file is too long for this account")
WRONG = replace(X, status=TargetStatus.FAILED, raw_status="failed", reason=DENIED)


def seen(status: Status, raw_status: str | None, *targets: Target, **more: Any) -> Observation:
    """What the provider says now."""
    return replace(KNOWN, status=status, raw_status=raw_status, targets=targets, **more)


BOTH = seen(Status.PROCESSING, "in_progress", X, YOUTUBE)
LIVES: dict[str, tuple[str, Observation | None, Observation]] = {
    "draft": ("It is written and not to be published yet.", None, seen(Status.DRAFT, "draft")),
    "scheduled": (
        "It is to run later.",
        seen(Status.DRAFT, "draft"),
        seen(Status.SCHEDULED, "scheduled", scheduled_at=NOW // 1 + 3600),
    ),
    "queued": (
        "It waits for its turn.",
        seen(Status.SCHEDULED, "scheduled", scheduled_at=NOW // 1),
        seen(Status.QUEUED, "queued", scheduled_at=NOW // 1),
    ),
    "processing": (
        "It is being worked on.",
        seen(Status.QUEUED, "queued"),
        seen(Status.PROCESSING, "in_progress", X, progress=25.0, started_at=NOW // 1 - 2),
    ),
    "action_required": (
        "It waits for a person.",
        seen(Status.PROCESSING, "in_progress", X),
        seen(
            Status.ACTION_REQUIRED,
            "action_required",
            replace(X, status=TargetStatus.ACTION_REQUIRED, raw_status="reauthorize"),
            reason=Reason("action_required", "the account must be connected again"),
        ),
    ),
    "completed": (
        "All of it is done.",
        seen(Status.PROCESSING, "in_progress", X),
        seen(Status.COMPLETED, "completed", DONE, updated_at=NOW // 1 - 2, finished_at=NOW // 1 - 2),
    ),
    "partial": (
        "It is over; some targets are done and some are not.",
        BOTH,
        seen(
            Status.PARTIAL,
            "completed",
            WRONG,
            replace(YOUTUBE, status=TargetStatus.COMPLETED, raw_status="completed"),
            reason=DENIED,
        ),
    ),
    "failed": (
        "It is over, and nothing of it is done.",
        seen(Status.PROCESSING, "in_progress", X),
        seen(Status.FAILED, "failed", WRONG, reason=DENIED),
    ),
    "cancelled": (
        "Somebody ended it.",
        seen(Status.SCHEDULED, "scheduled", scheduled_at=NOW // 1 + 3600),
        seen(Status.CANCELLED, "cancelled", scheduled_at=NOW // 1 + 3600),
    ),
    "gone": (
        "The provider itself does not know it any more: it said so more than once.",
        seen(Status.COMPLETED, "completed", DONE),
        seen(Status.GONE, None, DONE, reason=NOT_FOUND),
    ),
    "unknown": (
        "The provider has a word for it that we do not know; or it is registered, and the provider does not know it.",
        seen(Status.PROCESSING, "in_progress"),
        seen(Status.UNKNOWN, "frozen"),
    ),
    "updated": (
        "Its status is the same, but not a target's, a URL, the scheduled time or the reason of a failure.",
        BOTH,
        seen(Status.PROCESSING, "in_progress", DONE, YOUTUBE),
    ),
    "stalled": (
        "Nothing has moved for `stalled_after` while it is queued or processing; told once, until it moves.",
        seen(Status.PROCESSING, "in_progress", X),
        seen(Status.PROCESSING, "in_progress", X),
    ),
}
"""What each event about an upload means, and between what and what it is."""
OTHERS = {
    "source.failing": "A source cannot be read: it is down, refuses the credential, or answers none.",
    "source.recovered": "It can be read again; `since` is when it began to fail.",
    "endpoint.paused": "Nothing is sent to another endpoint any more until it takes a probe or a person acts.",
    "endpoint.resumed": "It is sent to again; `since` is when it was paused.",
    "notifier.ping": "A person asked for it; it goes to one endpoint, whatever its `events`, and is not tried again.",
}
FIELDS = {
    "id": "the same however often it comes, and in every format; also in `webhook-id`",
    "type": "one of the types below",
    "timestamp": "when it was announced: RFC 3339 in UTC, with milliseconds",
    "data.source": "the source's name in the config",
    "data.provider": "what it is the source of",
    "data.upload.id": "the provider's id",
    "data.upload.kind": "which kind it is, where a source has several",
    "data.upload.media_id": "our number for it, up to 2147483647; Encoding.com's own where there is one",
    "data.upload.status": "our word",
    "data.upload.raw_status": "the provider's own word",
    "data.upload.reason": "`null`, or `code` for programs and `text` for people: why it failed",
    "data.upload.title": "as the provider has it",
    "data.upload.url": "where it is published",
    "data.upload.progress": "per cent",
    "data.upload.scheduled_at": "when it is to run",
    "data.upload.created_at": "when it was made, as the provider states it",
    "data.upload.updated_at": "when the provider last changed it",
    "data.upload.started_at": "only where the provider states it",
    "data.upload.finished_at": "only where the provider states it",
    "data.upload.targets": "its parts: `name`, `status`, `raw_status`, `external_id`, `url`, `reason`, times as above",
    "data.upload.labels": "what its registration gave it",
    "data.previous": "`status` and `raw_status` as they were told before; `null` at the first sight",
    "data.changes": "what differs, each with `field`, `from` and `to`",
    "data.sequence": "which event of this upload it is, from 1",
    "data.first_seen": "it was not known before",
    "data.reopened": "it had settled, and has not any more",
    "data.observed_at": "when the provider said it",
    "data.endpoint": "the endpoint that it is about",
    "data.reason": "`code` for programs, `text` for people",
    "data.waiting": "how many deliveries wait for it",
    "data.since": "since when",
}
"""What the members of a body are, by where they stand."""


def told(type_: str) -> bytes:
    """The body of an event of this type."""
    subject, _, word = type_.partition(".")
    match subject:
        case "upload":
            return _of_an_upload(word).body
        case "source":
            trouble = Trouble("unavailable", "answers 503")
            state = SourceState("posts", 1, sequence=0 if word == "failing" else 1)
            since = NOW if word == "failing" else NOW - 300
            return source_event(type_, state, "upload_post", trouble, since=since, at=NOW).body
        case "endpoint":
            why = reason(Pause.GONE if word == "paused" else Resumption.PERSON)
            return endpoint_event(Notice(type_, "crm", 1, why, NOW if word == "paused" else NOW - 300, NOW), 1, 17).body
    return ping(Endpoint(name="app", url="https://app.example.com/", secrets=(Secret("whsec_"),)), NOW).body


def _of_an_upload(word: str) -> Event:
    _, known, now = LIVES[word]
    about = {"snapshot": known, "sequence": list(LIVES).index(word), "labels": LABELS}
    upload = Upload(1042, "posts", "post", KNOWN.id, NOW - 90, **about)
    at = NOW - 0.022
    change = absent(upload, at, Vanishing()) if word == "gone" else diff(upload, now, at, 60)
    return event_for(change, "upload_post", NOW)


def sections() -> str:
    """A section for each type."""
    means = {**{f"upload.{word}": life[0] for word, life in LIVES.items()}, **OTHERS}
    return "\n".join(
        f"### {type_}\n\n{means[type_]}\n\n```json\n{pretty(json.loads(told(type_)))}\n```\n" for type_ in EVENT_TYPES
    )


def pretty(value: Any, depth: int = 0, before: int = 0) -> str:
    """As JSON, what fits into a line in a line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (depth > 0 and 2 * depth + before + len(line) < WIDTH):
        return line
    is_dict = isinstance(value, dict)
    heads = [f"{json.dumps(key)}: " for key in value] if is_dict else [""] * len(value)
    inner = [
        "  " * (depth + 1) + head + pretty(one, depth + 1, len(head))
        for head, one in zip(heads, value.values() if is_dict else value, strict=True)
    ]
    left, right = "{}" if is_dict else "[]"
    return f"{left}\n" + ",\n".join(inner) + f"\n{'  ' * depth}{right}"


def rows(subject: str) -> Iterator[tuple[str, str]]:
    """A row for each member of the bodies about a subject."""
    return ((f"`{path}`", FIELDS[path]) for path in members(webhooks.BY_SUBJECT[subject]) if _is_own(path, subject))


def _is_own(path: str, subject: str) -> bool:
    return path.startswith("data.") or subject == "upload"


def members(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Where the members of a body stand; of lists, and of what is small, only the whole."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if (
            above.count(".") < 2
            and isinstance(inner, type)
            and issubclass(inner, BaseModel)
            and name in {"data", "upload"}
        ):
            yield from members(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}"
