"""A row of the database ↔ the value that it holds."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter

from notifier.core.budget import Budget
from notifier.core.health import Health
from notifier.core.lives import Lives
from notifier.core.model import SETTLED, Callback, Observation, SourceState, Trouble, Upload
from notifier.core.pauses import Pause

T = TypeVar("T")
SNAPSHOT = TypeAdapter(Observation)
BUDGET = TypeAdapter(Budget)

UPLOAD_COLUMNS = """media_id, kind, id, followed_at, ref, registered, labels, sequence, snapshot,
    changed_at, stalled, misses, missing_since, due_at, fingerprint, batch_fingerprint, unfollowed_at, callback,
    (SELECT url FROM endpoints WHERE number = callback), (SELECT format FROM endpoints WHERE number = callback)"""
"""In the order in which `upload_of` takes them."""


class Page(NamedTuple, Generic[T]):
    """Some of what is listed, the newest first."""

    items: list[T]
    next: int | None
    """What to give as `before` for those that follow; None: there are none."""


def source_of(name: str, row: Sequence[Any]) -> SourceState:
    """A source from its columns, in the order of `SourceState` but for the name, a trouble in two of them."""
    number, sequence, hold_until, failures, failing_since, code, text, *failed = row
    trouble = None if code is None else Trouble(code, text)
    return SourceState(name, number, sequence, hold_until, failures, failing_since, trouble, *failed)


def upload_of(source: str, row: Sequence[Any]) -> Upload:
    """An upload from its `UPLOAD_COLUMNS`."""
    (media_id, kind, id_, followed_at, ref, registered, labels, sequence, snapshot,
     changed_at, stalled, misses, missing_since, due_at, print_, batch_print, unfollowed_at, callback, url,
     format_) = row  # fmt: skip
    return Upload(
        media_id, source, kind, id_, followed_at, ref, bool(registered), json.loads(labels), sequence,
        None if snapshot is None else SNAPSHOT.validate_json(snapshot),
        changed_at, bool(stalled), misses, missing_since, due_at, print_, batch_print, unfollowed_at,
        None if callback is None else Callback(url, format_, callback),
    )  # fmt: skip


def uploads_of(
    db: sqlite3.Connection, source: str, where: str, parameters: Sequence[Any] | Mapping[str, Any]
) -> list[Upload]:
    """The uploads of one source of which this is true."""
    sql = f"SELECT {UPLOAD_COLUMNS} FROM uploads WHERE {where}"  # noqa: S608  # the callers' own words
    return [upload_of(source, row) for row in db.execute(sql, parameters)]


def upload_row(upload: Upload) -> tuple[Any, ...]:
    """What changes in an upload's row once it is followed, and last its key."""
    seen = upload.snapshot
    snapshot = None if seen is None else snapshot_text(seen)
    is_open = upload.due_at is not None if seen is None else seen.status not in SETTLED
    return (
        upload.kind, upload.ref, upload.sequence, snapshot, is_open, upload.changed_at, upload.stalled,
        upload.misses, upload.missing_since, upload.due_at, upload.fingerprint,
        upload.batch_fingerprint, upload.media_id,
    )  # fmt: skip


def snapshot_text(seen: Observation) -> str:
    """A snapshot as it is kept: what is as by default takes no place."""
    return SNAPSHOT.dump_json(seen, exclude_defaults=True).decode()


HEALTH_COLUMNS = """sequence, succeeded_at, failing_since, failures, failure, quiet_until, throttles, probe_at, trips,
    ramp, paused, paused_at, url_digest, untold"""
"""In the order of `Health`."""


def health_of(row: Sequence[Any]) -> Health:
    """An endpoint's health from its `HEALTH_COLUMNS`."""
    health = Health(*row)
    return replace(health, paused=health.paused and Pause(health.paused), untold=bool(health.untold))


def health_row(health: Health) -> tuple[Any, ...]:
    """The `HEALTH_COLUMNS` of an endpoint."""
    return (
        health.sequence, health.succeeded_at, health.failing_since, health.failures, health.failure,
        health.quiet_until, health.throttles, health.probe_at, health.trips, health.ramp,
        health.paused and health.paused.value, health.paused_at, health.url_digest, health.untold,
    )  # fmt: skip


def budget_of(state: str) -> Budget:
    """A budget from its JSON."""
    return BUDGET.validate_json(state)


def budget_row(name: str, budget: Budget) -> tuple[str, str]:
    """The whole row of a credential's budget."""
    return name, BUDGET.dump_json(budget).decode()


def lives_of(events: str, exposure: str) -> Lives:
    """Lives from the JSON of what they add up to."""
    return Lives(tuple(json.loads(events)), tuple(json.loads(exposure)))


def lives_row(source: int, name: str, lives: Lives) -> tuple[int, str, str, str]:
    """The whole row of a class of uploads."""
    return source, name, json.dumps(lives.events), json.dumps(lives.exposure)
