"""What is said, and to whom. The bodies in tests/render are golden: a byte that changes there breaks a receiver."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import HOUR, NOW, observations, receiver, seen, upload

from notifier.core.diff import Vanishing, absent, diff
from notifier.core.events import (
    EVENT_TYPES,
    Notice,
    addressed,
    endpoint_event,
    event_for,
    event_id,
    event_type,
    is_operators,
    matches,
    onlookers,
    ping,
    receivers,
    source_event,
    wants,
)
from notifier.core.model import Reason, SourceState, Status, Target, TargetStatus, Trouble
from notifier.core.render import cloudevents

S, T = Status, TargetStatus
GOLDEN = Path(__file__).parent.parent / "render"
ID = "7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6"


def announced(known, now, *, rests=7200.0, **more):
    change = diff(upload(known, **more), now, NOW + 0.101, rests)
    return event_for(change, "upload_post", NOW + 0.123)


def data(event):
    return json.loads(event.body)["data"]


# --- golden bodies


def completed():
    known = seen(S.PROCESSING, "in_progress", targets=(Target("x", T.PROCESSING),))
    x = Target("x", T.COMPLETED, "completed", url="https://x.example/1")
    now = seen(S.COMPLETED, updated_at=NOW - 2, targets=(x,))
    one = replace(upload(known, sequence=2, labels={"order": "A-17"}), media_id=1042, id=ID)
    return event_for(diff(one, now, NOW + 0.101, 7200), "upload_post", NOW + 0.123)


def failed():
    known = seen(S.SCHEDULED, "pending", scheduled_at=NOW - HOUR)
    x = Target("x", T.FAILED, "failed", reason=Reason("error", "Zu groß: 日本 🎬\u2028"))
    now = seen(
        S.PARTIAL, "completed", title='Dé"jà"', url="https://a.example/1", progress=99.5, scheduled_at=NOW + 0.25,
        created_at=NOW - HOUR, reason=Reason("error", "Zu groß"),
        targets=(x, Target("youtube", T.COMPLETED, "completed", external_id="dQw4", url="https://y.example/dQw4")),
    )  # fmt: skip
    return announced(known, now, sequence=8)


def first_seen():
    change = absent(upload(kind=""), NOW + 0.101, Vanishing())
    return event_for(change, "xenonflare", NOW + 0.123)


def source_failing():
    trouble = Trouble("unavailable", "answers 503")
    return source_event("source.failing", SourceState("posts", 3), "upload_post", trouble, since=NOW, at=NOW + 0.5)


def notice(type_="endpoint.paused", **more):
    why = Reason("gone", "it answered 410")
    return Notice(**{"type": type_, "endpoint": "app", "sequence": 3, "reason": why, "since": NOW, "at": NOW, **more})


def endpoint_paused():
    return endpoint_event(notice(at=NOW + 0.5), number=2, waiting=17)


@pytest.mark.parametrize("told", [completed, failed, first_seen, source_failing, endpoint_paused])
def test_a_body_is_as_receivers_know_it(told):
    golden = (GOLDEN / f"{told.__name__}.json").read_bytes().removesuffix(b"\n")
    assert told().body == golden


def test_a_cloudevent_is_as_receivers_know_it():
    golden = (GOLDEN / "completed.cloudevents.json").read_bytes().removesuffix(b"\n")
    assert cloudevents(completed()) == golden


# --- an upload's event


def test_an_event_bears_what_the_body_says():
    event = announced(seen(S.QUEUED), seen(S.PROCESSING), sequence=4)
    body = json.loads(event.body)
    assert (event.id, event.type) == (body["id"], body["type"])
    assert (event.source, event.upload, event.lane, event.sequence) == ("posts", "u1", 7, 5)
    assert (event.status, event.at) == ("processing", NOW + 0.123)


def test_a_moment_of_ours_is_told_to_the_millisecond_even_at_a_full_second():
    told = event_for(diff(upload(seen(S.QUEUED)), seen(), NOW, 7200), "upload_post", NOW)
    assert json.loads(told.body)["data"]["observed_at"] == "2026-11-21T12:00:00.000Z"


@pytest.mark.parametrize("status", Status)
def test_a_first_sight_is_the_status_without_a_past(status):
    event = announced(None, seen(status))
    assert event.type == f"upload.{status.value}"
    told = data(event)
    assert (told["first_seen"], told["previous"], told["changes"], told["sequence"]) == (True, None, [], 1)


def test_a_status_is_told_with_the_words_before_it():
    told = data(announced(seen(S.FAILED, "error"), seen(S.PROCESSING, "in_progress")))
    assert told["previous"] == {"status": "failed", "raw_status": "error"}
    assert (told["reopened"], told["first_seen"]) == (True, False)


def test_details_are_one_updated_event():
    x = Target("x", T.FAILED, reason=Reason("e", "t"))
    event = announced(seen(S.COMPLETED), seen(S.COMPLETED, url="https://a.example/", scheduled_at=NOW, targets=(x,)))
    assert (event.type, event.status) == ("upload.updated", "completed")
    assert data(event)["changes"] == [
        {"field": "url", "from": None, "to": "https://a.example/"},
        {"field": "scheduled_at", "from": None, "to": "2026-11-21T12:00:00Z"},
        {"field": "targets.x.status", "from": None, "to": "failed"},
        {"field": "targets.x.reason", "from": None, "to": {"code": "e", "text": "t"}},
    ]


def test_a_stall_has_no_changes():
    event = announced(seen(), seen(), rests=0.0)
    assert (event.type, event.status, data(event)["changes"]) == ("upload.stalled", "processing", [])
    assert data(event)["previous"] == {"status": "processing", "raw_status": "processing"}


def test_an_upload_is_called_by_the_id_it_is_followed_under():
    assert data(announced(None, seen(id="other")))["upload"]["id"] == "u1"


@given(observations, observations)
def test_every_change_has_a_known_type_and_a_body_of_one_shape(known, now):
    change = diff(upload(known), now, NOW, 0.0)
    if change is None:
        return
    event = event_for(change, "upload_post", NOW)
    assert event_type(change) == event.type
    assert event.type in EVENT_TYPES
    told = data(event)
    assert list(told) == [
        "source", "provider", "upload", "previous", "changes", "sequence", "first_seen", "reopened", "observed_at",
    ]  # fmt: skip
    assert list(told["upload"]) == [
        "id", "kind", "media_id", "status", "raw_status", "reason", "title", "url", "progress", "scheduled_at",
        "created_at", "updated_at", "targets", "labels",
    ]  # fmt: skip
    assert [list(target) for target in told["upload"]["targets"]] == [
        ["name", "status", "raw_status", "external_id", "url", "reason"] for _ in told["upload"]["targets"]
    ]
    assert all(one["from"] != one["to"] for one in told["changes"] if one["field"] != "scheduled_at")


def test_when_it_began_and_ended_is_told_where_the_provider_says_so_and_nowhere_else():
    format_ = Target("mp4:1", T.COMPLETED, finished_at=NOW - 2.5)
    now = seen(S.COMPLETED, started_at=NOW - 60, targets=(format_, Target("x", T.COMPLETED)))
    told = data(announced(seen(S.PROCESSING), now))["upload"]
    assert told["started_at"] == "2026-11-21T11:59:00Z"
    assert told["targets"][0]["finished_at"] == "2026-11-21T11:59:57.500Z"
    assert "finished_at" not in told
    assert not {"started_at", "finished_at"} & told["targets"][1].keys()
    assert "started_at" not in told["targets"][0]


# --- ids

words = st.text(max_size=3) | st.sampled_from(['"', ",", '","', "1", "video", "source"])
identities = st.tuples(words, words, words, st.integers(1, 3))


@given(identities, identities)
def test_ids_are_equal_where_all_of_the_identity_is(one, other):
    assert (event_id(*one) == event_id(*other)) == (one == other)


@given(identities)
def test_an_id_fits_a_header_and_the_signed_content(identity):
    id_ = event_id(*identity)
    assert id_.startswith("evt_")
    assert len(id_) == 36
    assert id_.isascii()
    assert id_.replace("_", "").isalnum()


def test_an_id_is_the_same_in_every_version():
    assert event_id("posts", "post", "u1", 1) == "evt_5637505a7d80c214c670cd5c518a4b42"


def test_the_same_change_found_again_is_the_same_event():
    one = event_for(diff(upload(), seen(), NOW, 0.0), "upload_post", NOW)
    again = event_for(diff(upload(), seen(), NOW + 60, 0.0), "upload_post", NOW + 60)
    assert one.id == again.id


def test_a_source_s_event_is_never_taken_for_an_upload_s():
    state = SourceState("source", 1)
    event = source_event("source.failing", state, "upload_post", Trouble("refused", "t"), since=NOW, at=NOW)
    namesake = replace(upload(), source="source", kind="", id="source")
    told = event_for(absent(namesake, NOW, Vanishing()), "upload_post", NOW)
    assert event.sequence == told.sequence
    assert event.id != told.id


# --- to whom


@pytest.mark.parametrize(
    ("patterns", "word", "matched"),
    [
        (("upload.*",), "upload.completed", True),
        (("upload.*",), "source.failing", False),
        (("*",), "source.failing", True),
        (("upload.*", "!upload.updated"), "upload.updated", False),
        (("!upload.updated", "upload.*"), "upload.updated", False),
        (("!upload.updated", "upload.*"), "upload.failed", True),
        (("!*.failing", "*"), "source.failing", False),
        (("upload.failed", "upload.partial"), "upload.partial", True),
        (("Upload.*",), "upload.failed", False),
        (("upload",), "upload.failed", False),
        (("!upload.updated",), "upload.failed", False),
        ((), "upload.failed", False),
        (("*upload.failed",), "upload.failed", True),
        (("!a",), "!a", False),
    ],
)
def test_patterns_give_and_take_away(patterns, word, matched):
    assert matches(patterns, word) is matched


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, True),
        ({"events": ("upload.completed",)}, True),
        ({"events": ("upload.failed",)}, False),
        ({"sources": ("po*",)}, True),
        ({"sources": ("*", "!posts")}, False),
        ({"statuses": ("completed", "failed")}, True),
        ({"statuses": ("failed",)}, False),
    ],
)
def test_an_endpoint_gets_what_passes_all_of_its_filters(filters, wanted):
    assert wants(receiver(**filters), announced(None, seen(S.COMPLETED))) is wanted


def test_statuses_hold_for_every_event_of_an_upload_and_for_none_of_a_source():
    only_failed = receiver(events=("*",), statuses=("failed",))
    assert wants(only_failed, source_failing())
    assert not wants(only_failed, announced(seen(S.COMPLETED), seen(S.COMPLETED, url="https://a.example/")))
    assert wants(only_failed, announced(seen(S.FAILED), seen(S.FAILED, url="https://a.example/")))


def test_a_source_s_event_goes_to_who_asks_for_it():
    asks, default = receiver(events=("source.*",)), receiver()
    assert list(receivers(source_failing(), [default, asks])) == [asks]
    assert list(receivers(completed(), [default, asks])) == [default]


# --- in which format


def test_an_event_is_made_in_the_formats_of_those_who_get_it_and_in_no_other():
    plain, cloud = receiver(), receiver(format="cloudevents")
    elsewhere = receiver(format="cloudevents", events=("upload.failed",))
    assert addressed(completed(), [plain, elsewhere]) == (completed(), [plain])
    event, to = addressed(completed(), [cloud, plain, cloud])
    assert to == [cloud, plain, cloud]
    assert event.renderings == {"cloudevents": cloudevents(completed())}
    assert replace(event, renderings={}) == completed()


# --- about an endpoint


def test_an_endpoint_s_event_has_a_lane_of_its_own_below_those_of_all_sources():
    event = endpoint_paused()
    assert (event.lane, event.sequence) == (-(2**31) - 2, 3)
    assert (event.source, event.upload, event.status, event.endpoint) == (None, None, None, "app")
    assert event.id == event_id("", "endpoint.paused", "app", 3)
    assert event.id != endpoint_event(notice("endpoint.resumed"), 2, 17).id
    assert event.id != endpoint_event(notice(endpoint="crm"), 3, 17).id


def test_an_endpoint_s_event_goes_to_who_asks_for_it_and_never_to_the_one_it_speaks_of():
    asks, default = receiver(events=("endpoint.*",), sources=("posts",), statuses=("failed",)), receiver()
    assert list(onlookers(notice(), [asks, replace(asks, name="ops"), replace(default, name="crm")])) == [
        replace(asks, name="ops")
    ]
    assert wants(asks, endpoint_paused())
    assert not wants(default, endpoint_paused())


def test_nothing_is_owed_to_who_is_drained():
    kept, drained = receiver(events=("*",)), receiver(events=("*",), drain=True)
    assert list(onlookers(notice(endpoint="another"), [kept, drained])) == [kept]
    assert list(receivers(completed(), [kept, drained])) == [kept]


def test_what_is_about_no_upload_is_an_operator_s():
    of_operators = {"source.failing", "source.recovered", "endpoint.paused", "endpoint.resumed", "notifier.ping"}
    assert {type_ for type_ in EVENT_TYPES if is_operators(type_)} == of_operators
    of_uploads = {f"upload.{status}" for status in (*Status, "updated", "stalled")}
    assert {type_ for type_ in EVENT_TYPES if not is_operators(type_)} == of_uploads


# --- a ping


def test_a_ping_tells_of_its_endpoint_and_nothing_else():
    made = ping(receiver(), NOW)
    assert json.loads(made.body) == {
        "id": made.event,
        "type": "notifier.ping",
        "timestamp": "2026-11-21T12:00:00.000Z",
        "data": {"endpoint": "app"},
    }
    assert (made.endpoint, made.lane, made.format) == ("app", None, "standard")
    assert (made.id, made.sequence, made.slots, made.attempts) == (0, round(NOW * 1000), 0, 0)
    assert made.event == ping(receiver(), NOW).event
    assert made.event not in {ping(receiver(), NOW + 0.001).event, ping(replace(receiver(), name="crm"), NOW).event}


def test_a_ping_comes_in_the_format_of_its_endpoint():
    made = ping(receiver(format="cloudevents"), NOW)
    document = json.loads(made.body)
    assert (document["id"], document["type"], document["source"]) == (made.event, "notifier.ping", "/endpoints/app")
    assert (document["sequence"], document["data"]) == (str(made.sequence), {"endpoint": "app"})
    assert made.format == "cloudevents"
