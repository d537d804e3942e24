"""A JSON API as the config describes it: expressions are JMESPath, URLs are templates with names in braces.

Nothing here is compiled or filled in; `notifier.providers.http_json` makes a client of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Paging(StrEnum):
    """How an API says where the next page of a list is."""

    NONE = "none"
    PAGE = "page"
    OFFSET = "offset"
    CURSOR = "cursor"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Auth:
    """The header that bears the credential; `{secret}` in its value stands for it."""

    header: str
    value: str


@dataclass(frozen=True, slots=True)
class ListCall:
    """The request for a page of uploads."""

    url: str
    items: str = "@"
    paging: Paging = Paging.NONE
    more: str | None = None
    """Whether there is a further page; None: there is none after an empty one."""
    cursor: str | None = None
    """Of paging by cursor: where the further page is, null after the last."""


@dataclass(frozen=True, slots=True)
class SingleCall:
    """The request for one upload; `missing` are the answers that deny it."""

    url: str
    item: str = "@"
    missing: tuple[int, ...] = (404, 410)


@dataclass(frozen=True, slots=True)
class TargetCall:
    """Where an upload tells of its targets, and what each of them tells, by the names of our fields."""

    items: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All that is known of an API. `fields` has an expression for each field that is told of at all."""

    auth: Auth | None = None
    ok: str | None = None
    """What must be true of every good answer."""
    list: ListCall | None = None
    single: SingleCall | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    targets: TargetCall | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    """Their words, in any case, and ours."""
    target_statuses: Mapping[str, str] = field(default_factory=dict)
