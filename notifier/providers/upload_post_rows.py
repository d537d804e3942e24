"""Upload-Post's rows, what one platform says each → targets → an upload's status, and why.

`success` in a row means something only once the row is settled: a row that waits says true as well as false. The
upload's own word tells how far it is; how it ended is told by its rows.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from notifier.core.model import MOST_TARGETS, Observation, Reason, Status, Target, TargetStatus
from notifier.providers.shapes import Count, Flag, Shape, Text, Title, Url, When, reference, word

FINAL_WORDS = {
    **dict.fromkeys(("completed", "success", "done", "published"), "completed"),
    **dict.fromkeys(("failed", "error"), "failed"),
}
"""The last word of uploads and rows, and what else the vendor's own clients know it as."""
WORDS = {
    "queued": TargetStatus.QUEUED,
    "processing": TargetStatus.PROCESSING,
    "retryable": TargetStatus.RETRYING,
    "skipped": TargetStatus.SKIPPED,
    **{spelled: TargetStatus(meant) for spelled, meant in FINAL_WORDS.items()},
}
OPEN = {TargetStatus.QUEUED, TargetStatus.PROCESSING, TargetStatus.RETRYING, TargetStatus.UNKNOWN}
NOT_DONE = {TargetStatus.FAILED, TargetStatus.SKIPPED}
OUTCOMES = {Status.COMPLETED: True, Status.FAILED: False}
"""What a settled upload's word says of a row that itself does not say how it went."""
CODES = {
    TargetStatus.FAILED: "error",
    TargetStatus.SKIPPED: "skipped",
    TargetStatus.ACTION_REQUIRED: "fallback_to_inbox",
}
"""Our code for what is not well, where Upload-Post has none; any other status needs no reason."""

URLS = ("post_url", "url")
IDS = (
    "platform_post_id", "post_id", "publish_id", "container_id", "video_id", "video_urn", "post_ids", "image_urns",
)  # fmt: skip


def _first(told: dict[str, Any], names: Iterable[str]) -> str | None:
    """The first of these members that says anything; of a list its first element."""
    members = (told.get(name) for name in names)
    heads = (member[0] if isinstance(member, list) and member else member for member in members)
    return next(filter(None, map(reference, heads)), None)


def _platform(value: object) -> str | None:
    """A platform's name as it is compared: who uploads may say `twitter` where answers say `x`."""
    name = (word(value) or "").replace("-", "_")
    return "x" if name == "twitter" else name or None


class Told(Shape):
    """What rows and uploads have in common: why."""

    message: Text = None
    error: Text = None
    error_message: Text = None
    error_code: Text = None


class Row(Told):
    """What one platform says; its URL and its id there come under many names."""

    platform: Annotated[str, BeforeValidator(_platform)]
    status: Text = None
    success: Flag = None
    skipped: Flag = None
    skip_reason: Text = None
    fallback_to_inbox: Flag = None
    upload_timestamp: When = None
    url: Url = None
    external_id: Url = None

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, told: Any) -> Any:
        return {**told, "url": _first(told, URLS), "external_id": _first(told, IDS)} if isinstance(told, dict) else told


def last_moment(rows: Iterable[Row]) -> float | None:
    """When the newest of the rows was written."""
    return max((row.upload_timestamp for row in rows if row.upload_timestamp is not None), default=None)


def targets_of(rows: Iterable[Row], said: Status | None) -> tuple[Target, ...]:
    """What the newest row of each platform tells, the last of equally new ones; a retry adds rows.

    `said` is the upload's own word, None where there is none because the rows are all finished.
    """
    newest: dict[str, Row] = {}
    for row in rows:
        known = newest.get(row.platform, row)
        if (row.upload_timestamp or 0.0) >= (known.upload_timestamp or 0.0):
            newest[row.platform] = row
    return tuple(_target(row, said) for row in newest.values())


def _target(row: Row, said: Status | None) -> Target:
    status = _standing(row, said) or _inferred(row, said)
    return Target(row.platform, status, row.status, row.external_id, row.url, _row_reason(row, status))


def _standing(row: Row, said: Status | None) -> TargetStatus | None:
    """What the row itself says for certain: that a person must act, that it was passed over, its own word.

    A word of its own that says "not yet" is stale where the upload is completed and the row does not object.
    """
    if row.fallback_to_inbox:
        return TargetStatus.ACTION_REQUIRED
    if row.skipped:
        return TargetStatus.SKIPPED
    own = WORDS.get((row.status or "").lower())
    return None if said is Status.COMPLETED and own in OPEN and row.success is not False else own


def _inferred(row: Row, said: Status | None) -> TargetStatus:
    """What a row without a word of its own comes to; `success` counts once the upload is settled, or with a URL."""
    if row.error_message or row.error or row.error_code:
        return TargetStatus.FAILED
    success = OUTCOMES.get(said) if row.success is None and said else row.success
    settled = said is None or said in OUTCOMES
    if success is not None and settled:
        return TargetStatus.COMPLETED if success else TargetStatus.FAILED
    if row.url and row.success is not False:
        return TargetStatus.COMPLETED
    if row.message and row.message.lower() == "queued":
        return TargetStatus.QUEUED
    return TargetStatus.UNKNOWN if row.status else TargetStatus.PROCESSING


def status_of(said: Status, targets: Iterable[Target]) -> Status:
    """Where an upload is whose own word is `said`: a settled one ended as its rows did, if they have ended."""
    told = {target.status for target in targets}
    if said not in OUTCOMES:
        return said
    if told & OPEN:
        return Status.PROCESSING
    if said is Status.FAILED or (told and told <= NOT_DONE):
        return Status.PARTIAL if told - NOT_DONE else Status.FAILED
    if told & NOT_DONE:
        return Status.PARTIAL
    return Status.ACTION_REQUIRED if TargetStatus.ACTION_REQUIRED in told else Status.COMPLETED


def _row_reason(row: Row, status: TargetStatus) -> Reason | None:
    if status not in CODES:
        return None
    words = row.error_message or row.error or (row.message if status is TargetStatus.FAILED else row.skip_reason)
    if status is TargetStatus.FAILED and not (words or row.error_code):
        return None
    code = row.error_code or CODES[status]
    return Reason(code, words or code)


def own_reason(told: Told) -> Reason | None:
    """Why an upload failed, in its own words. One that nothing was heard of for an hour is called failed, too."""
    words = told.error_message or told.error or told.message
    if not (words or told.error_code):
        return None
    idle = words is not None and "no activity" in words.lower()
    code = told.error_code or ("no_activity_1h" if idle else "error")
    return Reason(code, words or code)


def reason_of(status: Status, own: Reason | None, targets: Iterable[Target]) -> Reason | None:
    """An upload's own reason, else its first failed target's, else that of the first that is not well."""
    if status not in {Status.FAILED, Status.PARTIAL, Status.ACTION_REQUIRED}:
        return None
    ill = sorted(targets, key=lambda target: target.status is not TargetStatus.FAILED)
    return own or next((target.reason for target in ill if target.reason), None)


# --- the history


class Past(Row):
    """A row of the history."""

    request_id: Url = None
    job_id: Url = None
    request_total_platforms: Count = None
    post_title: Title = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.id:
            raise PydanticCustomError("no_id", "neither request_id nor job_id")
        return self

    @property
    def id(self) -> str:
        """By what the upload is known: its request_id, and where it has none its job_id."""
        return self.request_id or self.job_id or ""


def past(rows: Sequence[Past]) -> Observation:
    """What the rows of one upload tell, the oldest first: all of it once there is one of every platform.

    With rows missing, be it that they are on another page, this is a hint only. Its status is then the one of the rows
    that are there: most of the history is over and done with.
    """
    targets = targets_of(rows, None)
    status = status_of(Status.COMPLETED, targets)
    last = rows[-1]
    expected = max(row.request_total_platforms or 0 for row in rows)
    both = last.request_id and last.job_id
    return Observation(
        kind="post",
        id=last.id,
        status=status,
        reason=reason_of(status, None, targets),
        title=next((row.post_title for row in rows if row.post_title), None),
        updated_at=last_moment(rows),
        targets=targets[:MOST_TARGETS],
        # Followed already as a job, it is to be asked for as one; otherwise it is not known which of its ids answers.
        ref=None if both else "request_id" if last.request_id else "job_id",
        alias=last.job_id if both else None,
        complete=0 < expected <= len(targets) and status is not Status.PROCESSING,
    )
