"""The nouns: what each of them is where nothing else is said."""

from dataclasses import MISSING, fields

import pytest

from notifier.core import model as m
from notifier.core.secret import Secret

A_DAY_AND_MORE = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


@pytest.mark.parametrize(
    ("kind", "usual"),
    [
        (m.Look, {"collection": "", "page": 1, "word": "", "ids": (), "refs": (), "id": ""}),
        (m.Observation, {"targets": (), "complete": True, "every_target": False, "reduced": False}),
        (m.Answer, {"observations": (), "missing": False, "more": False, "skipped": ()}),
        (m.Callback, {"number": 0}),
        (m.Upload, {"registered": False, "sequence": 0, "stalled": False, "misses": 0, "labels": {}}),
        (m.Registration, {"media_id": 0}),
        (m.SourceState, {"sequence": 0, "hold_until": 0.0, "failures": 0, "failed_due_at": 0.0}),
        (m.ListingState, {"page": 1, "due_at": 0.0, "failures": 0, "baseline_pages": 0}),
        (m.Event, {"tasks": (), "renderings": {}}),
        (
            m.Source,
            {
                "user_id": "", "discover": True, "baseline": m.Baseline.SILENT, "uploads": (), "kinds": (),
                "reserve": 0.25, "stalled_after": 7200.0,
            },
        ),
        (
            m.Endpoint,
            {
                "format": "standard", "announce_ready": False, "notify_upload": False, "events": ("upload.*",),
                "sources": ("*",), "statuses": (), "drain": False, "files": "", "schedule": A_DAY_AND_MORE,
                "timeout": 20.0, "max_in_flight": 8, "rate": m.Rate(0, 1), "order": m.Order.STRICT,
                "allow_http": False, "allow_networks": (), "headers": {},
            },
        ),
    ],
)  # fmt: skip
def test_what_is_not_said_is_nothing_or_the_usual(kind, usual):
    told = {one.name: one.default for one in fields(kind) if one.default not in {MISSING, None}}
    made = {one.name: one.default_factory() for one in fields(kind) if one.default_factory is not MISSING}
    assert {**told, **made} == usual


def test_what_is_not_said_of_a_delivery_or_an_attempt_is_nothing():
    usual = {kind: {name: is_ for name, is_ in kind._field_defaults.items() if is_} for kind in (m.Delivery, m.Attempt)}
    assert usual == {m.Delivery: {"format": "standard"}, m.Attempt: {}}


def test_what_has_settled_and_what_waits_for_a_person_are_these():
    assert {*m.SETTLED} == {"completed", "partial", "failed", "cancelled", "gone"}
    assert {*m.DORMANT} == {"draft", "action_required"}


def test_an_upload_has_64_targets_at_most():
    assert m.MOST_TARGETS == 64


def test_neither_the_url_of_an_endpoint_nor_the_headers_that_it_is_sent_are_shown():
    url, headers = "https://a.example/?token=sesame", {"x-key": "sesame"}
    assert "sesame" not in repr(m.Endpoint(name="app", url=url, secrets=(), headers=headers))


def test_a_callback_is_named_by_its_number_and_its_url_is_not_shown():
    callback = m.Callback("https://a.example/?token=sesame", "standard", number=-7)
    assert callback.name == "notify:7"
    assert "sesame" not in repr(callback)


@pytest.mark.parametrize(
    ("status", "of"),
    [
        (199, "other"), (200, "2xx"), (299, "2xx"), (300, "3xx"), (399, "3xx"), (400, "4xx"), (428, "4xx"),
        (429, "429"), (430, "4xx"), (499, "4xx"), (500, "5xx"), (599, "5xx"), (600, "other"),
    ],
)  # fmt: skip
def test_answers_are_counted_by_their_hundreds_and_a_limit_by_itself(status, of):
    assert m.StatusClass.of(status) == of


def test_how_far_a_clock_is_ahead_makes_no_other_answer():
    assert m.Answer(skew=1.0) == m.Answer(skew=2.0)


def test_sources_with_the_same_key_at_the_same_account_share_what_is_counted():
    one = {"provider": "xenonflare", "base_url": "https://a.example", "user_id": "u", "api_key": Secret("k")}
    assert m.Source(name="posts", budget=m.Rate(1, 1), **one).credential == tuple(one.values())


@pytest.mark.parametrize(("alias", "ids"), [(None, ("one",)), ("", ("one",)), ("other", ("one", "other"))])
def test_an_upload_is_followed_under_its_own_id_or_under_its_alias(alias, ids):
    assert m.Observation("post", "one", m.Status.QUEUED, alias=alias).ids == ids
