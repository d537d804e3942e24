"""What is owed again: which deliveries, in which order, and how far it has come after a kill at any step."""

import json
from dataclasses import replace

import pytest
from planning import overheard, slow
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
    opened,
    result,
    retried,
    upload,
)
from world import Killed, endpoint

from notifier.core.model import Phase
from notifier.core.replay import Selection
from notifier.store import Store, UnknownNameError
from notifier.store.database import Database
from notifier.store.replay import LOOKED_AT

LATER = NOW + 1000
TO_APP = Selection(endpoint="app")


async def ended(store, phase=Phase.DELIVERED, name="app", now=NOW):
    """Everything that is owed comes to this end."""
    while found := await due(store, name, now, 1000):
        await store.record([result(one, phase) for one in found])


async def replayed(store, selection, most=1000, now=LATER):
    """Everything selected is owed again."""
    replay = await store.ask(selection, 10.0, now)
    while replay.done_at is None:
        replay = await store.owe_again(replay.id, most, now)
    return replay


# --- what becomes of a delivery


@pytest.mark.parametrize("phase", [Phase.DELIVERED, Phase.DEAD])
async def test_what_is_over_is_owed_again_with_all_of_its_schedule_and_its_history(store, phase):
    await announce(store, event(1, 1, body=b"\x00as it was"))
    await store.record([retried(*await due(store))])
    await ended(store, phase, now=NOW + 60)
    before = await store.delivery(1)
    replay = await replayed(store, TO_APP)
    (one,) = await due(store, now=LATER)
    assert (one.event, one.body, one.slots, one.attempts) == ("evt_1_1", b"\x00as it was", 0, 2)
    assert (one.due_at, one.created_at, one.replay) == (LATER, NOW, replay.id)
    assert (replay.count, replay.done_at) == (1, LATER)
    row, tried = await store.delivery(1)
    assert (row.phase, row.settled_at) == (Phase.WAITING, None)
    assert tried == before[1]
    await store.record([result(one)])
    assert [each.number for each in (await store.delivery(1))[1]] == [1, 2, 3]


async def test_what_was_never_owed_again_says_so(store):
    await announce(store, event(1, 1))
    assert [one.replay for one in await due(store)] == [None]


async def test_what_was_replaced_or_dropped_is_owed_again_too(store):
    await announce(store, event(1, 1, "upload.queued"), event(1, 2, "upload.completed"), to=(LATEST,))
    await announce(store, event(2, 1))
    await store.drop([3], "a person", NOW)
    assert [phase for (phase,) in await deliveries(store, "phase")] == ["superseded", "waiting", "dropped"]
    await replayed(store, Selection(endpoint="latest"))
    await replayed(store, TO_APP)
    assert await deliveries(store, "phase, replaced_by, dropped_by") == [("waiting", None, None)] * 3


async def test_a_second_replay_is_a_new_one(store):
    await announce(store, event(1, 1))
    for number in (1, 2, 3):
        await ended(store, now=LATER)
        replay = await replayed(store, Selection(event="evt_1_1"))
        assert (replay.id, replay.count) == (number, 1)
        assert ids(await due(store, now=LATER)) == ["evt_1_1"]


# --- which


async def over(store):
    """Two events to each of two endpoints, delivered to one, dead at the other; the second a minute later."""
    await announce(store, event(1, 1), event(2, 1, at=NOW + 60), to=(APP, NONE))
    await ended(store, Phase.DELIVERED, "app", NOW + 60)
    await ended(store, Phase.DEAD, "none", NOW + 60)


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (Selection(event="evt_1_1"), [1, 2]),
        (Selection(event="evt_1_1", endpoint="none"), [2]),
        (Selection(event="evt_1_1", phases=(Phase.DEAD,)), [2]),
        (Selection(event="evt_1_1", since=NOW + 1), []),
        (Selection(endpoint="app"), [1, 3]),
        (Selection(endpoint="app", since=NOW + 60), [3]),
        (Selection(endpoint="app", since=NOW + 61), []),
        (Selection(endpoint="app", phases=(Phase.DEAD, Phase.DROPPED)), []),
        (Selection(endpoint="none", phases=(Phase.DEAD,)), [2, 4]),
        (Selection(endpoint="latest"), []),
    ],
)
async def test_by_event_endpoint_time_and_phase(store, selection, wanted):
    await over(store)
    replay = await replayed(store, selection)
    assert await deliveries(store, "id", "phase = 'waiting'") == [(id_,) for id_ in wanted]
    assert (replay.count, replay.selection) == (len(wanted), selection)
    assert await store.unfinished() == []


async def test_what_waits_already_is_left_as_it_is(store):
    await announce(store, event(1, 1), event(2, 1))
    first, _ = await due(store)
    await store.record([retried(first, 500.0)])
    replay = await replayed(store, TO_APP)
    assert replay.count == 0
    assert await deliveries(store, "slots, due_at, replay") == [(1, NOW + 500, None), (0, NOW, None)]


async def test_what_is_over_only_afterwards_is_not_sent_twice(store):
    await announce(store, *(event(lane, 1) for lane in range(1, 6)))
    first, second, *others = await due(store)
    await store.record([result(first), result(second)])
    replay = await store.ask(TO_APP, 10.0, NOW + 1)
    await store.record([replace_start(result(one), NOW + 2) for one in others])
    await announce(store, event(9, 1))
    replay = await store.owe_again(replay.id, 100, NOW + 3)
    assert (replay.count, replay.done_at) == (2, NOW + 3)


def replace_start(result, at):
    return result._replace(attempt=result.attempt._replace(started_at=at))


async def test_what_a_clock_that_was_ahead_has_settled_is_owed_again_all_the_same(store):
    await announce(store, event(1, 1))
    await store.record([replace_start(result(*await due(store)), NOW + 1e8)])
    await store.put_back(0.0, NOW)
    replay = await store.ask(TO_APP, 10.0, NOW)
    assert (await store.owe_again(replay.id, 9, NOW)).count == 1


async def test_names_that_nobody_has_are_refused_with_those_that_are_there(store):
    with pytest.raises(UnknownNameError, match="no endpoint was ever called 'apq': there are app, latest, none"):
        await store.ask(Selection(endpoint="apq"), 10.0, NOW)
    with pytest.raises(UnknownNameError, match="no event 'evt_9' is kept"):
        await store.ask(Selection(event="evt_9"), 10.0, NOW)
    assert await store.unfinished() == []


async def test_an_endpoint_that_left_the_config_may_have_it_again_when_it_is_back(tmp_path):
    async with opened(tmp_path / "notifier.db") as store:
        await announce(store, event(1, 1))
        await ended(store)
    store = await Store.open(tmp_path / "notifier.db")
    try:
        await store.enrol({}, [])
        assert (await replayed(store, TO_APP)).count == 1
    finally:
        await store.close()


# --- step by step


async def many(store, count):
    for start in range(1, count + 1, 100):
        await announce(store, *(event(lane, 1) for lane in range(start, start + 100)))
    await ended(store, Phase.DEAD)


async def test_a_kill_between_any_two_steps_of_a_thousand_neither_skips_nor_repeats_one(tmp_path):
    path = tmp_path / "notifier.db"
    async with opened(path) as store:
        await many(store, 1000)
        await store.ask(TO_APP, 10.0, LATER)
    told, steps = [], 0
    while True:
        async with opened(path) as store:  # each time another process
            if not (waiting := await store.unfinished()):
                break
            steps += 1
            await store.owe_again(waiting[0].id, 73, LATER)
            found = await due(store, now=LATER, limit=1000)
            told += ids(found)
            await store.record([replace_start(result(one), LATER + 1) for one in found])
    assert steps == 14
    assert told == [f"evt_{lane}_1" for lane in range(1, 1001)]


class Fuse:
    """Burns through before the statement of this number, the commit being the last one."""

    def __init__(self, at):
        self.at = at

    def edge(self):
        self.at -= 1
        if self.at < 0:
            raise Killed


class FusedConnection:
    def __init__(self, connection, fuse):
        self._connection = connection
        self._fuse = fuse

    def __getattr__(self, name):
        self._fuse.edge()
        return getattr(self._connection, name)


class FusedDatabase(Database):
    fuse: Fuse

    async def write(self, work, *args):
        def fused(db, *args):
            result = work(FusedConnection(db, self.fuse), *args)
            self.fuse.edge()
            return result

        return await super().write(fused, *args)


async def test_a_kill_within_a_step_leaves_all_of_it_to_be_done(store):
    await announce(store, event(1, 1), event(2, 1))
    await ended(store)
    await announce(store, event(1, 2))
    replay = await store.ask(TO_APP, 10.0, LATER)
    before = await deliveries(store, "*"), await store.unfinished()
    edges = 0
    store.database.__class__ = FusedDatabase
    while True:
        store.database.fuse = Fuse(edges)
        try:
            replay = await store.owe_again(replay.id, 10, LATER)
        except Killed:
            assert (await deliveries(store, "*"), await store.unfinished()) == before
            edges += 1
        else:
            break
    assert (edges, replay.count) == (7, 2)
    assert [one.sequence for one in await due(store, now=LATER)] == [1, 1]


async def test_a_step_looks_at_a_page_and_no_further_whatever_matches(store):
    await many(store, 2 * LOOKED_AT)
    await announce(store, event(5000, 1, at=NOW + 60))
    await ended(store, Phase.DEAD, now=NOW + 60)
    replay = await store.ask(replace(TO_APP, since=NOW + 60), 10.0, LATER)
    for cursor, count in ((LOOKED_AT, 0), (2 * LOOKED_AT, 0), (2 * LOOKED_AT + 1, 1)):
        assert replay.done_at is None
        replay = await store.owe_again(replay.id, 10, LATER)
        assert (replay.cursor, replay.count) == (cursor, count)
    assert replay.done_at == LATER


async def test_several_phases_are_gone_through_together_in_the_order_of_the_deliveries(store):
    await announce(store, *(event(lane, 1) for lane in range(1, 9)))
    for one in await due(store):
        await store.record([result(one, Phase.DEAD if one.lane % 2 else Phase.DELIVERED)])
    replay = await store.ask(TO_APP, 10.0, LATER)
    for cursor in (3, 6, 8):
        replay = await store.owe_again(replay.id, 3, LATER)
        assert await deliveries(store, "id", "phase = 'waiting'") == [(id_,) for id_ in range(1, cursor + 1)]
    assert replay.done_at == LATER


# --- the order of a lane


async def heads(store):
    return await deliveries(store, "sequence, head", "phase = 'waiting'")


async def test_an_older_one_that_comes_back_goes_before_a_newer_one_that_waits(store):
    await announce(store, event(1, 1), event(1, 2))
    await ended(store)
    await announce(store, event(1, 3), event(1, 4))
    await replayed(store, TO_APP)
    assert await heads(store) == [(1, 1), (2, 0), (3, 0), (4, 0)]
    told = []
    while found := await due(store, now=LATER):
        told += [one.sequence for one in found]
        await store.record([result(one) for one in found])
    assert told == [1, 2, 3, 4]


@pytest.mark.parametrize("phase", [Phase.DELIVERED, Phase.WAITING, Phase.DEAD])
async def test_what_is_on_its_way_ends_as_it_may_and_the_older_one_goes_next(store, phase):
    await announce(store, event(1, 1))
    await ended(store)
    await announce(store, event(1, 2), event(1, 3))
    (on_its_way,) = await due(store)
    await replayed(store, TO_APP)
    await store.record([result(on_its_way, phase, LATER if phase is Phase.WAITING else None)])
    waits = [(2, 0)] if phase is Phase.WAITING else []
    assert await heads(store) == [(1, 1), *waits, (3, 0)]


async def test_without_order_each_comes_back_by_itself(store):
    await announce(store, event(1, 1), event(1, 2), to=(NONE,))
    await ended(store, name="none")
    await replayed(store, Selection(endpoint="none"))
    assert await heads(store) == [(1, 1), (2, 1)]


async def test_where_only_the_latest_counts_a_newer_status_replaces_what_was_owed_again(store):
    await announce(store, event(1, 1), to=(LATEST,))
    await ended(store, name="latest")
    await replayed(store, Selection(endpoint="latest"))
    await announce(store, event(1, 2), to=(LATEST,))
    assert await deliveries(store, "phase, head") == [("superseded", 0), ("waiting", 1)]


# --- owed again while an attempt of before is on its way


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.DEAD])
async def test_an_attempt_of_before_that_fails_takes_nothing_from_what_is_owed_again(store, phase):
    await announce(store, event(1, 1))
    (one,) = await due(store)
    await store.drop([one.id], "a person", NOW)
    replay = await replayed(store, TO_APP)
    assert replay.count == 1
    await store.record([result(one, phase, NOW + 5 if phase is Phase.WAITING else None)])
    assert await deliveries(store, "phase, slots, due_at, attempts, head") == [("waiting", 0, LATER, 1, 1)]
    assert [each.number for each in (await store.delivery(1))[1]] == [1]


async def test_an_attempt_of_before_that_arrives_has_delivered_it(store):
    await announce(store, event(1, 1), event(1, 2))
    one, *_ = await due(store)
    await store.drop([one.id], "a person", NOW)
    await replayed(store, TO_APP)
    await store.record([result(one)])
    assert await deliveries(store, "phase, head, dropped_by") == [("delivered", 0, None), ("waiting", 1, None)]


# --- the latest of each upload


async def latest(store, to, most=1000):
    replay = await store.ask(Selection(endpoint=to.name, latest=True), 10.0, LATER)
    while replay.done_at is None:
        replay = await store.owe_latest(replay.id, to, most, LATER)
    return replay


async def followed(store, count):
    """So many uploads, each of them announced as queued and then processing to nobody."""
    uploads = await follow(store, [upload(f"u{n}") for n in range(1, count + 1)])
    for one in uploads:
        told = [event(one.media_id, n, type_) for n, type_ in ((1, "upload.queued"), (2, "upload.processing"))]
        await announce(store, *told, to=(), uploads=[replace(one, sequence=2)])
    return uploads


async def test_a_new_endpoint_is_told_the_last_word_on_each_upload(store):
    await followed(store, 3)
    replay = await latest(store, APP)
    found = await due(store, now=LATER)
    assert [(one.lane, one.sequence, one.replay) for one in found] == [(lane, 2, replay.id) for lane in (1, 2, 3)]
    assert [one.created_at for one in found] == [LATER] * 3
    assert (await latest(store, APP)).count == 0


async def test_the_last_word_has_the_bytes_of_the_format_that_a_new_endpoint_wants(store):
    (one,) = await follow(store, [upload("u1")])
    body = b'{"timestamp":"2027-01-15T08:00:00.000Z","data":{"source":"posts"}}'
    await announce(store, event(one.media_id, 1, body=body), to=(), uploads=[replace(one, sequence=1)])
    cloud = endpoint("app", format="cloudevents")
    for _ in range(2):  # the second time the bytes are there
        await latest(store, cloud)
        (owed,) = await due(store, now=LATER)
        assert owed.format == "cloudevents"
        assert json.loads(owed.body)["source"] == "/sources/posts"
        assert json.loads(owed.body)["data"] == {"source": "posts"}
        assert json.loads(owed.body)["time"] == "2027-01-15T08:00:00.000Z"
        await store.record([result(owed, Phase.DEAD)])


async def test_without_order_the_latest_have_no_lane(store):
    await followed(store, 2)
    await latest(store, NONE)
    assert await deliveries(store, "lane, head") == [(None, 1), (None, 1)]


async def test_the_last_word_is_the_last_that_the_endpoint_wants(store):
    await followed(store, 1)
    chosen = endpoint("app", events=("upload.queued",))
    await latest(store, chosen)
    assert ids(await due(store, now=LATER)) == ["evt_1_1"]
    assert (await latest(store, endpoint("latest", sources=("others",)))).count == 0


async def test_a_statuses_filter_holds(store):
    (one,) = await follow(store, [upload("u1")])
    await announce(store, event(one.media_id, 1, status="queued"), to=(), uploads=[replace(one, sequence=1)])
    assert (await latest(store, endpoint("app", statuses=("failed",)))).count == 0
    assert (await latest(store, endpoint("app", statuses=("queued",)))).count == 1


@pytest.mark.parametrize(
    ("phase", "owed"),
    [(Phase.DELIVERED, 0), (Phase.WAITING, 0), (Phase.DEAD, 1), (Phase.DROPPED, 1)],
)
async def test_what_an_endpoint_has_or_is_about_to_have_is_not_owed_to_it(store, phase, owed):
    (one,) = await follow(store, [upload("u1")])
    await announce(store, event(1, 1), uploads=[replace(one, sequence=1)])
    (one,) = await due(store)
    if phase is Phase.DROPPED:
        await store.drop([one.id], "a person", NOW)
    elif phase is not Phase.WAITING:
        await store.record([result(one, phase)])
    assert (await latest(store, APP)).count == owed
    assert len(await deliveries(store, "id")) == 1
    assert ids(await due(store, now=LATER)) == (["evt_1_1"] if owed or phase is Phase.WAITING else [])


async def test_nothing_is_owed_where_a_later_word_waits_and_a_lane_stays_in_order(store):
    both = await follow(store, [upload("u1"), upload("u2")])
    await announce(store, event(1, 1), to=())
    await announce(store, event(1, 2))
    await announce(store, event(2, 1))
    await announce(store, event(2, 2), to=(), uploads=[replace(one, sequence=2) for one in both])
    assert (await latest(store, APP)).count == 1
    assert await deliveries(store, "lane, sequence, head") == [(1, 2, 1), (2, 1, 1), (2, 2, 0)]


async def test_what_is_left_of_an_upload_whose_last_word_is_kept_no_longer_is_owed_to_nobody(store):
    (one,) = await followed(store, 1)
    await announce(store, event(1, 3, "upload.completed"), to=(), uploads=[replace(one, sequence=3)])
    await altered(store, "DELETE FROM events WHERE sequence = 3")
    assert (await latest(store, APP)).count == 0


async def test_what_the_endpoint_wants_no_more_is_not_owed_again(store):
    await announce(store, event(1, 1, "upload.queued"), event(2, 1, "upload.failed"))
    await ended(store)
    replay = await store.ask(TO_APP, 10.0, LATER)
    narrow = {"app": replace(APP, events=("upload.failed",))}
    assert (await store.owe_again(replay.id, 10, LATER, narrow)).count == 1
    assert ids(await due(store, now=LATER)) == ["evt_2_1"]
    assert await deliveries(store, "phase") == [("delivered",), ("waiting",)]


async def test_the_latest_of_a_thousand_survives_a_kill_between_any_two_steps(tmp_path):
    path = tmp_path / "notifier.db"
    async with opened(path) as store:
        await followed(store, 30)
        replay = await store.ask(Selection(endpoint="app", latest=True), 10.0, LATER)
    steps = 0
    while replay.done_at is None:
        async with opened(path) as store:
            replay = await store.owe_latest(replay.id, APP, 7, LATER)
            steps += 1
    async with opened(path) as store:
        assert steps == 5
        assert ids(await due(store, now=LATER)) == [f"evt_{lane}_2" for lane in range(1, 31)]


# --- by index


# --- what would be owed again, and what no more


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (TO_APP, 2),
        (Selection(event="evt_1_1"), 3),
        (Selection(event="evt_1_1", endpoint="none"), 1),
        (Selection(endpoint="app", phases=(Phase.DEAD,)), 0),
        (Selection(endpoint="app", since=NOW + 1), 0),
    ],
)
async def test_what_would_be_owed_again_is_as_much_as_is_then(store, selection, count):
    await announce(store, event(1, 1), event(2, 1), to=ENDPOINTS)
    for name in ("app", "latest", "none"):
        await ended(store, name=name)
    assert await store.matching(selection, LATER, {}) == count
    assert (await replayed(store, selection)).count == count
    assert await store.matching(selection, LATER, {}) == 0  # it waits


async def test_what_would_be_owed_again_is_counted_over_any_number_of_pages(store):
    await announce(store, *(event(lane, 1) for lane in range(1, LOOKED_AT + 2)))
    await ended(store)
    assert await store.matching(TO_APP, LATER, {}) == LOOKED_AT + 1
    unwanted = {"app": endpoint("app", events=("source.*",))}
    assert await store.matching(TO_APP, LATER, unwanted) == 0


async def test_what_would_be_the_latest_is_counted_too(store):
    await followed(store, 2)
    await announce(store, event(1, 3), event(2, 3), to=())
    assert await store.matching(Selection(endpoint="app", latest=True), LATER, {"app": APP}) == 2


async def test_of_what_is_not_there_nothing_is_counted(store):
    with pytest.raises(UnknownNameError, match="no event 'evt_9' is kept"):
        await store.matching(Selection(event="evt_9"), LATER, {})
    with pytest.raises(UnknownNameError, match="no endpoint was ever called 'apq'"):
        await store.matching(Selection(endpoint="apq"), LATER, {})


async def test_a_replay_that_is_cancelled_owes_no_more_and_what_it_owed_stays_owed(store):
    await announce(store, event(1, 1), event(2, 1))
    await ended(store)
    replay = await store.ask(TO_APP, 10.0, LATER)
    await store.owe_again(replay.id, 1, LATER)
    assert await store.cancel(replay.id, LATER + 1)
    assert await store.unfinished() == []
    assert not await store.cancel(replay.id, LATER + 2)
    # A step that had begun to come found it going on.
    after = await store.owe_again(replay.id, 9, LATER + 3)
    assert (after.count, after.done_at) == (1, LATER + 1)
    assert ids(await due(store, now=LATER)) == ["evt_1_1"]
    with pytest.raises(UnknownNameError, match="no replay 9 is kept"):
        await store.cancel(9, LATER)


async def test_a_replay_of_the_latest_that_is_cancelled_owes_no_more(store):
    await followed(store, 1)
    await announce(store, event(1, 3), to=())
    replay = await store.ask(Selection(endpoint="app", latest=True), 10.0, NOW)
    await store.cancel(replay.id, LATER)
    assert (await store.owe_latest(replay.id, APP, 9, LATER + 1)).done_at == LATER
    assert await due(store, now=LATER) == []


async def test_replays_are_listed_newest_first_page_by_page(store):
    for _ in range(3):
        await store.ask(TO_APP, 10.0, NOW)
    first = await store.replays(most=2)
    assert ([one.id for one in first.items], first.next) == ([3, 2], 2)
    second = await store.replays(first.next, most=2)
    assert ([one.id for one in second.items], second.next) == ([1], None)


async def test_every_statement_finds_its_rows_by_an_index(store):
    async with overheard(store) as asked:
        await followed(store, 2)
        await announce(store, event(1, 3), event(1, 4), event(2, 3), to=ENDPOINTS)
        await ended(store, Phase.DEAD)
        await replayed(store, TO_APP)
        await replayed(store, Selection(event="evt_1_3"))
        await latest(store, NONE)
        await store.unfinished()
        await store.replays()
        await store.cancel(1, NOW)
        await store.matching(TO_APP, NOW, {})
        await store.put_back(1.0, NOW)
    assert len(asked) > 20
    assert [one for one in await slow(store, asked) if "FROM uploads" in one[0] or "deliveries" in one[0]] == []
