"""The sender and the health of its endpoints: throttle, breaker, pause, coming back; and nobody holds up anybody."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from stored import announce, event
from things import DAY, HOUR
from world import Clock, World, endpoint, world

from notifier.core.events import receivers
from notifier.core.model import Attempt, Command, Delivery, Order, Outcome, Rate, Status
from notifier.core.secret import Secret
from notifier.sender import IDLE

S, O = Status, Outcome  # noqa: E741  # they stand in tables
GOOD, BAD = (O.DELIVERED, 204), (O.HTTP_5XX, 503)
GONE, REFUSED = (O.HTTP_410, 410), (O.HTTP_4XX, 422)
LONG = (0.0, *[10 * HOUR] * 99)
"""A schedule whose slots no test uses up."""


@dataclass
class Script:
    """Receivers that answer as they are told to, the last answer again and again, and when each request came."""

    w: World
    answers: dict[str, list[tuple]] = field(default_factory=dict)
    came: list[tuple[float, str, str | None, int]] = field(default_factory=list)
    more: dict = field(default_factory=dict)
    """What every answer has besides."""
    meanwhile: Callable[[Delivery], object] = lambda _delivery: None

    async def post(self, delivery: Delivery) -> Attempt:
        self.came.append((self.w.clock.now, delivery.endpoint, delivery.upload, delivery.sequence))
        self.meanwhile(delivery)
        answers = self.answers.get(delivery.endpoint, [GOOD])
        outcome, status, *more = answers.pop(0) if len(answers) > 1 else answers[0]
        if outcome is O.DELIVERED:
            self.w.receivers.got.setdefault(delivery.endpoint, []).append(delivery.body)
        return Attempt(self.w.clock.now, 0.0, outcome, status, **{**self.more, **dict(more)})

    def at(self, name: str = "app") -> list[float]:
        """When requests came to an endpoint, in seconds since the first of all."""
        return [round(at - self.came[0][0], 3) for at, endpoint_, *_ in self.came if endpoint_ == name]

    def uploads(self, name: str = "app") -> list[str | None]:
        return [upload for _, endpoint_, upload, _ in self.came if endpoint_ == name]


def scripted(w: World, **answers: list[tuple]) -> Script:
    script = Script(w, answers)
    w.post = script.post
    w.random.random = lambda: 0.5  # no jitter
    return script


async def announced(w: World, uploads: str, status: Status = S.QUEUED) -> None:
    """Announce this status of these uploads to all endpoints that want it, one event after the other."""
    for id_ in uploads:
        lane = ord(id_) - ord("a") + 1
        ((sequence,),) = await w.store.database.rows("SELECT count(*) + 1 FROM events WHERE lane = ?", (lane,))
        data = {"upload": {"id": id_}, "sequence": sequence}
        type_ = f"upload.{status.value}"
        body = json.dumps({"type": type_, "data": data}).encode()
        one = event(lane, sequence, type_, at=w.clock.now, upload=id_, status=status.value, body=body)
        await announce(w.store, one, to=tuple(receivers(one, w.endpoints)))


def asking(seconds: float | None, outcome: Outcome = O.HTTP_429) -> tuple:
    return outcome, 429 if outcome is O.HTTP_429 else 503, ("retry_after", seconds)


def told(w: World, name: str) -> list[tuple]:
    """What an endpoint was told of others: type, endpoint, reason, how many wait."""
    data = [(event["type"], event["data"]) for event in w.receivers.events(name) if "upload" not in event["data"]]
    return [(type_, one["endpoint"], one["reason"]["code"], one["waiting"]) for type_, one in data]


async def rows(w: World, columns: str, where: str = "1 = 1") -> list[tuple]:
    sql = f"SELECT {columns} FROM deliveries WHERE {where} ORDER BY id"
    return [tuple(row) for row in await w.store.database.rows(sql)]


async def restart(w: World) -> None:
    await w.stop()
    await w.start()


APP = endpoint("app", schedule=LONG)
OPS = endpoint("ops", events=("endpoint.*",), schedule=LONG)


# --- the throttle


@pytest.mark.parametrize("answer", [asking(60.0), asking(60.0, O.HTTP_5XX)])
@pytest.mark.parametrize("restarted", [False, True])
async def test_nothing_is_sent_to_who_asks_for_time_before_that_is_over_and_all_of_it_then(tmp_path, answer, restarted):
    one_slot = replace(APP, max_in_flight=1, schedule=(0.0, 5.0, 5.0))
    async with world(tmp_path, endpoints=(one_slot,)) as w:
        script = scripted(w, app=[answer, GOOD])
        await announced(w, "abc")
        now = w.clock.now
        assert await w.settle() == now + 60
        assert [slots for (slots,) in await rows(w, "slots")] == [1, 0, 0]  # one slot used, of the others none
        if restarted:
            await restart(w)
        await w.sends_until(now + 59.999)
        assert len(script.came) == 1
        await w.sends_until(now + 60)
        assert sorted(script.uploads()) == ["a", "a", "b", "c"]


async def test_a_429_that_says_nothing_is_waited_for_ever_longer(tmp_path):
    async with world(tmp_path, endpoints=(replace(APP, max_in_flight=1),)) as w:
        script = scripted(w, app=[(O.HTTP_429, 429)] * 3 + [GOOD])
        await announced(w, "abcdefgh")
        await w.sends_until(w.clock.now + 40)
        assert script.at() == [0, 5, 15, *[35] * 5]


async def test_others_are_not_held_up_by_who_asks_for_time(tmp_path):
    async with world(tmp_path, endpoints=(APP, replace(APP, name="crm"))) as w:
        script = scripted(w, app=[asking(DAY)])
        await announced(w, "abc")
        await w.settle()
        assert len(script.uploads("crm")) == 3


async def test_a_clock_that_is_set_leaves_the_wait_as_long_as_it_was(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        scripted(w, app=[asking(60.0)])
        await announced(w, "a")
        assert await w.settle() == w.clock.now + 60
        for jump in (DAY, -2 * DAY):
            w.clock.now += jump
            await w.sender.believe_no_later(jump)
            assert await w.sender.send_due() == w.clock.now + 60


async def test_a_retry_that_the_receiver_put_off_is_not_brought_forward(tmp_path, caplog):
    async with world(tmp_path, endpoints=(replace(APP, schedule=(0.0, 5.0, 5.0)),)) as w:
        scripted(w, app=[asking(HOUR)])
        await announced(w, "a")
        await w.settle()
        ((due_at,),) = await rows(w, "due_at")
        await restart(w)
        assert (due_at, await rows(w, "due_at")) == (w.clock.now + HOUR, [(due_at,)])
    assert "rescheduled" not in caplog.messages


# --- the breaker


async def test_five_failures_shut_an_endpoint_off_and_probes_are_the_oldest_due_one_at_a_time(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "abcdefgh")
        start = w.clock.now
        assert await w.settle() == start + 30
        assert len(script.came) == 8  # they were on their way together
        await announced(w, "abc", S.COMPLETED)
        await w.sends_until(start + 29)
        assert len(script.came) == 8
        assert [slots for (slots,) in await rows(w, "slots", "sequence = 1")] == [1] * 8


async def test_probes_come_at_doubling_distances_and_use_their_slots(tmp_path):
    one = replace(APP, max_in_flight=1)
    async with world(tmp_path, endpoints=(one,)) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "abcdefgh")
        await w.sends_until(w.clock.now + 250)
        assert script.at() == [0, 0, 0, 0, 0, 30, 90, 210]
        assert script.uploads() == list("abcdefgh")
        assert [slots for (slots,) in await rows(w, "slots")] == [1] * 8


async def test_a_probe_that_succeeds_makes_all_due_in_order_and_from_one_on_more_and_more_at_once(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "abcdefgh")
        await w.settle()
        script.answers["app"] = [GOOD]
        at_once = []
        script.meanwhile = lambda _delivery: at_once.append(w.sender.in_flight)
        await announced(w, "ijklmnop")
        await w.sends_until(w.clock.now + 30)
        assert script.uploads()[8:] == [*"i", *"abcdefgh", *"jklmnop"]  # the probe was the oldest of those due
        assert at_once == [1, 1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8]
        assert {slots for (slots,) in await rows(w, "slots", "sequence = 1 AND lane <= 8")} == {2}


async def test_a_delivery_that_was_itself_refused_keeps_its_slot_when_the_endpoint_comes_back(tmp_path):
    one = replace(APP, max_in_flight=1)
    async with world(tmp_path, endpoints=(one,)) as w:
        script = scripted(w, app=[REFUSED, BAD, BAD, BAD, BAD, BAD, GOOD])
        await announced(w, "abcdefgh")
        start = w.clock.now
        await w.sends_until(start + HOUR)
        assert script.uploads() == [*"abcdefg", *"bcdefh"]
        assert await rows(w, "phase, due_at", "phase = 'waiting'") == [("waiting", start + 10 * HOUR)]


async def test_a_shut_off_endpoint_stays_so_across_a_restart(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "abcdefgh")
        at = await w.settle()
        await announced(w, "ijk")
        await restart(w)
        assert w.sender.troubled == {"app": "open"}
        assert await w.settle() == at
        w.clock.now = at
        await w.settle()
        assert len(script.came) == 9
        await restart(w)
        assert await w.settle() == at + 60


async def test_half_of_twenty_failing_shuts_an_endpoint_off_though_never_two_in_a_row_do(tmp_path):
    async with world(tmp_path, endpoints=(replace(APP, max_in_flight=1),)) as w:
        script = scripted(w, app=[GOOD, BAD] * 10 + [GOOD])
        await announced(w, "abcdefghijklmnopqrstuvwxyz")
        await w.settle()
        assert len(script.came) == 20


# --- the pause


async def test_who_resumes_one_that_is_well_has_all_that_waits_there_sent(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        script = Script(w, {"app": [BAD, BAD, BAD, GOOD]})
        w.post = script.post
        await announce(w.store, event(1, 1, at=w.clock.now), to=[endpoint("app")])
        await w.sends_until(w.clock.now + 900)
        assert (len(script.came), w.sender.served["app"].trouble) == (3, None)
        await w.sender.resume("app")
        await w.settle()
        assert len(script.came) == 4
        assert await w.store.waiting("app") == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(GONE, "gone"), ((O.HTTP_5XX, 500, ("command", Command.DISABLE)), "disabled")],
)
async def test_who_says_so_is_paused_keeps_all_that_waits_and_goes_on_when_a_person_resumes(
    tmp_path, answer, reason, caplog
):
    caplog.set_level(logging.INFO, "notifier.ended")
    once = replace(APP, max_in_flight=1, schedule=(0.0,))
    async with world(tmp_path, endpoints=(once, OPS)) as w:
        script = scripted(w, app=[answer])
        await announced(w, "abc")
        await w.settle()
        assert (script.uploads(), w.sender.troubled) == (["a"], {"app": "paused"})
        await announced(w, "defgh")
        w.clock.now += 40 * DAY
        await w.settle()
        await restart(w)
        await w.settle()
        assert script.uploads() == ["a"]
        assert await rows(w, "phase, slots", "endpoint = 1") == [("waiting", 0)] * 8
        script.answers["app"] = [GOOD]
        await w.sender.resume("app")
        await w.sends_until(w.clock.now + HOUR)
        assert script.uploads()[1:] == list("abcdefgh")
        assert told(w, "ops") == [
            ("endpoint.paused", "app", reason, 3),
            ("endpoint.resumed", "app", "person", 8),
        ]
    lines = [(one.message, one.levelname) for one in caplog.records if one.message.startswith("endpoint ")]
    assert lines == [("endpoint paused", "WARNING"), ("endpoint resumed", "INFO")]


async def test_a_delivery_that_was_taken_with_disable_is_delivered_and_its_endpoint_paused(tmp_path):
    async with world(tmp_path, endpoints=(replace(APP, max_in_flight=1),)) as w:
        script = scripted(w, app=[(*GOOD, ("command", Command.DISABLE))])
        await announced(w, "ab")
        await w.settle()
        assert script.uploads() == ["a"]
        assert await rows(w, "phase") == [("delivered",), ("waiting",)]


async def test_a_person_pauses_and_what_is_on_its_way_ends(tmp_path):
    async with world(tmp_path, endpoints=(APP, OPS)) as w:
        script = scripted(w)
        await announced(w, "a")
        await w.sender.send_due()
        await w.sender.pause("app")
        await w.sender.pause("app")
        await announced(w, "b")
        assert await w.settle() == w.clock.now + IDLE
        assert script.uploads() == ["a"]
        assert await rows(w, "phase", "endpoint = 1") == [("delivered",), ("waiting",)]
        await restart(w)
        w.clock.now += DAY
        await w.settle()
        assert script.uploads() == ["a"]
        await w.sender.resume("app")
        await w.sender.resume("app")
        await w.settle()
        assert script.uploads() == ["a", "b"]
        assert told(w, "ops") == [("endpoint.paused", "app", "person", 1), ("endpoint.resumed", "app", "person", 1)]


async def test_a_pause_while_a_pass_asks_what_is_due_is_heeded_by_it(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        script = scripted(w)
        await announced(w, "abc")
        due = w.store.due

        async def paused_meanwhile(*asked):
            found = await due(*asked)
            await w.sender.pause("app")
            return found

        w.store.due = paused_meanwhile
        await w.settle()
        assert script.came == []


async def test_a_person_may_open_a_breaker(tmp_path):
    async with world(tmp_path, endpoints=(APP, OPS)) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "abcdefgh")
        await w.settle()
        script.answers["app"] = [GOOD]
        await w.sender.resume("app")
        await w.settle()
        assert len(script.uploads()) == 16
        assert told(w, "ops") == []


async def test_a_person_ends_the_wait_that_a_receiver_has_asked_for(tmp_path):
    async with world(tmp_path, endpoints=(replace(APP, max_in_flight=1), OPS)) as w:
        script = scripted(w, app=[asking(DAY), GOOD])
        await announced(w, "abc")
        assert await w.settle() == w.clock.now + DAY
        await w.sender.resume("app")
        await w.settle()
        assert sorted(script.uploads()) == ["a", "a", "b", "c"]  # what was itself put off is due as well
        await restart(w)
        assert await w.settle() == w.clock.now + IDLE
        assert told(w, "ops") == []


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://127.0.0.1/?token=t0p-s3cret"])
async def test_another_url_ends_a_pause_at_the_next_start_and_no_url_is_stored(tmp_path, url):
    app = replace(APP, url="http://127.0.0.1/?token=t0p-s3cret", secrets=(Secret("whsec_hush-hush"),))
    async with world(tmp_path, endpoints=(app, OPS)) as w:
        script = scripted(w, app=[GONE, GOOD])
        await announced(w, "a")
        await w.settle()
        w.endpoints = (replace(app, url=url), OPS)
        await restart(w)
        await w.settle()
        assert script.uploads() == (["a"] if url == app.url else ["a", "a"])
        resumed = [("endpoint.resumed", "app", "url", 1)] if url != app.url else []
        assert told(w, "ops") == [("endpoint.paused", "app", "gone", 1), *resumed]
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"s3cret" not in kept
    assert b"hush-hush" not in kept


async def test_after_five_days_without_success_there_is_a_probe_an_hour_until_one_succeeds(tmp_path):
    async with world(tmp_path, endpoints=(APP, OPS)) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "abc")
        start = w.clock.now
        await w.sends_until(start + 5 * DAY + HOUR)
        ((paused_at,),) = await w.store.database.rows("SELECT paused_at FROM endpoints WHERE name = 'app'")
        assert 0 <= paused_at - (start + 5 * DAY) <= 1800
        slots = await rows(w, "slots", "endpoint = 1")
        await w.sends_until(start + 6 * DAY)
        probes = [at for at in script.at() if at > paused_at - start]
        assert {round(later - at, 3) for at, later in pairwise(probes)} == {HOUR}
        assert await rows(w, "slots", "endpoint = 1") == slots  # no slot is used, nothing dies
        assert len({upload for at, _, upload, _ in script.came if at > paused_at}) == 3  # each in its turn
        await restart(w)
        script.answers["app"] = [GOOD]
        await w.sends_until(start + 6 * DAY + HOUR)
        assert w.sender.troubled == {}
        assert {phase for (phase,) in await rows(w, "phase")} == {"delivered"}
        assert told(w, "ops") == [("endpoint.paused", "app", "failing", 3), ("endpoint.resumed", "app", "answered", 2)]
        since = [event["data"]["since"] for event in w.receivers.events("ops")]
        assert since[0] == since[1]


async def test_what_is_announced_during_a_pause_arrives_after_it_in_order(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        scripted(w)
        await announced(w, "a")
        await w.sender.pause("app")
        for _ in range(50):
            await announced(w, "a")
        await w.settle()
        assert w.receivers.got == {}
        await w.sender.resume("app")
        await w.settle()
        assert [event["data"]["sequence"] for event in w.receivers.events("app")] == list(range(1, 52))


async def test_a_clock_that_leaps_by_a_year_pauses_nobody(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        scripted(w, app=[BAD])
        await announced(w, "abcdefgh")
        await w.sends_until(w.clock.now + 13 * HOUR)
        w.clock.now += 365 * DAY
        await w.sender.believe_no_later(365 * DAY)
        await w.sends_until(w.clock.now + HOUR)
        assert w.sender.troubled == {"app": "open"}


async def test_a_clock_that_is_set_writes_what_it_changes_and_all_of_it_at_once(tmp_path):
    idle = [replace(APP, name=f"idle-{n}") for n in range(3)]
    async with world(tmp_path, endpoints=(APP, replace(APP, name="crm"), *idle)) as w:
        scripted(w, crm=[asking(DAY)])
        await announce(w.store, event(1, 1, at=w.clock.now), to=w.endpoints[:2])
        await w.settle()
        written, record = [], w.store.record

        async def noted(results, standings):
            written.append([one.endpoint for one in standings])
            await record(results, standings)

        w.store.record = noted
        w.clock.now += HOUR
        await w.sender.believe_no_later(HOUR)
        assert written == [["app", "crm"]]


# --- what is told, and to whom


async def test_two_endpoints_that_both_pause_tell_each_other_once_each(tmp_path, caplog):
    both = [endpoint(name, events=("*",), schedule=LONG, max_in_flight=1) for name in ("app", "crm")]
    async with world(tmp_path, endpoints=both) as w:
        scripted(w, app=[GONE], crm=[GONE])
        await announced(w, "ab")
        await w.settle()
        sql = "SELECT e.type, n.name FROM events AS e JOIN endpoints AS n ON n.number = e.endpoint ORDER BY position"
        told = [tuple(row) for row in await w.store.database.rows(sql)]
        assert told == [("endpoint.paused", "app"), ("endpoint.paused", "crm")]
        owed = """SELECT n.name, m.name FROM deliveries AS d JOIN events AS e ON e.position = d.event
            JOIN endpoints AS n ON n.number = d.endpoint JOIN endpoints AS m ON m.number = e.endpoint ORDER BY d.id"""
        assert [tuple(row) for row in await w.store.database.rows(owed)] == [("crm", "app"), ("app", "crm")]
        scripted(w)
        for name in ("app", "crm"):
            await w.sender.resume(name)
        await w.sends_until(w.clock.now + HOUR)
        assert len(await w.store.database.rows("SELECT 1 FROM events WHERE endpoint IS NOT NULL")) == 4
        assert (await w.store.counts())["waiting"] == 0


async def test_who_pauses_at_an_operator_s_event_is_told_by_the_log_alone(tmp_path, caplog):
    ops, other = OPS, replace(OPS, name="other")
    async with world(tmp_path, endpoints=(APP, ops, other)) as w:
        scripted(w, app=[GONE], ops=[GONE], other=[GONE])
        await announced(w, "a")
        await w.settle()
        assert w.sender.troubled == dict.fromkeys(("app", "ops", "other"), "paused")
        assert [row[0] for row in await w.store.database.rows("SELECT type FROM events")] == [
            "upload.queued", "endpoint.paused",
        ]  # fmt: skip
    assert caplog.messages.count("endpoint paused") == 3


async def operators(w: World) -> list[str]:
    sql = "SELECT type FROM events WHERE endpoint IS NOT NULL ORDER BY position"
    return [row[0] for row in await w.store.database.rows(sql)]


async def test_of_a_pause_that_nobody_was_told_of_nobody_is_told_the_end(tmp_path):
    async with world(tmp_path, endpoints=(APP, OPS, replace(OPS, name="other"))) as w:
        scripted(w, ops=[GONE])
        await w.sender.pause("app")
        await w.settle()
        await restart(w)
        scripted(w)
        for name in ("ops", "app"):
            await w.sender.resume(name)
        await w.settle()
        assert await operators(w) == ["endpoint.paused", "endpoint.resumed"]
        assert told(w, "other")[-1] == ("endpoint.resumed", "app", "person", 0)
        await w.sender.pause("ops")
        await w.sender.resume("ops")
        assert await operators(w) == ["endpoint.paused", "endpoint.resumed"] * 2


async def test_a_pause_that_was_told_of_has_an_end_that_is_whatever_comes_between(tmp_path):
    async with world(tmp_path, endpoints=(replace(APP, events=("*",)), OPS)) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "a")
        await w.sends_until(w.clock.now + 5 * DAY + HOUR / 2)
        script.answers["app"] = [GONE]
        paused = event(-1, 1, "source.failing", at=w.clock.now - 40 * DAY)
        await announce(w.store, paused, to=(APP,))
        await w.sends_until(w.clock.now + 2 * HOUR)
        assert (w.sender.served["app"].health.paused, await operators(w)) == ("gone", ["endpoint.paused"])
        await w.sender.resume("app")
        assert await operators(w) == ["endpoint.paused", "endpoint.resumed"]


async def test_a_pause_that_nobody_was_told_of_is_told_where_a_person_makes_it_theirs(tmp_path):
    async with world(tmp_path, endpoints=(APP, OPS, replace(OPS, name="other"))) as w:
        scripted(w, ops=[BAD])
        await w.sender.pause("app")
        await w.sends_until(w.clock.now + 5 * DAY + HOUR)
        assert (w.sender.troubled["ops"], await operators(w)) == ("paused", ["endpoint.paused"])
        await w.sender.pause("ops")
        await w.sender.resume("ops")
        assert await operators(w) == ["endpoint.paused", "endpoint.paused", "endpoint.resumed"]


async def test_a_pause_that_needs_a_person_from_now_on_is_told_again(tmp_path):
    async with world(tmp_path, endpoints=(APP, OPS)) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "a")
        await w.sends_until(w.clock.now + 5 * DAY + HOUR / 2)
        script.answers["app"] = [GONE]
        await w.sends_until(w.clock.now + 2 * HOUR)
        assert [(type_, why) for type_, _, why, _ in told(w, "ops")] == [
            ("endpoint.paused", "failing"),
            ("endpoint.paused", "gone"),
        ]


async def test_health_is_logged_once_each_way(tmp_path, caplog):
    caplog.set_level(logging.INFO, "notifier.ended")
    async with world(tmp_path, endpoints=(replace(APP, max_in_flight=1),)) as w:
        scripted(w, app=[asking(None), asking(None), *[BAD] * 9, GOOD])
        await announced(w, "abcdefghijkl")
        await w.sends_until(w.clock.now + HOUR)
    lines = [(one.message, one.levelname) for one in caplog.records if one.message != "attempted"]
    assert lines == [
        ("throttled", "WARNING"),
        ("breaker opened", "WARNING"),
        ("breaker closed", "INFO"),
        ("throttled no more", "INFO"),
    ]


async def test_a_rest_that_a_receiver_asks_for_by_a_5xx_is_logged_as_well(tmp_path, caplog):
    # It was heeded, for a day at most, and no line said why nothing went.
    async with world(tmp_path, endpoints=(APP,)) as w:
        scripted(w, app=[asking(60.0, O.HTTP_5XX), GOOD])
        await announced(w, "ab")
        asked_at = w.clock.now
        await w.sends_until(w.clock.now + HOUR)
    (line,) = [one for one in caplog.records if one.message.startswith("throttled")]
    assert line.fields == {"endpoint": "app", "next": asked_at + 60}


# --- one delivery


async def test_what_the_receiver_aborts_is_dead_and_the_next_of_its_lane_goes(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        scripted(w, app=[(*REFUSED, ("command", Command.ABORT)), GOOD])
        await announced(w, "a")
        await announced(w, "a", S.COMPLETED)
        await w.settle()
        assert await rows(w, "phase, cause, attempts, slots") == [
            ("dead", "aborted", 1, 1),
            ("delivered", None, 1, 1),
        ]
        attempts = await w.store.database.rows("SELECT outcome, status FROM attempts ORDER BY delivery")
        assert [tuple(row) for row in attempts] == [("aborted", 422), ("delivered", 204)]


async def test_a_fault_of_ours_is_no_attempt_and_all_is_due_again_in_half_a_minute(tmp_path, caplog):
    async with world(tmp_path, endpoints=(APP, replace(APP, name="crm"))) as w:
        script = scripted(w, app=[(O.LOCAL, None, ("note", "no file descriptor is left"))])
        await announced(w, "abc")
        now = w.clock.now
        before = await rows(w, "phase, slots, attempts, due_at", "endpoint = 1")
        assert await w.settle() == now + 30
        assert await rows(w, "phase, slots, attempts, due_at", "endpoint = 1") == before
        assert await w.store.database.rows("SELECT 1 FROM attempts WHERE delivery IN (1, 3, 5)") == []
        assert (w.sender.troubled, len(script.uploads("crm"))) == ({}, 3)
        script.answers["app"] = [GOOD]
        await w.sends_until(now + 30)
        assert script.at() == [0, 0, 0, 30, 30, 30]
    (line,) = [one for one in caplog.records if one.message == "cannot send"]
    assert (line.levelname, line.fields) == (
        "ERROR", {"endpoint": "app", "note": "no file descriptor is left", "next": now + 30},
    )  # fmt: skip


async def test_where_every_secret_has_ended_all_waits_untried_and_is_told_once_until_the_config_has_another(
    tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    ends_at = Clock().now + HOUR
    old = tuple(Secret(f"whsec_{n}", not_after=ends_at - n) for n in range(2))
    async with world(tmp_path, endpoints=(replace(APP, secrets=old), replace(APP, name="crm"))) as w:
        script = scripted(w)
        await announced(w, "a")
        w.clock.now = ends_at
        await w.settle()
        assert w.sender.troubled == {}
        w.clock.now += 0.001
        await announced(w, "bc")
        await w.sends_until(ends_at + DAY)
        assert (script.uploads(), script.uploads("crm")) == (["a"], ["a", "b", "c"])
        assert w.sender.troubled == {"app": "unsigned"}
        assert await rows(w, "phase, slots, attempts", "endpoint = 1 AND id > 2") == [("waiting", 0, 0)] * 2
        w.endpoints = (replace(APP, secrets=(*old, Secret("whsec_new"))), w.endpoints[1])
        await restart(w)
        await w.settle()
        assert script.uploads() == ["a", "b", "c"]
    told = [(one.message, one.levelname, one.fields["endpoint"]) for one in caplog.records if "sign" in one.message]
    assert told == [("cannot sign", "ERROR", "app")]
    assert "whsec" not in caplog.text


async def test_a_clock_that_is_set_back_to_when_a_secret_was_good_lets_it_sign_again(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    old = Secret("whsec_old", not_after=Clock().now)
    async with world(tmp_path, endpoints=(replace(APP, secrets=(old,)),)) as w:
        script = scripted(w)
        w.clock.now += DAY
        await announced(w, "a")
        await w.settle()
        w.clock.now -= DAY
        await w.sender.believe_no_later(-DAY)
        await w.settle()
        assert (script.uploads(), w.sender.troubled) == (["a"], {})
    assert [one for one in caplog.messages if "sign" in one] == ["cannot sign", "can sign again"]


async def test_a_clock_that_is_set_back_does_not_prolong_a_rest_after_a_fault_of_ours(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        scripted(w, app=[(O.LOCAL, None)])
        await announced(w, "a")
        await w.settle()
        w.clock.now -= DAY
        await w.sender.believe_no_later(-DAY)
        assert await w.sender.send_due() == w.clock.now + 30


@pytest.mark.parametrize(
    ("narrowed", "cause"),
    [
        ({"events": ("!upload.queued", "*")}, "unwanted_event"),
        ({"sources": ("x",)}, "unwanted_source"),
        ({"statuses": ("gone",)}, "unwanted_status"),
        ({"sources": ("x",), "statuses": ("gone",)}, "unwanted_source"),
    ],
)
async def test_what_the_config_lets_pass_no_more_is_dropped_and_says_why(tmp_path, narrowed, cause, caplog):
    async with world(tmp_path, endpoints=(APP,)) as w:
        script = scripted(w)
        await announced(w, "abcdefgh")
        w.endpoints = (replace(APP, max_in_flight=2, **narrowed),)
        await restart(w)
        await w.settle()
        assert script.came == []
        assert await rows(w, "phase, cause, attempts") == [("dropped", cause, 0)] * 8
    assert [one.fields["cause"] for one in caplog.records if one.message == "given up"] == [cause] * 8


async def test_what_waits_for_an_endpoint_that_left_the_config_is_kept_and_counted_until_it_comes_back(
    tmp_path, caplog
):
    crm = replace(APP, name="crm")
    async with world(tmp_path, endpoints=(APP, crm, OPS)) as w:
        script = scripted(w)
        await announced(w, "abc")
        w.endpoints = (crm,)
        await restart(w)
        await w.settle()
        assert script.uploads() == []
        w.endpoints = (APP, crm)
        await restart(w)
        await w.settle()
        assert sorted(script.uploads()) == ["a", "b", "c"]
    left = [one.fields for one in caplog.records if one.message.startswith("endpoint left the config")]
    assert left == [{"endpoint": "app", "waiting": 3, "since": w.clock.now}]


# --- nobody holds up anybody


class Gate:
    """Receivers of which some never answer until they are let."""

    def __init__(self, w: World, hanging: set[str]) -> None:
        self.w, self.hanging, self.opened = w, hanging, asyncio.Event()
        self.came: list[str] = []

    async def post(self, delivery: Delivery) -> Attempt:
        self.came.append(delivery.endpoint)
        if delivery.endpoint in self.hanging:
            await self.opened.wait()
        return Attempt(self.w.clock.now, 0.0, O.DELIVERED, 204)


async def passes(w: World) -> int:
    """Passes until only what hangs is on its way and no further attempt starts."""
    for number in range(1000):
        w.sender.wake.clear()
        before = w.sender.in_flight
        await w.sender.send_due()
        for _ in range(3):
            await asyncio.sleep(0)
        if w.sender.in_flight == before and not w.sender.wake.is_set():
            return number
    raise AssertionError("it never ends")


TEN = tuple(endpoint(f"e{n}", schedule=LONG, max_in_flight=2) for n in range(10))


@pytest.mark.parametrize("total", [200, 12])
async def test_with_one_of_ten_endpoints_hanging_the_others_take_no_pass_more(tmp_path, total):
    taken = []
    for hanging in (set(), {"e0"}):
        folder = tmp_path / str(len(hanging))
        folder.mkdir()
        async with world(folder, endpoints=TEN, in_flight_total=total) as w:
            gate = Gate(w, hanging)
            w.post = gate.post
            await announced(w, "abcdefgh")
            taken.append(await passes(w))
            assert {name: gate.came.count(name) for name in set(gate.came) - hanging} == {
                one.name: 8 for one in TEN if one.name not in hanging
            }
            gate.opened.set()
            await w.settle()
    assert taken[1] <= taken[0] + 1


async def test_endpoints_that_hang_leave_a_place_to_each_of_the_others(tmp_path):
    hanging = {f"e{n}" for n in range(5)}
    wide = tuple(replace(one, max_in_flight=8) for one in TEN)
    async with world(tmp_path, endpoints=wide, in_flight_total=20) as w:
        gate = Gate(w, hanging)
        w.post = gate.post
        await announced(w, "abcdefgh")
        await passes(w)
        assert all(gate.came.count(one.name) == 8 for one in wide if one.name not in hanging)
        assert w.sender.in_flight <= 15
        gate.opened.set()
        await w.settle()


async def test_a_failing_endpoint_causes_no_receipt_and_no_wait_at_another(tmp_path):
    async with world(tmp_path, endpoints=(APP, replace(APP, name="crm"))) as w:
        script = scripted(w, app=[BAD])
        await announced(w, "abcdefgh")
        start = w.clock.now
        await w.sends_until(start + DAY)
        assert script.uploads("crm") == list("abcdefgh")
        assert set(script.at("crm")) == {0}
        assert w.sender.troubled == {"app": "open"}


# --- the rate


async def test_what_a_rate_has_used_is_remembered_across_a_restart(tmp_path):
    slow = replace(APP, rate=Rate(1, 10))
    async with world(tmp_path, endpoints=(slow,)) as w:
        script = scripted(w)
        await announced(w, "abc")
        start = w.clock.now
        assert await w.settle() == start + 10
        await restart(w)
        assert await w.settle() == start + 10
        await w.sends_until(start + 30)
        assert script.at() == [0, 10, 20]


async def test_where_the_rate_lets_nothing_go_no_slot_is_used(tmp_path):
    slow = replace(APP, rate=Rate(1, 10))
    async with world(tmp_path, endpoints=(slow,)) as w:
        scripted(w)
        await announced(w, "abc")
        await w.settle()
        assert [slots for (slots,) in await rows(w, "slots")] == [1, 0, 0]


# --- order


async def test_an_operator_s_event_replaces_none_where_only_the_latest_counts(tmp_path):
    latest = replace(OPS, order=Order.LATEST)
    async with world(tmp_path, endpoints=(APP, latest)) as w:
        scripted(w, ops=[BAD])
        await announced(w, "a")
        await w.sender.pause("app")
        await w.sender.resume("app")
        await w.settle()
        scripted(w)
        await w.sends_until(w.clock.now + DAY)
        assert [json.loads(body)["type"] for body in w.receivers.got["ops"]] == ["endpoint.paused", "endpoint.resumed"]
