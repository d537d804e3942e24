"""The words that are stored, told and configured: what was written with one must be read by the same."""

import pytest

from notifier.core.blame import Blame
from notifier.core.description import Paging
from notifier.core.health import State
from notifier.core.model import (
    Baseline,
    Cause,
    ChangeReason,
    Command,
    LookKind,
    Order,
    Outcome,
    Phase,
    Status,
    StatusClass,
    TargetStatus,
)
from notifier.core.pace import Why
from notifier.core.pauses import Pause, Resumption
from notifier.core.url import UrlRule

OUTCOMES = (
    "delivered http_3xx http_4xx http_5xx http_410 http_429 dns connect tls timeout_connect timeout_first_byte "
    "timeout_total protocol reset refused_address aborted local"
)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Baseline, "silent announce"),
        (Blame, "none endpoint delivery throttle"),
        (Cause, "schedule aborted internal left unwanted_event unwanted_source unwanted_status unwanted_format"),
        (ChangeReason, "first_seen status detail stalled"),
        (Command, "abort-message disable"),
        (LookKind, "get batch list feed schedule"),
        (Order, "strict latest none"),
        (Outcome, OUTCOMES),
        (Paging, "none page offset cursor link"),
        (Pause, "failing gone disabled person unpermitted"),
        (Phase, "waiting delivered dead superseded dropped"),
        (Resumption, "answered person url config"),
        (State, "ok open paused"),
        (
            Status,
            "draft scheduled queued processing action_required completed partial failed cancelled gone unknown",
        ),
        (StatusClass, "2xx 3xx 429 4xx 5xx other none"),
        (TargetStatus, "idle queued processing retrying action_required completed failed skipped unknown"),
        (Why, "first price cap discover audit"),
    ],
)
def test_a_set_of_words_is_closed(kind, words):
    assert [word.value for word in kind] == words.split()


def test_a_rule_of_urls_is_told_in_these_words():
    assert [rule.value for rule in UrlRule] == [
        "length", "blank or control character", "backslash", "fragment", "empty query", "scheme",
        "credentials in the URL", "no host", "percent sign in the host", "host beyond ASCII", "unreadable host",
        "not a name", "number for a host", "unreadable port",
    ]  # fmt: skip
