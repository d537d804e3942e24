"""A source's health: told once each way."""

import json
from dataclasses import replace

import pytest
from things import NOW

from notifier.core.model import SourceState, Trouble
from notifier.core.trouble import failing, left, named, recovered, unfailing

WELL = SourceState("posts", 3, sequence=4)
DOWN = Trouble("unavailable", "answers 503")


def test_a_source_that_fails_is_told_with_the_trouble_it_has():
    state, event = failing(replace(WELL, failed_due_at=NOW - 5), "upload_post", DOWN, "get u1", NOW)
    assert (state.trouble, state.failing_since, state.sequence, state.failed_due_at) == (DOWN, NOW, 5, 0.0)
    assert (event.type, event.source, event.upload, event.lane, event.sequence) == (
        "source.failing",
        "posts",
        None,
        -3,
        5,
    )
    assert json.loads(event.body) == {
        "id": event.id,
        "type": "source.failing",
        "timestamp": "2026-11-21T12:00:00.000Z",
        "data": {
            "source": "posts",
            "provider": "upload_post",
            "reason": {"code": "unavailable", "text": "answers 503"},
            "since": "2026-11-21T12:00:00.000Z",
        },
    }


def test_a_source_that_recovers_is_told_with_the_trouble_it_had_and_since_when():
    state, first = failing(WELL, "upload_post", DOWN, "get u1", NOW)
    state, event = recovered(state, "upload_post", "get u1", NOW, NOW + 60.5)
    assert (state.trouble, state.failing_since, state.sequence) == (None, None, 6)
    body = json.loads(event.body)
    assert (body["type"], body["timestamp"]) == ("source.recovered", "2026-11-21T12:01:00.500Z")
    assert (body["data"]["reason"]["code"], body["data"]["since"]) == ("unavailable", "2026-11-21T12:00:00.000Z")
    assert (event.status, event.id) != (first.status, first.id)


def test_a_source_that_was_well_all_along_is_not_told():
    assert recovered(WELL, "upload_post", "get u1", NOW, NOW) == (WELL, None)


@pytest.mark.parametrize("at", [NOW, NOW + 1])
def test_the_same_failure_found_again_is_the_same_event(at):
    assert (
        failing(WELL, "upload_post", DOWN, "get u1", at)[1].id
        == failing(WELL, "upload_post", DOWN, "get u1", NOW)[1].id
    )


@pytest.mark.parametrize(
    ("subject", "due_at", "over"),
    [("get u1", NOW, True), ("get u2", NOW + 660, False), ("get u2", NOW + 661, True), ("list all", NOW, False)],
)
def test_trouble_with_one_question_is_over_by_its_answer_or_where_it_is_asked_no_more(subject, due_at, over):
    state, _ = failing(WELL, "upload_post", DOWN, "get u1", NOW)
    state = replace(state, failed_due_at=NOW + 60)
    after, event = recovered(state, "upload_post", subject, due_at, NOW + 670)
    assert (event is not None, after.trouble is None) == (over, over)
    assert (after.failed, after.failed_due_at) == ((None, 0.0) if over else ("get u1", NOW + 60))


@pytest.mark.parametrize(
    ("failed", "subject", "rest"),
    [
        ("batch 1 2 3", "batch 2", "batch 1 3"),
        ("batch 1 2", "batch 2 1 9", ""),
        ("batch 1 2", "batch 1 2", ""),
        ("batch 1 2", "batch 12", "batch 1 2"),
        ("batch 1 2", "get 1", "batch 2"),
        ("batch 1 2", "list 1", "batch 1 2"),
        ("get 1", "batch 1 2", "get 1"),
        ("get 1", "get 1", ""),
    ],
)
def test_what_failed_in_a_batch_is_answered_id_by_id(failed, subject, rest):
    assert left(failed, subject) == rest


@pytest.mark.parametrize(
    ("failed", "ids"), [("batch 1 2", ["1", "2"]), ("get 1", ["1"]), ("list all 2", []), ("credential", []), ("", [])]
)
def test_what_failed_names_ids_where_it_was_uploads(failed, ids):
    assert named(failed) == ids


def test_trouble_with_a_batch_is_over_once_each_of_its_ids_was_answered():
    state, _ = failing(WELL, "encoding_com", DOWN, "batch 1 2 3", NOW)
    state = replace(state, failed_due_at=NOW)
    state, event = recovered(state, "encoding_com", "batch 3 4 5", NOW, NOW + 1)
    assert (event, state.failed, state.failing_since) == (None, "batch 1 2", NOW)
    state, event = recovered(state, "encoding_com", "batch 1 2 4", NOW, NOW + 2)
    assert (event.type, state.failed) == ("source.recovered", None)


@pytest.mark.parametrize("before", [{}, {"failures": 2}, {"hold_until": NOW}, {"failed": "batch 1 2"}])
def test_a_good_answer_ends_failures_and_rest_and_leaves_what_else_had_failed(before):
    state = replace(WELL, **before)
    assert unfailing(state, "batch 1") == replace(WELL, failed="batch 1")
    assert unfailing(state, state.failed) == replace(WELL, failed=state.failed)
