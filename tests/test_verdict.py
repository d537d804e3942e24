"""The judge finds each kind of guilt, and nobody guilty who is not."""

import json
import re

import pytest
import verdict
from verdict import Drop, Receipt

from notifier.core.events import event_id


def told(upload, sequence, status="queued", *, type_=None, at="2026-01-01T00:00:00Z"):
    data = {"upload": {"id": upload, "status": status}, "sequence": sequence}
    return {"id": f"{upload}{sequence}", "type": type_ or f"upload.{status}", "timestamp": at, "data": data}


def operators(kind, name, word, sequence):
    type_ = f"{kind}.{word}"
    return {"id": event_id("", type_, name, sequence), "type": type_, "data": {kind: name}}


def receipts(*events, is_replay=False):
    return [Receipt(json.dumps(event).encode(), is_replay) for event in events]


def guilty(of, judge, *case, **more):
    with pytest.raises(AssertionError, match=re.escape(of)):
        judge("app", *case, **more)


A1, A2, A3 = (told("a", sequence, status) for sequence, status in enumerate(["queued", "processing", "completed"], 1))
B1 = told("b", 1, "failed")
PAUSED, RESUMED = operators("endpoint", "spare", "paused", 1), operators("endpoint", "spare", "resumed", 2)


def test_what_comes_again_has_the_same_bytes():
    assert verdict.firsts("app", receipts(A1, A2, A1)) == [A1, A2]
    guilty("a1 has changed", verdict.firsts, receipts(A1, {**A1, "type": "upload.failed"}))


def test_a_lane_is_in_order_and_nothing_of_it_is_missing():
    verdict.is_complete("app", [A1, B1, A2, PAUSED, RESUMED, A3])
    for came in ([A2, A1], [A1, A3], [A2, A3]):
        guilty("app: a came as", verdict.is_complete, came)
    guilty("app: endpoint spare came as [2]", verdict.is_complete, [RESUMED])
    guilty("app: endpoint spare came as [0]", verdict.is_complete, [{**PAUSED, "id": "evt_of_nothing"}])


def test_who_asks_for_no_order_gets_all_of_a_lane():
    verdict.is_complete("app", [A2, A3, A1], ordered=False)
    guilty("app: a came as [3, 1]", verdict.is_complete, [A3, A1], ordered=False)


def test_a_lane_with_gaps_is_in_order():
    verdict.is_ordered("app", [A1, B1, A3])
    guilty("app: a came as [3, 1]", verdict.is_ordered, [A3, B1, A1])


def test_only_what_was_given_up_is_missing():
    early, late = (told("c", sequence, at=f"2026-01-01T00:00:{10 * sequence}Z") for sequence in (1, 2))
    between, after = (verdict.moment(one) + 1 for one in (early, late))
    fine = [
        ([early, late], []),
        ([late], [Drop(between)]),
        ([late], [Drop(between, "c1")]),
        ([], [Drop(between, "c1"), Drop(after, "c2")]),
        ([], [Drop(after)]),
    ]
    for events, drops in fine:
        verdict.lacks_only_what_was_dropped("app", events, [early, late], drops)
    wrong = [
        ([late], [], "1 of c"),
        ([early], [Drop(between)], "2 of c"),
        ([early], [Drop(after, "c1")], "2 of c"),
        ([], [Drop(between), Drop(after, "c1")], "2 of c"),
    ]
    for events, drops, what in wrong:
        guilty(what, verdict.lacks_only_what_was_dropped, events, [early, late], drops)


def test_only_what_was_replaced_is_missing():
    detail, stalled = told("a", 4, type_="upload.updated"), told("a", 5, type_="upload.stalled")
    announced = [A1, detail, stalled]
    verdict.lacks_only_what_was_replaced("app", [A3], [A1, detail, stalled, A3])
    verdict.lacks_only_what_was_replaced("app", [detail], [told("a", 3, type_="upload.updated"), detail])
    for got in ([detail, stalled], [A1, stalled], [A1, detail]):
        guilty("is missing", verdict.lacks_only_what_was_replaced, got, announced)
    guilty("is missing", verdict.lacks_only_what_was_replaced, [RESUMED], [PAUSED, RESUMED])


def test_nothing_is_told_that_was_not_shown():
    shown = {"a": ["queued", "processing", "completed"]}
    verdict.is_as_shown("app", [A1, A3, PAUSED], shown)
    for events in ([A1, B1], [A3, A1], [told("a", 1, "failed")]):
        guilty("and shown as", verdict.is_as_shown, events, shown)


def test_the_last_status_of_each_upload_arrives():
    verdict.has_arrived("app", [A1, A3, PAUSED], {"a": "completed"})
    for last in ({"a": "failed"}, {"a": "completed", "b": "failed"}, {}):
        guilty("app: by upload", verdict.has_arrived, [A1, A3], last)


def test_everything_that_was_shown_arrives():
    verdict.tells_all("app", [A1, A2, RESUMED], {"a": ["queued", "processing"]})
    guilty("app: by upload", verdict.tells_all, [A1], {"a": ["queued", "processing"]})


def test_trouble_begins_and_ends_by_turns_and_for_a_cause():
    def judged(events, *, is_over=False, **causes):
        verdict.takes_turns("app", events, "endpoint.paused", "endpoint.resumed", causes, is_over=is_over)

    once = {"endpoint.paused": 1, "endpoint.resumed": 1}
    judged([PAUSED, RESUMED], **once)
    judged([PAUSED], **once)
    judged([PAUSED, RESUMED], is_over=True, **once)
    with pytest.raises(AssertionError, match="and that is over"):
        judged([PAUSED], is_over=True, **once)
    for events in ([RESUMED], [PAUSED, PAUSED], [PAUSED, RESUMED, RESUMED]):
        with pytest.raises(AssertionError, match="endpoint spare was told as"):
            judged(events, **once)
    with pytest.raises(AssertionError, match=r"1 endpoint.resumed of endpoint spare, of 0 causes"):
        judged([PAUSED, RESUMED], **{**once, "endpoint.resumed": 0})


def test_a_repeat_is_only_what_was_on_its_way_at_a_kill():
    def judged(came, kills, answered=None):
        some = [Receipt(json.dumps({"id": id_}).encode()) for id_ in came]
        return verdict.repeats_only_what_was_on_its_way("app", some, kills, answered or {})

    assert judged([1, 1], kills=[1]) == 1
    assert judged([1, 1, 1], kills=[1, 2]) == 2
    assert judged([1, 2, 1], kills=[1, 2], answered={0: 1}) == 1
    assert judged([*range(25), 0], kills=[25], answered={0: 1}) == 1
    assert judged([*range(26), 0], kills=[26]) == 1
    assert judged([*range(8), *range(8)], kills=[8]) == 8
    wrong = [
        ([1, 1], []),
        ([1, 1], [2]),
        ([1, 1, 1], [1]),
        ([*range(26), 0], [26], {0: 1}),
        ([*range(9), *range(9)], [9]),
    ]
    for one in wrong:
        with pytest.raises(AssertionError, match="app: "):
            judged(*one)


def test_a_replay_is_no_repeat_and_says_that_it_is_one():
    asked = [*receipts(A1), *receipts(A1, is_replay=True)]
    assert verdict.repeats_only_what_was_on_its_way("app", asked, [], {}) == 0
    guilty("not as a replay", verdict.repeats_only_what_was_on_its_way, receipts(A1, A1), [], {})
    guilty("nobody asked", verdict.nothing_is_replayed, asked)
    verdict.nothing_is_replayed("app", receipts(A1, A1))


def test_repeats_are_counted():
    assert verdict.repeats(receipts(A1, A2, A1, A1)) == 2


def test_no_window_holds_more_requests_than_may_go():
    verdict.is_polite("media", [0.0, 1.0, 2.0, 10.0, 11.0, 12.0], 3, 10.0)
    guilty("4 requests within 9.900 s", verdict.is_polite, [0.0, 1.0, 2.0, 9.9], 3, 10.0)
