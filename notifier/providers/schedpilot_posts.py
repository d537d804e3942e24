"""SchedPilot's posts, with the accounts in them or one row for each account → what is told of each post.

How an account fared may be told beside the post's own word, or in rows like these, of which the API's description for
assistants speaks; they have no word but the account's:

    {"id": 41, "status": "posted", "accounts": [{"id": 7, "type": "x", "posted_status": "failed"}], …}
    {"post_id": 41, "account_id": 7, "platform": "x", "status": "failed", "platform_post_id": null}
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from notifier.core.model import MOST_TARGETS, SETTLED, Observation, Reason, Status, Target, TargetStatus
from notifier.providers.shapes import Id, RowReader, Shape, Text, Title, Url, Word, each, moment, word

Platform = Annotated[str | None, BeforeValidator(word)]

STATUSES = {
    "draft": Status.DRAFT,
    "pending_approval": Status.ACTION_REQUIRED,
    "scheduled": Status.SCHEDULED,
    "posted": Status.COMPLETED,
    "published": Status.COMPLETED,
    "failed": Status.FAILED,
}
PARTS = {
    "posted": TargetStatus.COMPLETED,
    "published": TargetStatus.COMPLETED,
    "failed": TargetStatus.FAILED,
}
"""Of an account, by its `posted_status`. The values are documented nowhere; any other than these is unknown."""
SHARES = {**PARTS, **dict.fromkeys(("draft", "pending_approval", "scheduled"), TargetStatus.IDLE)}
"""Of an account that has a row of its own, which has the words of posts."""


class _Fate(Shape):
    """How an account fared."""

    platform_post_id: Url = None
    error_message: Text = None


class _Account(_Fate):
    id: Url = None
    type: Platform = None
    posted_status: Text = None


def _list(value: object) -> list[Any] | None:
    return value if isinstance(value, list) else None


class _Row(_Fate):
    """What rows of both forms have in common."""

    status: Word
    content: Title = None
    scheduled_date: Text = None
    timezone: Text = None


class _Post(_Row):
    id: Id
    accounts: Annotated[list[Any] | None, BeforeValidator(_list)] = None


class _Share(_Row):
    """A post's row of one account."""

    post_id: Id
    account_id: Id
    platform: Platform = None


def uploads(
    rows: Sequence[Any], above: Sequence[Any] = (), read_rows: RowReader = each, *, begun: bool, more: bool
) -> tuple[tuple[Observation, ...], tuple[str, ...]]:
    """What the rows of a page say of each post, and a line for each row that is broken.

    Where each row is of one account, rows of the first and of the last post may be on other pages: `begun` and `more`
    tell that. Those `above`, of the last post of the page before, are taken for that.
    """
    read, skipped = read_rows(rows, _row)
    before, _ = each(above if read else (), _row)
    shares: dict[str, dict[str, _Share]] = {}
    for row in [*before, *read]:
        if isinstance(row, _Share):
            shares.setdefault(row.post_id, {})[_name(row.platform, row.account_id)] = row
    edges = [*(read[:1] if begun else ()), *(read[-1:] if more else ())]
    cut = {row.post_id for row in edges if isinstance(row, _Share)}
    shared = [replace(_shared(id_, list(parts.values())), complete=id_ not in cut) for id_, parts in shares.items()]
    return (*(_whole(row) for row in read if isinstance(row, _Post)), *shared), skipped


def rows_of_last(rows: Sequence[Any]) -> list[Any]:
    """Those of a page that are of its last post, where each is of one account."""
    if not rows or not is_share(rows[-1]):
        return []
    last = rows[-1]["post_id"]
    return [row for row in rows if is_share(row) and row["post_id"] == last]


def is_share(row: Any) -> bool:
    """Whether this is the row of one account, of which a post has several."""
    return isinstance(row, dict) and "post_id" in row


def _row(row: Any) -> _Post | _Share:
    return (_Share if is_share(row) else _Post).model_validate(row)


def _whole(post: _Post) -> Observation:
    """An account of which nothing is said is no target yet; one that cannot be read does not spoil its post."""
    accounts, broken = each(post.accounts or (), _Account.model_validate)
    told = [(_name(one.type, one.id), one.posted_status, one) for one in accounts]
    seen = _observed(post.id, post, [_target(name, raw, fate, PARTS) for name, raw, fate in told if raw])
    return replace(seen, every_target=post.accounts is not None and not broken)


def _shared(id_: str, rows: Sequence[_Share]) -> Observation:
    """The word of the post is the one that has furthest to go: what is not settled, else what went well."""
    slowest = min(rows, key=lambda row: (_said(row) in SETTLED, _said(row) is Status.FAILED))
    targets = [_target(_name(row.platform, row.account_id), row.status, row, SHARES) for row in rows]
    return _observed(id_, slowest, targets)


def _observed(id_: str, row: _Row, targets: Sequence[Target]) -> Observation:
    """A post has no title: the beginning of its text is taken for one."""
    status = _status(_said(row), {target.status for target in targets})
    named = {target.name: target for target in targets if target.name}
    return Observation(
        kind="post",
        id=id_,
        status=status,
        raw_status=row.status,
        reason=_reason(status, targets),
        title=row.content,
        scheduled_at=_moment(row),
        targets=tuple(named.values())[:MOST_TARGETS],
    )


def _said(row: _Row) -> Status:
    return STATUSES.get(row.status.lower(), Status.UNKNOWN)


def _status(said: Status, told: Collection[TargetStatus]) -> Status:
    """The post's word, put right by its accounts."""
    failed_too = said is Status.COMPLETED and TargetStatus.FAILED in told
    posted_too = said is Status.FAILED and TargetStatus.COMPLETED in told
    return Status.PARTIAL if failed_too or posted_too else said


def _name(platform: str | None, account: str | None) -> str:
    return ":".join(filter(None, (platform, account)))


def _target(name: str, raw: str, fate: _Fate, words: Mapping[str, TargetStatus]) -> Target:
    status = words.get(raw.lower(), TargetStatus.UNKNOWN)
    why = fate.error_message if status is TargetStatus.FAILED else None
    reason = Reason("error", why) if why else None
    return Target(name, status, raw, external_id=fate.platform_post_id, reason=reason)


def _reason(status: Status, targets: Iterable[Target]) -> Reason | None:
    """Of a post that failed, at least in part: its first account's that has one."""
    if status not in {Status.FAILED, Status.PARTIAL}:
        return None
    return next((target.reason for target in targets if target.reason), None)


# --- when a post is to go out


def _moment(row: _Row) -> float | None:
    """The date has no zone; what stands beside it may be one, or nothing that can be relied on."""
    zone = _zone(row.timezone)
    return None if zone is None else moment(row.scheduled_date, zone=zone)


def _zone(name: str | None) -> tzinfo | None:
    """UTC is known even where the machine has no list of zones."""
    if name is None:
        return None
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone; no name of one; a folder of zones
        return None
