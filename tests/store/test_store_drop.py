"""What is given up: who did it and when is kept, the history too, and the lane goes on."""

import sqlite3

import pytest
from planning import overheard, slow
from stored import APP, ENDPOINTS, NONE, NOW, announce, deliveries, due, event, ids, result, retried

from notifier.core.model import Phase
from notifier.store import UnknownNameError
from notifier.store.drop import OWED

LATER = NOW + 1000


async def test_what_waits_is_given_up_with_who_and_when_and_its_lane_goes_on(store):
    await announce(store, event(1, 1), event(1, 2))
    await store.record([retried(*await due(store))])
    assert await store.drop([1], "ann, by the control socket", LATER) == 1
    row, tried = await store.delivery(1)
    assert (row.phase, row.dropped_by, row.settled_at) == (Phase.DROPPED, "ann, by the control socket", LATER)
    assert (row.due_at, row.slots, row.attempts, len(tried)) == (None, 1, 1, 1)
    assert ids(await due(store)) == ["evt_1_2"]


async def test_what_is_dead_is_given_up_too_and_the_head_of_its_lane_stays(store):
    await announce(store, event(1, 1), event(1, 2), event(1, 3))
    await store.record([result(*await due(store), Phase.DEAD)])
    assert await store.drop([1], "ann", LATER) == 1
    assert await deliveries(store, "phase, head") == [("dropped", 0), ("waiting", 1), ("waiting", 0)]


async def test_what_is_delivered_or_unknown_cannot_be_given_up(store):
    await announce(store, event(1, 1), event(2, 1))
    first, second = await due(store)
    await store.record([result(first)])
    assert await store.drop([first.id, second.id, 99], "ann", LATER) == 1
    assert await store.drop([first.id, second.id, 99], "bob", LATER) == 0
    assert await deliveries(store, "phase, dropped_by") == [("delivered", None), ("dropped", "ann")]


async def test_nobody_gives_up_anything_unnamed(store):
    await announce(store, event(1, 1))
    with pytest.raises(sqlite3.IntegrityError, match="dropped_by <> ''"):
        await store.drop([1], "", LATER)
    assert ids(await due(store)) == ["evt_1_1"]


async def test_of_an_endpoint_the_newest_go_first_so_that_no_lane_goes_on_meanwhile(store):
    await announce(store, *(event(1, n) for n in range(1, 8)), to=(APP, NONE))
    for count, left in ((3, [1, 2, 3, 4]), (3, [1]), (1, [])):
        assert await store.drop_owed("app", OWED, "ann", LATER, 3) == count
        assert await deliveries(store, "sequence", "phase = 'waiting' AND lane = 1") == [(n,) for n in left]
        assert [one.sequence for one in await due(store)] == left[:1]
    assert await store.drop_owed("app", OWED, "ann", LATER, 3) == 0
    assert len(await due(store, "none")) == 7


async def test_what_is_given_up_is_counted_for_each_endpoint(store):
    await announce(store, event(1, 1), event(2, 1), to=(APP, NONE))
    await store.drop([1, 2, 3, 3], "ann", LATER)
    await store.drop_owed("none", OWED, "ann", LATER)
    await store.drop([1, 2, 3], "ann", LATER)
    assert store.dropped == {"app": 2, "none": 2}


async def test_of_one_phase_only_that_is_given_up(store):
    await announce(store, event(1, 1), event(2, 1))
    await store.record([result((await due(store))[0], Phase.DEAD)])
    assert await store.drop_owed("app", (Phase.DEAD,), "ann", LATER) == 1
    assert await deliveries(store, "phase") == [("dropped",), ("waiting",)]
    with pytest.raises(UnknownNameError, match="'apq'"):
        await store.drop_owed("apq", OWED, "ann", LATER)


@pytest.mark.parametrize("phases", [(), tuple(Phase), (Phase.DELIVERED,)])
async def test_only_what_is_owed_can_be_given_up(store, phases):
    with pytest.raises(ValueError, match="choose from waiting, dead"):
        await store.drop_owed("app", phases, "ann", LATER)


async def test_what_was_on_its_way_and_arrived_is_delivered_all_the_same(store):
    await announce(store, event(1, 1), event(1, 2))
    (one,) = await due(store)
    await store.drop([one.id], "ann", LATER)
    await store.record([result(one)])
    assert await deliveries(store, "phase, dropped_by, head") == [("delivered", None, 0), ("waiting", None, 1)]


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.DEAD])
async def test_what_was_on_its_way_and_failed_stays_dropped_and_the_attempt_counts(store, phase):
    await announce(store, event(1, 1))
    (one,) = await due(store)
    await store.drop([one.id], "ann", LATER)
    await store.record([result(one, phase, NOW + 5 if phase is Phase.WAITING else None)])
    assert await deliveries(store, "phase, dropped_by, attempts, due_at") == [("dropped", "ann", 1, None)]


async def test_every_statement_finds_its_rows_by_an_index(store):
    await announce(store, event(1, 1), event(1, 2), event(1, 3), to=ENDPOINTS)
    async with overheard(store) as asked:
        await store.drop([1], "ann", LATER)
        await store.drop_owed("app", OWED, "ann", LATER)
        await store.bury_left(LATER, LATER, 9)
    assert len(asked) > 5
    assert await slow(store, asked) == []
