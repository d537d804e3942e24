"""Which callbacks something is due for, found without a look at all others."""

from dataclasses import replace

import pytest
from planning import overheard, slow
from stored import NOW, announce, event, result, upload
from world import endpoint

from notifier.core.health import WELL
from notifier.core.model import Callback, Phase, Registration
from notifier.core.pauses import Pause
from notifier.store import Room, Standing, UnknownNameError

CALLBACK = Callback("https://app.example.com/1", "standard")
ONE, TWO = endpoint("notify:1"), endpoint("notify:2")


async def registered(store):
    """Two callbacks, each owed an event."""
    for n in (1, 2):
        url = f"https://app.example.com/{n}"
        await store.register([Registration("posts", f"u{n}", callback=replace(CALLBACK, url=url))], NOW)
    await announce(store, event(1, 1), to=(ONE,))
    await announce(store, event(2, 1, at=NOW + 5), to=(TWO,))


async def called(store, now=NOW + 5, places=9, each=9, formats=("standard",), **more):
    found, later, is_overdue = await store.called(now, Room(places, each, now, formats, **more))
    assert is_overdue
    return [one.callback.name for one in found], later


async def test_what_is_due_for_longest_is_called_first_and_what_is_due_later_tells_when(store):
    await registered(store)
    assert await called(store) == (["notify:1", "notify:2"], None)
    assert await called(store, now=NOW) == (["notify:1"], NOW + 5)
    assert await called(store, places=1) == (["notify:1"], None)
    assert await called(store, each=1) == (["notify:1"], None)
    assert await called(store, formats=("cloudevents",)) == ([], None)
    assert await called(store, busy=["notify:1"]) == (["notify:2"], None)
    assert await called(store, full=["https://app.example.com:443"]) == ([], None)


async def test_those_that_are_shut_off_paused_or_ask_for_time_wait(store):
    await registered(store)
    shut = replace(WELL, trips=1, probe_at=NOW + 60)
    paused = replace(WELL, paused=Pause.GONE, paused_at=NOW, url_digest="x")
    await store.record([], [Standing("notify:1", shut, 0.0, NOW), Standing("notify:2", paused, 0.0, NOW)])
    assert await called(store) == ([], NOW + 60)
    assert await called(store, now=NOW + 60) == (["notify:1"], None)
    await store.record([], [Standing("notify:2", replace(WELL, quiet_until=NOW + 90), 3.0, NOW)])
    assert await called(store, now=NOW + 70) == (["notify:1"], NOW + 90)
    assert await store.callbacks_shut() == ["notify:1", "notify:2"]
    assert (await store.callback("notify:2"))[1:] == (replace(WELL, quiet_until=NOW + 90), 3.0)
    with pytest.raises(UnknownNameError, match="no endpoint 'notify:3'"):
        await store.callback("notify:3")


async def test_what_is_owed_to_all_of_them_is_counted_together(store):
    await registered(store)
    assert await store.callbacks_queue() == ("notify:*", 2, 0, NOW, None)
    found, _ = await store.due(NOW, {"notify:1": 1})
    await store.record([result(found[0], Phase.DEAD)])
    assert await store.callbacks_queue() == ("notify:*", 1, 1, NOW + 5, None)
    assert [row.endpoint for row in (await store.deliveries()).items] == ["notify:2", "notify:1"]
    assert [row.endpoint for row in (await store.deliveries("notify:2")).items] == ["notify:2"]
    assert [row.phase for row in (await store.deliveries(phase=Phase.DEAD)).items] == [Phase.DEAD]
    assert [queue.waiting for queue in await store.queues("notify:2")] == [1]
    assert [queue.endpoint for queue in await store.callbacks_waiting()] == ["notify:2"]


async def test_every_statement_finds_its_rows_by_an_index(store):
    async with overheard(store) as asked:
        await registered(store)
        await called(store)
        await store.callback("notify:1")
        await store.callbacks_shut()
        await store.callbacks_queue()
        await store.callbacks_waiting()
        await store.deliveries()
        await store.bring_forward({"notify:*": [NOW]}, NOW)
        await store.prune_callbacks(0, 10)
    # What is due is grouped by callback; replays are few; of the index of those that are shut off all is wanted.
    expected = ("AS due_at FROM deliveries", "FROM replays", "INDEXED BY endpoints_shut", "DELETE FROM endpoints")
    assert [one for one in await slow(store, asked) if not any(words in one[0] for words in expected)] == []


async def test_one_place_is_told_whose_callback_is_which(store):
    await registered(store)
    (one,) = (await store.known("posts", ["u1"]))["u1"]
    assert one == upload(media_id=1, kind="", registered=True, due_at=NOW, callback=replace(CALLBACK, number=-1))
