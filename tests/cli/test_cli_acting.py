"""`events`, `event`, `deliveries`, `replay`, `drop`, `endpoint`: what they ask, and what they make of the answer."""

import io
import json
import re
import sys
import time

import pytest

from notifier.cli import deliveries, drop, replay
from notifier.core.model import Cause, Phase
from notifier.core.moments import moment, rfc_3339
from notifier.core.replay import OVER
from notifier.store.drop import OWED

AT = "2026-11-21T12:00:00.000Z"
PAST, SOON = "2020-01-01T00:00:00.000Z", rfc_3339(time.time() + 4000)
DOWN = "127.0.0.1 cannot be connected to: Connection refused"
WAITING = {"phase": "waiting", "cause": None, "due_at": AT, "settled_at": None}
PAUSED = {"code": "paused", "text": "its endpoint is paused"}
OPEN = {"code": "open", "text": "its endpoint is tried by one request at a time"}
EVENT = {
    "id": "evt_1",
    "type": "upload.failed",
    "timestamp": AT,
    "source": "posts",
    "endpoint": None,
    "upload": "u1",
    "status": "failed",
    "sequence": 3,
    "position": 7,
}
DELIVERY = {
    "id": 5,
    "event": "evt_1",
    "type": "upload.failed",
    "source": "posts",
    "upload": "u1",
    "about": None,
    "endpoint": "crm",
    "sequence": 3,
    "phase": "dead",
    "due_at": None,
    "held": None,
    "next_at": None,
    "slots": 10,
    "attempts": 1,
    "created_at": AT,
    "settled_at": AT,
    "cause": "schedule",
    "dropped_by": None,
    "replaced_by": None,
    "replay": None,
    "outcome": None,
    "note": None,
}
TRY = {
    "number": 1,
    "started_at": AT,
    "duration": 0.25,
    "phases": {},
    "outcome": "refused",
    "status": 503,
    "note": "it fails",
    "excerpt": "busy",
}
CHANGES = [{"field": "status", "from": None, "to": "failed"}]
WHOLE = {**EVENT, "body": {"data": {"changes": CHANGES}}, "deliveries": [{**DELIVERY, "tries": [TRY]}]}
MANY = {"matching": 12}


@pytest.fixture
def terminal(monkeypatch):
    """Have somebody at a terminal who says this."""

    def terminal(text):
        stdin = io.StringIO(text)
        stdin.isatty = lambda: True
        monkeypatch.setattr(sys, "stdin", stdin)

    return terminal


# --- looking


def test_events_are_a_line_each(asked):
    page = {"items": [EVENT, {**EVENT, "upload": None, "endpoint": "crm"}], "next": None}
    code, out, err, calls = asked({("GET", "/v1/events"): page}, "events", "--type", "upload.*", "--source", "posts")
    assert (code, err) == (0, "")
    assert [line.split()[-5:] for line in out.splitlines()[1:]] == [
        ["upload.failed", "posts", about, "3", "evt_1"] for about in ("u1", "crm")
    ]
    assert calls == [("GET", "/v1/events?type=upload.%2A&source=posts&limit=100", None)]


def test_deliveries_are_a_line_each(asked):
    page = {"items": [DELIVERY], "next": "5"}
    arguments = ("deliveries", "--endpoint", "a&b", "--phase", "dead", "--limit", "1")
    code, out, err, calls = asked({("GET", "/v1/deliveries"): page}, *arguments)
    assert (code, err) == (0, "the newest 1 delivery: there are more, see --limit\n")
    assert "its schedule has ended" in out.splitlines()[1]
    assert calls == [("GET", "/v1/deliveries?endpoint=a%26b&phase=dead&limit=1", None)]


def test_a_delivery_of_news_of_an_endpoint_says_which_one_that_is(asked):
    page = {"items": [{**DELIVERY, "source": None, "upload": None, "about": "app"}], "next": None}
    line = asked({("GET", "/v1/deliveries"): page}, "deliveries")[1].splitlines()[1]
    assert re.split("  +", line)[2:6] == ["crm", "upload.failed", "–", "app"]


@pytest.mark.parametrize("command", ["events", "deliveries"])
def test_a_list_is_one_document_for_programs(asked, command):
    page = {"items": [EVENT], "next": None}
    code, out, err, _ = asked({("GET", f"/v1/{command}"): page}, command, "--json")
    assert (code, json.loads(out), err) == (0, page, "")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"cause": "unwanted_source"}, "the endpoint's `sources` let it pass no more"),
        ({"cause": "of tomorrow"}, "of tomorrow"),
        ({"cause": None, "dropped_by": "uid 0 (root)"}, "dropped by uid 0 (root)"),
        ({"cause": "schedule", "dropped_by": "uid 0 (root)"}, "dropped by uid 0 (root)"),
        ({"cause": None, "replaced_by": "evt_2"}, "evt_2 says more"),
        ({"cause": None, "replay": 4}, "replay 4"),
        ({"cause": None}, "–"),
        ({"cause": None, "outcome": "delivered", "note": ""}, "–"),
        ({"note": DOWN}, f"its schedule has ended: {DOWN}"),
        ({"cause": "left", "note": DOWN}, "its endpoint left the config"),
        ({**WAITING, "note": DOWN, "next_at": SOON}, f"{DOWN}; tried again in 1 h"),
        ({**WAITING, "note": DOWN, "next_at": PAST}, f"{DOWN}; due again"),
        ({**WAITING, "note": DOWN, "next_at": SOON, "held": OPEN}, f"{DOWN}; {OPEN['text']}"),
        ({**WAITING, "note": DOWN, "held": PAUSED}, f"{DOWN}; its endpoint is paused"),
        ({**WAITING, "held": PAUSED, "replay": 4}, "its endpoint is paused; replay 4"),
        ({**WAITING, "note": "", "outcome": "http_5xx", "next_at": PAST}, "http_5xx; due again"),
        ({**WAITING, "note": DOWN, "next_at": PAST, "replay": 4}, f"{DOWN}; due again; replay 4"),
        ({**WAITING, "next_at": PAST}, "–"),
        ({**WAITING, "outcome": "delivered", "note": "", "next_at": PAST, "replay": 4}, "replay 4"),
    ],
)
def test_why_a_delivery_is_as_it_is_is_told(asked, given, why):
    page = {"items": [{**DELIVERY, **given}], "next": None}
    out = asked({("GET", "/v1/deliveries"): page}, "deliveries")[1]
    assert out.splitlines()[1].endswith(f"  evt_1  {why}")


@pytest.mark.parametrize(
    ("due", "told"),
    [("2020-01-01T00:00:00.000Z", "due"), ("2999-01-01T00:00:00.000Z", "in 35")],
    ids=["past", "to come"],
)
def test_what_waits_and_could_have_gone_is_due(asked, due, told):
    waiting = {**DELIVERY, **WAITING, "next_at": due}
    assert f"  {told}" in asked({("GET", "/v1/deliveries"): {"items": [waiting], "next": None}}, "deliveries")[1]
    assert (
        f": waiting, {told}"
        in asked({("GET", "/v1/events/evt_1"): {**WHOLE, "deliveries": [{**waiting, "tries": []}]}}, "event", "evt_1")[
            1
        ]
    )


def test_of_what_is_held_by_what_no_moment_ends_no_moment_is_promised(asked):
    held = {**DELIVERY, **WAITING, "due_at": PAST, "held": PAUSED}
    line = asked({("GET", "/v1/deliveries"): {"items": [held], "next": None}}, "deliveries")[1].splitlines()[1]
    assert re.split("  +", line)[-3:] == ["–", "evt_1", "its endpoint is paused"]
    event = {**WHOLE, "deliveries": [{**held, "tries": []}]}
    shown = asked({("GET", "/v1/events/evt_1"): event}, "event", "evt_1")[1]
    assert shown.endswith("\ndelivery 5 to crm: waiting\nits endpoint is paused\n")


def test_an_event_is_shown_with_its_deliveries_and_their_attempts(asked):
    code, out, err, _ = asked({("GET", "/v1/events/evt_1"): WHOLE}, "event", "evt_1")
    assert (code, err) == (0, "")
    assert "changes    status – → failed\n" in out
    assert "\ndelivery 5 to crm: dead, " in out
    assert "its schedule has ended\n" in out
    assert out.splitlines()[-1].split()[-6:] == ["s", "refused", "503", "it", "fails", "busy"]
    assert json.loads(asked({("GET", "/v1/events/evt_1"): WHOLE}, "event", "evt_1", "--json")[1]) == WHOLE


def test_an_event_that_nobody_wanted_says_so(asked):
    bare = {**WHOLE, "body": {"data": {}}, "deliveries": []}
    code, out, err, _ = asked({("GET", "/v1/events/evt_1"): bare}, "event", "evt_1")
    assert (code, err.partition(":")[0]) == (0, "it is owed to nobody")
    assert "changes" not in out


def test_a_delivery_without_attempts_or_a_reason_is_a_line(asked):
    waiting = {**DELIVERY, **WAITING, "next_at": PAST, "tries": []}
    out = asked({("GET", "/v1/events/evt_1"): {**WHOLE, "deliveries": [waiting]}}, "event", "evt_1")[1]
    assert out.splitlines()[-1].startswith("delivery 5 to crm: waiting, ")


def test_what_is_not_there_is_told_with_what_is(asked):
    no = (404, {"title": "Not Found", "detail": 'there is no event "a/b"'})
    code, out, err, calls = asked({("GET", "/v1/events/a%2Fb"): no}, "event", "a/b")
    assert (code, out, err) == (1, "", 'Error: there is no event "a/b"\n')
    assert calls == [("GET", "/v1/events/a%2Fb", None)]


# --- acting


def counting(**done):
    """What replay and drop answer: how many it would be, or what was done."""
    return lambda body: MANY if body.get("dry_run") else done


def test_a_replay_counts_first_and_says_what_to_do_next(asked):
    answers = {("POST", "/v1/replay"): counting(id=7)}
    started = time.time()
    arguments = ("replay", "--endpoint", "crm", "--since", "2h", "--phase", "dead", "--yes")
    code, out, err, (first, second) = asked(answers, *arguments)
    assert (code, out) == (0, "")
    assert err == (
        "replay 7 owes 12 deliveries again; watch: notifier deliveries --endpoint crm; "
        "end it: notifier replay --cancel 7\n"
    )
    since = second[2].pop("since")
    assert -1 <= moment(since) - (started - 7200) <= 60
    assert second == ("POST", "/v1/replay", {"endpoint": "crm", "phase": "dead"})
    assert first[2] == {"endpoint": "crm", "phase": "dead", "since": since, "dry_run": True}


def test_an_event_is_owed_again_without_a_question(asked):
    answers = {("POST", "/v1/replay"): counting(id=7)}
    code, _, err, calls = asked(answers, "replay", "--event", "evt_1")
    assert (code, "--phase waiting;" in err) == (0, True)
    assert calls[1] == ("POST", "/v1/replay", {"event": "evt_1"})


def test_the_latest_of_each_upload_can_be_asked_for(asked):
    answers = {("POST", "/v1/replay"): counting(id=7)}
    assert asked(answers, "replay", "--endpoint", "new", "--latest", "--yes")[3][1][2] == {
        "endpoint": "new",
        "latest": True,
    }


@pytest.mark.parametrize(("command", "words"), [("replay", "would be owed again"), ("drop", "would be given up")])
def test_a_dry_run_only_says_how_many(asked, command, words):
    answers = {("POST", f"/v1/{command}"): counting()}
    code, out, err, calls = asked(answers, command, "--endpoint", "crm", "--dry-run")
    assert (code, out, err, len(calls)) == (0, f"12 deliveries {words}\n", "", 1)


@pytest.mark.parametrize("command", ["replay", "drop"])
def test_nothing_is_done_where_there_is_nothing_to_do(asked, command):
    nothing = {("POST", f"/v1/{command}"): {"matching": 0}}
    code, out, err, calls = asked(nothing, command, "--endpoint", "crm")
    assert (code, out, err.partition(":")[0].partition(" to ")[0], len(calls)) == (0, "", "nothing", 1)
    code, out, err, calls = asked(nothing, command, "--endpoint", "crm", "--dry-run")
    assert (code, out.partition(" would")[0], err, len(calls)) == (0, "0 deliveries", "", 1)


@pytest.mark.parametrize("command", ["replay", "drop"])
def test_without_a_terminal_many_need_a_yes(asked, monkeypatch, command):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    code, out, err, calls = asked({("POST", f"/v1/{command}"): counting()}, command, "--endpoint", "crm")
    assert (code, out, len(calls)) == (2, "", 1)
    assert "12 deliveries" in err
    assert "say --yes, since nobody can be asked here" in err


@pytest.mark.parametrize(("said", "code", "calls"), [("y\n", 0, 2), ("n\n", 1, 1), ("\n", 1, 1), ("", 130, 1)])
def test_on_a_terminal_many_are_asked_about(asked, terminal, said, code, calls):
    terminal(said)
    told = asked({("POST", "/v1/drop"): counting(dropped=11, replays=[])}, "drop", "--endpoint", "crm")
    assert (told[0], told[1], len(told[3])) == (code, "", calls)
    assert "This will give up 12 deliveries to crm. Go on?" in told[2]
    assert ("nothing was done" in told[2]) == (code == 1)


def test_what_was_given_up_is_told_and_where_it_is_kept(asked):
    answers = {("POST", "/v1/drop"): counting(dropped=11, replays=[])}
    _, _, err, calls = asked(answers, "drop", "--endpoint", "crm", "--phase", "dead", "--yes")
    assert err == ("given up: 11 deliveries; they are kept here: notifier deliveries --endpoint crm --phase dropped\n")
    assert calls[1] == ("POST", "/v1/drop", {"endpoint": "crm", "phase": "dead"})
    _, _, err, calls = asked(answers, "drop", "--delivery", "5")
    assert err.endswith("notifier deliveries --phase dropped\n")
    assert calls[1] == ("POST", "/v1/drop", {"delivery": 5})


def test_the_replays_that_end_by_a_drop_are_named(asked):
    answers = {("POST", "/v1/drop"): counting(dropped=11, replays=[5, 6])}
    err = asked(answers, "drop", "--endpoint", "crm", "--yes")[2]
    assert err.startswith("given up: 11 deliveries; replay 5 has ended; replay 6 has ended; they are kept here: ")


def test_replays_are_listed(asked):
    common = {"created_at": AT, "since": None, "latest": False, "phases": ["dead", "dropped"], "event": None}
    going = {**common, "id": 7, "endpoint": "crm", "count": 3, "done_at": None}
    items = [
        going,
        {**going, "id": 6, "since": AT, "done_at": AT},
        {**going, "id": 5, "latest": True},
        {**going, "id": 4, "event": "evt_1", "endpoint": None},
    ]
    page = {"items": items, "next": None}
    code, out, err, calls = asked({("GET", "/v1/replays"): page}, "replays")
    assert (code, err, calls[0][1]) == (0, "", "/v1/replays?limit=100")
    assert [re.split("  +", line)[2:5] for line in out.splitlines()[1:]] == [
        ["dead, dropped", "crm", "3"],
        [f"dead, dropped since {AT}", "crm", "3"],
        ["the latest", "crm", "3"],
        ["evt_1", "–", "3"],
    ]
    assert json.loads(asked({("GET", "/v1/replays"): page}, "replays", "--json")[1]) == page


def test_a_replay_is_ended(asked):
    code, out, err, calls = asked({("DELETE", "/v1/replays/7"): (204, None)}, "replay", "--cancel", "7")
    assert (code, out, err.partition(";")[0]) == (0, "", "replay 7 has ended")
    assert calls == [("DELETE", "/v1/replays/7", None)]


@pytest.mark.parametrize(
    ("action", "answer", "words"),
    [
        ("pause", {"waiting": 3}, "crm is paused, 3 deliveries waiting; go on: notifier endpoint resume crm\n"),
        ("resume", {"waiting": 1}, "crm goes on with 1 delivery; watch: notifier deliveries --endpoint crm\n"),
    ],
)
def test_an_endpoint_is_acted_upon_and_what_to_do_next_is_told(asked, action, answer, words):
    code, out, err, calls = asked({("POST", f"/v1/endpoints/crm/{action}"): answer}, "endpoint", action, "crm")
    assert (code, out, err) == (0, "", words)
    assert calls == [("POST", f"/v1/endpoints/crm/{action}", {})]


@pytest.mark.parametrize(
    ("arguments", "call", "answer"),
    [
        (("endpoint", "pause", "crm"), "endpoints/crm/pause", {"waiting": 3}),
        (("endpoint", "resume", "crm"), "endpoints/crm/resume", {"waiting": 3}),
        (("source", "poll", "posts"), "sources/posts/poll", {"rests_until": None, "may_go_at": None}),
        (("backup", "x.db"), "backup", {"path": "/x.db", "bytes": 7}),
        (("drop", "--delivery", "5"), "drop", {"matching": 1, "dropped": 1, "replays": []}),
        (("drop", "--endpoint", "crm", "--dry-run"), "drop", {"matching": 3}),
        (("replay", "--event", "evt_1"), "replay", {"matching": 1, "id": 7}),
        (("replay", "--endpoint", "crm", "--dry-run"), "replay", {"matching": 3}),
        (("replay", "--endpoint", "crm"), "replay", {"matching": 0}),
    ],
)
def test_what_was_done_is_a_document_for_programs(asked, arguments, call, answer):
    code, out, err, _ = asked({("POST", f"/v1/{call}"): answer}, *arguments, "--json")
    assert (code, json.loads(out), err) == (0, answer, "")


def test_a_drop_of_nothing_is_a_document_like_any_other(asked):
    code, out, err, _ = asked({("POST", "/v1/drop"): {"matching": 0}}, "drop", "--endpoint", "crm", "--json")
    assert (code, json.loads(out), err) == (0, {"dropped": 0, "replays": []}, "")


def pinged(**more):
    return {"event": "evt_9", "number": 1, "started_at": "2026-12-01T00:00:00.000Z", "duration": 0.02, **more}


def test_what_came_of_a_ping_is_shown(asked):
    took = pinged(phases={"connect": 0.001, "first_byte": 0.0181}, outcome="delivered", status=204, note="", excerpt="")
    code, out, err, calls = asked({("POST", "/v1/endpoints/crm/ping"): took}, "endpoint", "ping", "crm")
    assert (code, err, calls) == (0, "", [("POST", "/v1/endpoints/crm/ping", {})])
    assert out == (
        "event    evt_9\noutcome  delivered\ntook     0.020 s (connect 0.001, first_byte 0.018)\nstatus   204\n"
    )


def test_a_ping_that_was_not_delivered_ends_with_1_and_says_why(asked):
    failed = pinged(
        phases={}, outcome="http_4xx", status=401, note="it refuses us: look at its secret", excerpt="no\x1b"
    )
    answers = {("POST", "/v1/endpoints/crm/ping"): failed}
    code, out, err, _ = asked(answers, "endpoint", "ping", "crm")
    assert (code, err) == (1, "")
    assert "took     0.020 s\n" in out
    assert "note     it refuses us: look at its secret\nanswer   no\\x1b\n" in out
    code, out, _, _ = asked(answers, "endpoint", "ping", "crm", "--json")
    assert (code, json.loads(out)) == (1, failed)


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "--phase", "waiting", "--endpoint", "crm"],
        ["replay", "--cancel", "7", "--endpoint", "crm"],
        ["replay", "--cancel", "7", "--since", "2h"],
        ["replay", "--endpoint", "crm", "--since", "soon"],
        ["replay", "--cancel", "7", "--dry-run"],
        ["replay", "--cancel", "7", "--yes"],
        ["replay", "--cancel", "7", "--json"],
        ["replay", "--endpoint", "crm", "--since", ""],
        ["drop"],
        ["drop", "--delivery", "5", "--endpoint", "crm"],
        ["drop", "--delivery", "5", "--phase", "dead"],
        ["drop", "--delivery", "x"],
        ["deliveries", "--phase", "lost"],
        ["events", "--limit", "0"],
        ["endpoint", "ping"],
    ],
)
def test_a_wrong_command_line_asks_nothing(asked, arguments):
    code, out, err, calls = asked({}, *arguments)
    assert (code, out, calls) == (2, "", [])
    assert "Error: " in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("drop", "--delivery", "zz"), "'--delivery': 'zz' is not the number of a delivery"),
        (("drop", "--delivery", "0"), "'--delivery': '0' is not the number of a delivery"),
        (("replay", "--cancel", "zz"), "'--cancel': 'zz' is not the number of a replay"),
        (("events", "--limit", "zz"), "'--limit': 'zz' is not a number from 1 on"),
    ],
)
def test_what_is_no_number_is_told_by_what_it_should_be_the_number_of(asked, arguments, words):
    code, _, err, calls = asked({}, *arguments)
    assert (code, calls) == (2, [])
    assert err.endswith(f"Error: Invalid value for {words}\n")


def test_a_moment_is_taken_as_it_is_given(asked):
    answers = {("POST", "/v1/replay"): counting()}
    arguments = ("replay", "--endpoint", "crm", "--since", "2026-12-01T01:00:00+01:00", "--dry-run")
    assert asked(answers, *arguments)[3][0][2]["since"] == rfc_3339(moment("2026-12-01T00:00:00Z"))


def test_longer_ago_than_anything_is_all_there_is(asked):
    answers = {("POST", "/v1/replay"): counting()}
    calls = asked(answers, "replay", "--endpoint", "crm", "--since", "999999999d", "--dry-run")[3]
    assert calls[0][2]["since"] == "1970-01-01T00:00:00.000Z"


def test_the_phases_are_those_of_the_daemon():
    """The commands have them of their own: to import the daemon's would take them as long as all the rest."""
    assert tuple(phase.value for phase in Phase) == deliveries.PHASES
    assert tuple(phase.value for phase in OVER) == replay.OVER
    assert tuple(phase.value for phase in OWED) == drop.OWED
    assert set(deliveries.CAUSES) == {*(cause.value for cause in Cause), "drain"}
