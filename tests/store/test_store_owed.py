"""What the sender asks: what may go now, and in which order what is owed comes to an end."""

import json
import random
import sqlite3
from dataclasses import replace

import pytest
from stored import (
    APP,
    ENDPOINTS,
    LATEST,
    NONE,
    NOW,
    altered,
    announce,
    deliveries,
    due,
    event,
    follow,
    ids,
    one_upload,
    result,
    retried,
    seen,
    upload,
)
from world import endpoint

from notifier.core.budget import Budget
from notifier.core.events import Notice
from notifier.core.health import Health
from notifier.core.lives import Lives
from notifier.core.model import Cause, Phase, Reason
from notifier.core.pauses import Pause
from notifier.core.replay import Selection
from notifier.core.retry import Next
from notifier.store import GivenUp, Place, Standing
from notifier.store.owing import ENROL_SOURCE
from notifier.store.rows import HEALTH_COLUMNS

WAITING, DELIVERED, DEAD, SUPERSEDED = "waiting", "delivered", "dead", "superseded"


# --- what is due


async def test_where_nothing_is_owed_nothing_is_due(store):
    assert await store.due(NOW, {"app": 10, "none": 10}) == ([], None)
    assert await store.due(NOW, {}) == ([], None)


async def test_what_is_due_comes_with_all_that_sending_needs(store):
    await announce(store, event(7, 3, "upload.failed", body=b"\x00\xff"))
    (one,) = await due(store)
    assert (one.event, one.type, one.endpoint, one.lane, one.sequence) == ("evt_7_3", "upload.failed", "app", 7, 3)
    assert (one.slots, one.attempts, one.due_at, one.created_at, one.body) == (0, 0, NOW, NOW, b"\x00\xff")
    assert (one.source, one.upload) == ("posts", "u7")


async def test_each_delivery_has_the_bytes_of_the_format_that_its_endpoint_wanted_when_it_was_announced(store):
    cloud = replace(NONE, format="cloudevents")
    await announce(store, event(7, 1, body=b"plain", renderings={"cloudevents": b"cloud"}), to=(APP, cloud))
    await announce(store, event(8, 1, body=b"later"), to=(APP, NONE))  # the config is another one now
    found, _ = await store.due(NOW, {"app": 10, "none": 10})
    assert {(one.endpoint, one.format, one.body) for one in found} == {
        ("app", "standard", b"plain"),
        ("none", "cloudevents", b"cloud"),
        ("app", "standard", b"later"),
        ("none", "standard", b"later"),
    }


async def test_only_the_first_of_a_lane_may_go(store):
    await announce(store, event(1, 1), event(2, 1), event(1, 2), event(-1, 1))
    assert ids(await due(store)) == ["evt_1_1", "evt_2_1", "evt_-1_1"]


async def test_a_limit_holds_for_each_endpoint(store):
    await announce(store, *(event(lane, 1) for lane in range(1, 9)), to=(APP, NONE))
    found, _ = await store.due(NOW, {"app": 2, "none": 3})
    assert sorted(one.endpoint for one in found) == ["app"] * 2 + ["none"] * 3


async def test_what_was_announced_together_is_due_event_by_event(store):
    await announce(store, event(1, 1), event(2, 1), to=(APP, NONE))
    found, _ = await store.due(NOW, {"none": 2, "app": 2})
    assert [(one.lane, one.endpoint) for one in found] == [(1, "app"), (None, "none"), (2, "app"), (None, "none")]


async def test_what_was_due_first_goes_first(store):
    later = endpoint("none", order=NONE.order, schedule=(60.0,))
    await announce(store, event(1, 1), to=(later,))
    await announce(store, event(2, 1), event(3, 1), to=(NONE,))
    assert ids(await due(store, "none", NOW + 60)) == ["evt_2_1", "evt_3_1", "evt_1_1"]


async def test_the_next_moment_is_that_of_a_head_alone_and_of_the_endpoints_asked_for(store):
    await announce(store, event(1, 1), event(1, 2), event(2, 1))
    await announce(store, event(3, 1), to=(NONE,))
    first, second = await due(store)
    await store.record([retried(first, 60), retried(second, 30)])
    assert await store.due(NOW, {"app": 10}) == ([], NOW + 30)
    assert await store.due(NOW + 30, {"app": 0}) == ([], NOW + 60)
    found, later = await store.due(NOW, {"app": 10, "none": 10})
    assert (ids(found), later) == (["evt_3_1"], NOW + 30)


async def test_what_is_counted(store):
    assert await store.counts() == {"uploads": 0, "waiting": 0}
    await follow(store, [upload("u1"), upload("u2")])
    await announce(store, event(1, 1), event(1, 2), event(2, 1), to=(APP, NONE))
    assert await store.counts() == {"uploads": 2, "waiting": 6}
    await store.record([result(one) for one in await due(store)])
    assert await store.counts() == {"uploads": 2, "waiting": 4}


# --- what comes of attempts


async def test_results_are_recorded_in_a_batch_and_the_next_of_each_lane_may_go(store):
    await announce(store, event(1, 1), event(1, 2), event(2, 1), event(2, 2))
    await store.record([result(one) for one in await due(store)])
    assert ids(await due(store)) == ["evt_1_2", "evt_2_2"]
    assert await deliveries(store, "phase, head, due_at, settled_at, attempts, slots") == [
        (DELIVERED, 0, None, NOW + 0.5, 1, 1),
        (WAITING, 1, NOW, None, 0, 0),
        (DELIVERED, 0, None, NOW + 0.5, 1, 1),
        (WAITING, 1, NOW, None, 0, 0),
    ]


async def test_an_attempt_is_kept_with_what_came_of_it(store):
    await announce(store, event(1, 1))
    (one,) = await due(store)
    first = retried(one)
    await store.record([first._replace(attempt=first.attempt._replace(phases={"dns": 0.25, "connect": 0.0000001}))])
    (one,) = await due(store, now=NOW + 60)
    assert (one.attempts, one.slots) == (1, 1)
    await store.record([result(one)])
    assert [tuple(row) for row in await store.database.rows("SELECT * FROM attempts")] == [
        (1, 1, NOW, 0.5, '{"dns": 0.25, "connect": 0.0}', "http_5xx", 503, "note", "head"),
        (1, 2, NOW, 0.5, "{}", "delivered", 200, "note", "head"),
    ]


async def test_what_waits_again_keeps_its_lane_waiting(store):
    await announce(store, event(1, 1), event(1, 2))
    (one,) = await due(store)
    await store.record([retried(one)])
    assert await due(store) == []
    assert ids(await due(store, now=NOW + 60)) == ["evt_1_1"]


async def test_after_a_dead_one_its_lane_goes_on(store):
    await announce(store, event(1, 1), event(1, 2))
    (one,) = await due(store)
    await store.record([result(one, Phase.DEAD)])
    assert ids(await due(store)) == ["evt_1_2"]
    assert await deliveries(store, "phase, head, due_at") == [(DEAD, 0, None), (WAITING, 1, NOW)]


async def test_a_result_that_cannot_be_written_leaves_all_of_its_batch_due(store):
    await announce(store, event(1, 1), event(2, 1))
    first, second = await due(store)
    with pytest.raises(Exception, match=r"attempts\.delivery"):
        await store.record([result(first), result(second), result(second)])
    assert await due(store) == [first, second]
    assert await store.database.rows("SELECT * FROM attempts") == []


async def test_without_order_each_is_for_itself(store):
    await announce(store, event(1, 1), event(1, 2), to=(NONE,))
    first, second = await due(store, "none")
    assert (first.lane, second.lane) == (None, None)
    await store.record([retried(first), result(second)])
    assert ids(await due(store, "none", NOW + 60)) == ["evt_1_1"]


async def test_an_endpoint_that_begins_to_ask_for_order_has_it_from_there_on(store):
    await announce(store, event(1, 1), to=(NONE,))
    await announce(store, event(1, 2), event(1, 3), to=(endpoint("none"),))
    assert ids(await due(store, "none")) == ["evt_1_1", "evt_1_2"]


async def test_an_endpoint_that_asks_for_order_no_more_is_rid_of_it_from_there_on(store):
    await announce(store, event(1, 1), event(1, 2), to=(APP,))
    await announce(store, event(1, 3), to=(endpoint("app", order=NONE.order),))
    assert ids(await due(store)) == ["evt_1_1", "evt_1_3"]


# --- the latest alone


async def phases(store):
    return await deliveries(store, "phase, head, replaced_by")


async def test_a_newer_status_replaces_everything_older_that_waits(store):
    types = ("upload.queued", "upload.updated", "upload.stalled")
    await announce(store, *(event(1, n, type_) for n, type_ in enumerate(types, 1)), event(2, 1), to=(LATEST,))
    await announce(store, event(1, 4, "upload.completed"), to=(LATEST,))
    assert await phases(store) == [
        (SUPERSEDED, 0, 5), (SUPERSEDED, 0, 5), (SUPERSEDED, 0, 5), (WAITING, 1, None), (WAITING, 1, None),
    ]  # fmt: skip
    assert ids(await due(store, "latest")) == ["evt_2_1", "evt_1_4"]


async def test_it_replaces_what_was_tried_before_too(store):
    await announce(store, event(1, 1), to=(LATEST,))
    await store.record([retried(*await due(store, "latest"))])
    await announce(store, event(1, 2), to=(LATEST,))
    assert ids(await due(store, "latest")) == ["evt_1_2"]


async def test_a_newer_detail_replaces_older_details_alone(store):
    await announce(
        store, event(1, 1, "upload.queued"), event(1, 2, "upload.updated"), event(1, 3, "upload.updated"), to=(LATEST,)
    )
    assert await phases(store) == [(WAITING, 1, None), (SUPERSEDED, 0, 3), (WAITING, 0, None)]


async def test_where_the_head_is_replaced_the_next_of_the_lane_may_go(store):
    types = ("upload.updated", "upload.stalled", "upload.updated")
    await announce(store, *(event(1, n, type_) for n, type_ in enumerate(types, 1)), to=(LATEST,))
    assert await phases(store) == [(SUPERSEDED, 0, 3), (WAITING, 1, None), (WAITING, 0, None)]
    assert ids(await due(store, "latest")) == ["evt_1_2"]


@pytest.mark.parametrize("type_", ["upload.stalled", "source.failing"])
async def test_what_is_no_status_and_no_detail_replaces_nothing(store, type_):
    await announce(store, event(1, 1), event(1, 2, type_), to=(LATEST,))
    assert await phases(store) == [(WAITING, 1, None), (WAITING, 0, None)]


async def test_what_is_delivered_is_not_replaced(store):
    await announce(store, event(1, 1), to=(LATEST,))
    await store.record([result(*await due(store, "latest"))])
    await announce(store, event(1, 2), to=(LATEST,))
    assert await phases(store) == [(DELIVERED, 0, None), (WAITING, 1, None)]


async def test_a_strict_endpoint_replaces_nothing(store):
    await announce(store, event(1, 1), event(1, 2), to=(APP,))
    assert await phases(store) == [(WAITING, 1, None), (WAITING, 0, None)]


async def test_what_was_replaced_while_on_its_way_and_arrived_is_delivered(store):
    await announce(store, event(1, 1), to=(LATEST,))
    (one,) = await due(store, "latest")
    await announce(store, event(1, 2), to=(LATEST,))
    await store.record([result(one)])
    assert await phases(store) == [(DELIVERED, 0, None), (WAITING, 1, None)]
    assert ids(await due(store, "latest")) == ["evt_1_2"]


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.DEAD])
async def test_what_was_replaced_while_on_its_way_and_failed_is_not_tried_again_but_counted(store, phase):
    await announce(store, event(1, 1), to=(LATEST,))
    (one,) = await due(store, "latest")
    await announce(store, event(1, 2), to=(LATEST,))
    await store.record([result(one, phase, NOW + 5 if phase is Phase.WAITING else None)])
    assert await deliveries(store, "phase, head, replaced_by, attempts") == [
        (SUPERSEDED, 0, 2, 1),
        (WAITING, 1, None, 0),
    ]
    assert len(await store.database.rows("SELECT * FROM attempts")) == 1


# --- whatever happens

TYPES = ("upload.queued", "upload.completed", "upload.updated", "upload.stalled")


@pytest.mark.parametrize("seed", range(6))
async def test_a_lane_has_one_head_and_it_is_its_first(store, seed):
    """Announcements and results in any order, some requests on their way across announcements."""
    chance = random.Random(seed)
    in_flight, sequence, told = {}, {}, {}
    for _ in range(120):
        if chance.random() < 0.4:
            lane = chance.randint(1, 3)
            sequence[lane] = sequence.get(lane, 0) + 1
            await announce(store, event(lane, sequence[lane], chance.choice(TYPES)), to=ENDPOINTS)
        for name in ("app", "latest", "none"):
            for one in await due(store, name, NOW + 1000):
                lanes = {(other.endpoint, other.lane) for other in in_flight.values() if other.lane is not None}
                if one.id not in in_flight and (name, one.lane) not in lanes and chance.random() < 0.3:
                    in_flight[one.id] = one
        ended = [one for one in in_flight.values() if chance.random() < 0.4]
        results = [chance.choice([result(one), retried(one), result(one, Phase.DEAD)]) for one in ended]
        await store.record(results)
        for one, came in zip(ended, results, strict=True):
            del in_flight[one.id]
            if came.next.phase is Phase.DELIVERED and one.lane is not None:
                told.setdefault((one.endpoint, one.lane), []).append(one.sequence)
        await check_heads(store)
    assert all(numbers == sorted(set(numbers)) for numbers in told.values())
    assert told


async def check_heads(store):
    waiting = await deliveries(store, "endpoint, lane, sequence, head", "phase = 'waiting'")
    assert all(head for _, lane, _, head in waiting if lane is None)
    for lane in {row[:2] for row in waiting if row[1] is not None}:
        rows = sorted(row[2:] for row in waiting if row[:2] == lane)
        assert [head for _, head in rows] == [1] + [0] * (len(rows) - 1)


# --- how the endpoints fare

FARES = Health(
    sequence=1, succeeded_at=NOW - 9, failing_since=NOW - 5, failures=3, failure="answers 503", quiet_until=NOW + 1,
    throttles=2, probe_at=NOW + 30, trips=4, ramp=1,
)  # fmt: skip
PAUSED = replace(FARES, probe_at=None, trips=0, paused=Pause.GONE, paused_at=NOW, url_digest="x y", untold=True)
OPS = endpoint("latest")
NOTICE = Notice("endpoint.paused", "app", 2, Reason("gone", "text"), since=NOW, at=NOW)


def standing(health=FARES, **more) -> Standing:
    return Standing(**{"endpoint": "app", "health": health, "tat": NOW, "at": NOW, **more})


@pytest.mark.parametrize("health", [FARES, PAUSED, Health(ramp=3)])
async def test_how_an_endpoint_fares_is_remembered(store, health):
    await store.record([], [standing(health)])
    assert await store.healths() == {"app": (health, NOW), "latest": (Health(), 0.0), "none": (Health(), 0.0)}


async def test_who_fares_so_is_still_enrolled_by_the_same_number(store):
    await store.record([], [standing(PAUSED)])
    await store.enrol({"posts": "fake"}, ["new", "app"])
    assert (await store.healths())["app"] == (PAUSED, NOW)
    assert set(await store.healths()) == {"app", "latest", "none", "new"}


async def test_a_standing_and_the_results_that_led_to_it_are_one_commit(store):
    await announce(store, event(1, 1))
    (one,) = await due(store)
    with pytest.raises(sqlite3.IntegrityError):
        await store.record([retried(one)], [standing(replace(FARES, ramp=0))])
    assert await due(store) == [one]
    assert (await store.healths())["app"] == (Health(), 0.0)


async def test_what_is_told_of_an_endpoint_is_owed_in_the_same_commit_with_the_count_of_that_moment(store):
    await announce(store, event(1, 1), event(1, 2), event(2, 1))
    first, _ = await due(store)
    await store.record([result(first)], [standing(PAUSED, notice=NOTICE, onlookers=(OPS,))])
    (told,) = await due(store, "latest")
    assert (told.type, told.lane, told.sequence, told.source, told.upload) == (
        "endpoint.paused", -(2**31) - 1, 2, None, None,
    )  # fmt: skip
    assert json.loads(told.body)["data"] == {
        "endpoint": "app",
        "reason": {"code": "gone", "text": "text"},
        "waiting": 2,
        "since": "2027-01-15T08:00:00.000Z",
    }
    assert await store.waiting("app") == 2


async def test_what_is_told_twice_is_refused_with_all_that_came_along(store):
    await announce(store, event(1, 1))
    await store.record([], [standing(PAUSED, notice=NOTICE)])
    (one,) = await due(store)
    with pytest.raises(sqlite3.IntegrityError):
        await store.record([result(one)], [standing(PAUSED, notice=NOTICE)])
    assert await due(store) == [one]


async def test_where_an_endpoint_comes_back_all_that_waits_is_due_in_the_order_of_its_announcement(store):
    for lane in (1, 2, 3, 4):
        await announce(store, event(lane, 1, at=NOW - 100 + lane), to=(APP, NONE))
    one, two, three, _ = await due(store)
    blamed = retried(three, 10)._replace(next=Next(Phase.WAITING, 1, NOW + 10, blamed=True))
    await store.record([retried(one, 3600), retried(two, 60), blamed])
    for name in ("none", "app"):
        await store.record([], [standing(endpoint=name, revives=name == "app")])
    assert ids(await due(store)) == ["evt_1_1", "evt_2_1", "evt_4_1"]
    assert await deliveries(store, "due_at, slots", "endpoint = 1") == [
        (NOW - 99, 1), (NOW - 98, 1), (NOW + 10, 1), (NOW - 96, 0),
    ]  # fmt: skip


async def test_what_waits_behind_another_is_not_kept_waiting_by_its_own_slot_either(store):
    await announce(store, event(1, 1), event(1, 2))
    await store.record([result(*await due(store))])
    await store.record([retried(*await due(store), after=36000)])
    replay = await store.ask(Selection(endpoint="app"), 10.0, NOW + 1)
    await store.owe_again(replay.id, 10, NOW + 1)
    await store.record([], [standing(revives=True, at=NOW + 2)])
    await store.record([result(*await due(store, now=NOW + 2))])
    assert ids(await due(store, now=NOW + 2)) == ["evt_1_2"]


async def test_an_attempt_at_what_is_kept_no_longer_is_forgotten_and_those_beside_it_are_not(store):
    await announce(store, event(1, 1), event(2, 1))
    dropped, other = await due(store)
    await store.drop([dropped.id], "a person", NOW)
    await store.prune_events(NOW + 1, Place(), 10)
    await store.record([result(dropped), result(other)])
    assert await deliveries(store, "id, phase") == [(other.id, "delivered")]
    assert (await store.database.rows("SELECT delivery FROM attempts"))[0][0] == other.id


async def test_who_was_to_blame_once_is_not_for_ever(store):
    await announce(store, event(1, 1))
    (one,) = await due(store)
    blamed = retried(one)._replace(next=Next(Phase.WAITING, 1, NOW, blamed=True))
    await store.record([blamed])
    await store.record([retried(*await due(store), after=60)])
    await store.record([], [standing(revives=True)])
    assert ids(await due(store)) == ["evt_1_1"]


# --- what is given up

CAUSES = [(Cause.INTERNAL, DEAD), (Cause.UNWANTED_EVENT, "dropped"), (Cause.UNWANTED_SOURCE, "dropped")]


@pytest.mark.parametrize(("cause", "phase"), CAUSES)
async def test_what_is_given_up_without_an_attempt_says_why_and_lets_its_lane_go_on(store, cause, phase):
    await announce(store, event(1, 1), event(1, 2), to=(APP, NONE))
    for name in ("app", "none"):
        (first, *_) = await due(store, name)
        await store.record([], [], [GivenUp(first, cause, NOW + 1)])
    assert (
        await deliveries(store, "phase, cause, due_at, settled_at, attempts, head", "sequence = 1")
        == [(phase, cause.value, None, NOW + 1, 0, 0)] * 2
    )
    assert ids(await due(store)) == ids(await due(store, "none")) == ["evt_1_2"]


async def test_what_was_replaced_meanwhile_is_not_given_up(store):
    await announce(store, event(1, 1), to=(LATEST,))
    (one,) = await due(store, "latest")
    await announce(store, event(1, 2), to=(LATEST,))
    await store.record([], [], [GivenUp(one, Cause.INTERNAL, NOW)])
    assert await phases(store) == [(SUPERSEDED, 0, 2), (WAITING, 1, None)]


async def test_a_dead_one_says_why(store):
    await announce(store, event(1, 1))
    (one,) = await due(store)
    await store.record([result(one, Phase.DEAD)._replace(next=Next(Phase.DEAD, 1, cause=Cause.SCHEDULE))])
    assert await deliveries(store, "phase, cause") == [(DEAD, "schedule")]


# --- a clock that was wrong

LATEST_APP = {"app": [NOW, NOW + 6.0, NOW + 360.0]}
"""When a delivery may be due at the latest, by the slots that it has used."""


async def due_times(store):
    return [due_at - NOW for (due_at,) in await deliveries(store, "due_at", "phase = 'waiting'")]


async def test_what_waits_for_longer_than_it_can_is_brought_forward_first_of_its_lane_or_not(store):
    await announce(store, event(1, 1, at=NOW + 1e8), event(1, 2, at=NOW + 1e8), event(2, 1, at=NOW + 1.0))
    assert ids(await due(store)) == []
    assert await store.bring_forward(LATEST_APP, NOW) == 3
    assert await due_times(store) == [0.0, 0.0, 0.0]
    assert ids(await due(store)) == ["evt_1_1", "evt_2_1"]


async def test_how_long_a_delivery_may_wait_goes_by_the_slots_that_it_has_used(store):
    await announce(store, *(event(lane, 1) for lane in range(1, 6)))
    for slots, used in enumerate(await due(store), 0):
        for _ in range(slots):
            (one,) = [one for one in await due(store) if one.id == used.id]
            await store.record([retried(one, 0.0)])
    await write(store, f"UPDATE deliveries SET due_at = {NOW + 1e8}")
    assert await store.bring_forward(LATEST_APP, NOW) == 5
    assert await due_times(store) == [0.0, 6.0, 360.0, 360.0, 360.0]
    assert await store.bring_forward(LATEST_APP, NOW) == 0


async def test_what_waits_no_longer_than_it_can_or_is_over_stays_as_it_is(store):
    await announce(store, event(1, 1), event(2, 1), event(3, 1))
    first, second, _ = await due(store)
    await store.record([retried(first, 6.0), result(second)])
    before = await deliveries(store, "phase, due_at")
    assert await store.bring_forward(LATEST_APP, NOW) == 0
    assert await deliveries(store, "phase, due_at") == before


async def test_what_is_owed_to_others_is_not_brought_forward(store):
    await announce(store, event(1, 1, at=NOW + 1e8), to=(APP, NONE))
    assert await store.bring_forward({}, NOW) == 0
    assert await store.bring_forward({**LATEST_APP, "latest": [NOW]}, NOW) == 1
    assert await due_times(store) == [0.0, 1e8]


@pytest.mark.parametrize("jump", [86400.0, -36000.0])
async def test_what_waits_for_an_attempt_moves_with_the_clock_and_what_was_due_is_due(store, jump):
    await announce(store, *(event(lane, 1) for lane in range(1, 5)), to=(APP, LATEST))
    await announce(store, event(5, 1), to=(replace(LATEST, schedule=(7.0,)),))  # no attempt yet
    overdue, retry, other, _ = await due(store)
    of_another, *_ = await due(store, "latest")
    retries = [retried(overdue, -6.0), retried(retry, 5.0), retried(other, 400.0), retried(of_another, 5.0)]
    await store.record(retries)
    later = NOW + jump
    await store.bring_forward({"app": [later, later + 6.0]}, later, jump)
    waits = [due_at - later for (due_at,) in await deliveries(store, "due_at", "attempts > 0 OR lane = 5")]
    assert waits == [pytest.approx(-6.0 if jump < 0 else -6.0 - jump), 5.0, 5.0, 6.0, 7.0]
    assert len(await due(store, now=later)) == 2


async def write(store, statement):
    await altered(store, statement)


# --- no query reads a whole table

ALLOWED = (
    "SCAN CONSTANT ROW",  # what is inserted
    "SCAN uploads USING COVERING INDEX",  # counts
    "SCAN uploads USING INDEX uploads_status",  # the same; of an expression SQLite says so from 3.41 on
    "SCAN deliveries USING INDEX deliveries_lane",  # what waits, and nothing else: counted, or moved with the clock
)
ONCE_AT_START = {
    "SELECT name, number FROM sources",
    "SELECT name, number FROM endpoints WHERE number > 0",
    "SELECT name, state FROM budgets",
    f"SELECT name, tat, {HEALTH_COLUMNS} FROM endpoints WHERE number > 0",
    ENROL_SOURCE.replace("?, ?", "'posts', 'fake'"),  # for events that lack their source, and not begun while none does
}


async def test_every_statement_finds_its_rows_by_an_index(store):
    asked = set()
    for connection in (store.database.reader, store.database._writer):
        await connection.set_trace_callback(asked.add)
    await store.enrol({"posts": "fake"}, ["app"])
    followed = await one_upload(store, snapshot=seen(), due_at=NOW)
    await announce(store, uploads=[followed])
    await store.believe_no_later({"posts": NOW}, NOW, NOW)
    await store.spend("account", Budget())
    await announce(store, lives={"post:0": Lives()})
    await announce(store, event(1, 1), event(1, 2), event(1, 3, "upload.updated"), to=ENDPOINTS)
    await store.record([result(one) for one in await due(store)] + [retried(*await due(store, "latest"))])
    await announce(store, event(2, 1))
    await store.record(
        [], [standing(revives=True, notice=NOTICE)], [GivenUp((await due(store))[0], Cause.INTERNAL, NOW)]
    )
    await store.healths()
    await store.bring_forward({"app": [NOW]}, NOW, 5.0)
    await store.counts()
    await store.by_status()
    await store.waiting("app")
    await store.known("posts", ["u1", "u2"])
    await store.outlook("posts", 9, NOW)
    for ask in (store.open_uploads, store.listed):
        await ask("posts")
    await store.lives(["posts"])
    await store.compared("posts", [seen()], '[["post", "u1", 5]]', NOW, alone=True)
    await store.budgets()
    for connection in (store.database.reader, store.database._writer):
        await connection.set_trace_callback(None)
    plans = {statement: await plan(store, statement) for statement in asked if statement.startswith(VERBS)}
    assert len(plans) > 25
    slow = [(statement, line) for statement, lines in plans.items() for line in lines if is_slow(statement, *line)]
    assert slow == []


VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def is_slow(statement, parent, line):
    """Whether a step reads a whole table, or sorts more than the few rows that were asked for."""
    if "SCAN" in line:
        return "VIRTUAL TABLE" not in line and not line.startswith(ALLOWED) and statement not in ONCE_AT_START
    return "TEMP B-TREE" in line and (parent or "json_each" not in statement)


async def plan(store, statement):
    rows = await store.database._writer.execute_fetchall(f"EXPLAIN QUERY PLAN {statement}")
    return [(row[1], row[3]) for row in rows]
