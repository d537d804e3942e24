"""What is kept no longer, what stays for ever, and that the file does not grow without end."""

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
    result,
    retried,
    seen,
    upload,
)

from notifier.core.diff import reduced
from notifier.core.model import Observation, Phase, Status, Target, TargetStatus
from notifier.core.replay import Selection
from notifier.store.database import LARGEST_LOG
from notifier.store.retention import Place

MONTH = 30 * 86400.0
THEN = NOW + 2 * MONTH
"""Long after everything has settled."""


async def events(store):
    return [row[0] for row in await store.database.rows("SELECT id FROM events ORDER BY position")]


async def prune_events(store, before, most=100):
    place = Place()
    while place is not None:
        place = await store.prune_events(before, place, most)


# --- deliveries


async def test_what_is_over_for_long_goes_with_its_attempts_and_what_is_owed_stays(store):
    await announce(store, *(event(lane, 1) for lane in range(1, 6)), event(1, 2))
    delivered, dead, dropped, retrying, _ = await due(store)
    await store.record([result(delivered), result(dead, Phase.DEAD), retried(dropped), retried(retrying)])
    await store.drop([dropped.id], "ann", NOW + 1)
    await prune_events(store, NOW + 0.5)
    assert len(await deliveries(store, "id")) == 6
    await prune_events(store, THEN)
    assert await deliveries(store, "id, phase") == [(2, "dead"), (4, "waiting"), (5, "waiting"), (6, "waiting")]
    assert [row[0] for row in await store.database.rows("SELECT delivery FROM attempts ORDER BY 1")] == [2, 4]


async def test_what_was_replaced_goes_too_and_all_of_a_long_row_at_once(store):
    for sequence in range(1, 10):
        await announce(store, event(1, sequence), to=(LATEST,))
    await prune_events(store, NOW)
    assert len(await events(store)) == 9
    await prune_events(store, NOW + 1, most=4)
    assert (await deliveries(store, "phase"), await events(store)) == ([("waiting",)], ["evt_1_9"])


@pytest.mark.parametrize(("most", "left"), [(1, [6, 5, 4, 3, 2, 1, 0]), (5, [5, 3, 1, 0]), (6, [4, 1, 0]), (99, [0])])
async def test_a_bite_takes_no_more_deliveries_than_it_may_or_those_of_one_event(store, most, left):
    await announce(store, *(event(lane, 1) for lane in range(1, 8)), to=(APP, NONE))
    for name in ("app", "none"):
        await store.record([result(one) for one in await due(store, name)])
    place, counts = Place(), []
    while place is not None:
        place = await store.prune_events(THEN, place, most)
        counts.append(len(await events(store)))
    assert [count for number, count in enumerate(counts) if count not in counts[:number]] == left


@pytest.mark.parametrize("order", [[APP, NONE], [NONE, APP]])
async def test_who_had_an_event_is_known_for_as_long_as_another_endpoint_keeps_it(store, order):
    (one,) = await follow(store, [upload("u1")])
    one = changed(one, seen(status=Status.COMPLETED), 1)
    await announce(store, event(one.media_id, 1), to=order, uploads=[one])
    await store.record([result(*await due(store)), result(*await due(store, "none"), Phase.DEAD)])
    await prune_events(store, THEN)
    assert {phase for (phase,) in await deliveries(store, "phase")} == {"delivered", "dead"}
    for endpoint, owed in ((APP, 0), (NONE, 1)):
        replay = await store.ask(Selection(endpoint=endpoint.name, latest=True), 10.0, THEN)
        assert (await store.owe_latest(replay.id, endpoint, 10, THEN)).count == owed


async def test_who_had_the_last_word_on_what_is_open_is_not_told_it_again(store):
    (one,) = await follow(store, [upload("u1")])
    one = changed(one, seen(status=Status.SCHEDULED), 1)
    await announce(store, event(one.media_id, 1), uploads=[one])
    await store.record([result(*await due(store))])
    await prune_events(store, THEN)
    for endpoint, owed in ((APP, 0), (NONE, 1)):
        replay = await store.ask(Selection(endpoint=endpoint.name, latest=True), 10.0, THEN)
        assert (await store.owe_latest(replay.id, endpoint, 10, THEN)).count == owed


@pytest.mark.parametrize("to_come", [False, True])
async def test_an_older_word_is_not_the_latest_where_a_later_one_is_kept_no_longer(store, to_come):
    (one,) = await follow(store, [upload("u1")])
    ends, wants = [Phase.DEAD, Phase.DELIVERED], ("upload.failed", "upload.completed")
    for sequence, status in enumerate((Status.FAILED, Status.COMPLETED, Status.QUEUED), start=1):
        one = changed(one, seen(status=status), sequence)
        said = event(one.media_id, sequence, f"upload.{status}")
        await announce(store, said, to=(APP,) if said.type in wants else (), uploads=[one])
        await store.record([result(each, ends[sequence - 1]) for each in await due(store)])
    await prune_events(store, THEN)
    assert await events(store) == ["evt_1_1", "evt_1_3"]
    endpoint = replace(NONE if to_come else APP, events=wants)
    replay = await store.ask(Selection(endpoint=endpoint.name, latest=True), 10.0, THEN)
    assert (await store.owe_latest(replay.id, endpoint, 10, THEN)).count == 0


async def test_what_a_clock_that_was_ahead_has_settled_goes_in_its_time(store):
    await announce(store, event(1, 1))
    await store.record([result(*await due(store))])
    await altered(store, "UPDATE deliveries SET settled_at = 1e12")
    await store.put_back(0.0, NOW)
    await prune_events(store, NOW + 1)
    assert await deliveries(store, "id") == []


async def test_what_a_clock_that_was_ahead_has_announced_or_owed_again_goes_in_its_time_too(store):
    await announce(store, event(1, 1, at=NOW + 9 * MONTH), to=())
    replay = await store.ask(Selection(endpoint="app"), 10.0, NOW + 9 * MONTH)
    await store.owe_again(replay.id, 10, NOW + 9 * MONTH)
    await store.put_back(9 * MONTH, NOW)
    await prune_events(store, NOW)
    assert await events(store) == ["evt_1_1"]
    await prune_events(store, NOW + 1)
    assert (await events(store), await store.prune_replays(NOW + 1, 9)) == ([], 1)


# --- events


async def test_an_event_goes_when_it_is_old_and_nothing_of_it_is_left(store):
    await announce(store, event(1, 1), event(2, 1), event(3, 1), event(4, 1, at=NOW + 60))
    await announce(store, event(5, 1), to=())
    await announce(store, event(-1, 1, "source.failing"), to=())
    first, second, third, fourth = await due(store, now=NOW + 60)
    await store.record([result(first), result(second, Phase.DEAD), retried(third), result(fourth)])
    await prune_events(store, NOW)
    assert len(await events(store)) == 6
    await prune_events(store, NOW + 60, most=2)
    assert await events(store) == ["evt_2_1", "evt_3_1", "evt_4_1"]
    await prune_events(store, THEN, most=2)
    assert await events(store) == ["evt_2_1", "evt_3_1"]


async def test_an_event_stays_for_as_long_as_it_is_named_by_what_it_replaced(store):
    await announce(store, event(1, 1), to=(LATEST, APP))
    await store.record([result(*await due(store), Phase.DEAD)])
    await announce(store, event(1, 2), to=(LATEST,))
    await store.record([result(*await due(store, "latest"))])
    await prune_events(store, THEN)
    assert await events(store) == ["evt_1_1", "evt_1_2"]
    (dead,) = await deliveries(store, "id", "phase = 'dead'")
    await store.drop([*dead], "ann", NOW + 1)
    await prune_events(store, THEN)
    assert await events(store) == []


async def test_the_last_word_on_what_is_open_stays_for_an_endpoint_to_come(store):
    (one,) = await follow(store, [upload("u1")])
    for status, sequence in ((Status.QUEUED, 1), (Status.SCHEDULED, 2)):
        one = changed(one, seen(status=status), sequence)
        await announce(store, event(one.media_id, sequence), to=(), uploads=[one])
    await prune_events(store, THEN)
    assert await events(store) == ["evt_1_2"]
    replay = await store.ask(Selection(endpoint="app", latest=True), 10.0, THEN)
    assert (await store.owe_latest(replay.id, APP, 10, THEN)).count == 1


async def test_positions_and_sequences_go_on_after_all_is_gone(store):
    (one,) = await follow(store, [upload("u1")])
    one = changed(one, seen(status=Status.FAILED), 1)
    await announce(store, event(one.media_id, 1), to=(), uploads=[one])
    await prune_events(store, THEN)
    await store.prune_uploads(THEN, 100)
    assert await events(store) == []
    ((known,),) = (await store.known("posts", ["u1"])).values()
    assert (known.media_id, known.sequence) == (1, 1)
    await announce(store, event(1, 2), to=())
    found, _, _ = await store.event("evt_1_2")
    assert found.position == 2


# --- uploads


def changed(one, snapshot, sequence, **more):
    return type(one)(
        **{
            **{name: getattr(one, name) for name in one.__slots__},
            "snapshot": snapshot,
            "sequence": sequence,
            "changed_at": NOW,
            "due_at": None,
            "fingerprint": 7,
            **more,
        }
    )


FULL = Observation(
    "post", "u1", Status.COMPLETED, "done", title="a film", url="https://example.com/1", progress=100.0,
    scheduled_at=NOW - 9, created_at=NOW - 8, updated_at=NOW - 7,
    targets=(Target("x", TargetStatus.COMPLETED, "ok", url="https://x.com/1"),),
)  # fmt: skip


async def test_an_upload_that_has_settled_and_rested_keeps_its_identity_and_its_status_alone(store):
    (one,) = await follow(store, [upload("u1", labels={"order": "A-17"}, ref="r", registered=True)])
    before = changed(one, FULL, 3)
    await announce(store, uploads=[before])
    assert await store.prune_uploads(NOW, 100) == 0
    assert await store.prune_uploads(NOW + 1, 100) == 1
    assert await store.prune_uploads(THEN, 100) == 0
    ((after,),) = (await store.known("posts", ["u1"])).values()
    assert after == changed(before, reduced(FULL), 3)


RESTING = {"snapshot": seen(status=Status.COMPLETED), "sequence": 1}


@pytest.mark.parametrize(
    "more",
    [
        {"snapshot": seen(status=Status.PROCESSING)},
        {"snapshot": seen(status=Status.DRAFT)},
        {"due_at": THEN},
        {"changed_at": THEN},
        {"snapshot": None, "misses": 3, "missing_since": NOW},
    ],
    ids=["open", "draft", "to be asked for", "moved since", "never seen"],
)
async def test_what_is_open_or_looked_at_or_has_moved_or_was_never_seen_stays_as_it_is(store, more):
    (one,) = await follow(store, [upload("u1")])
    await announce(store, uploads=[changed(one, **{**RESTING, **more})])
    before = await store.known("posts", ["u1"])
    assert await store.prune_uploads(THEN, 100) == 0
    assert await store.known("posts", ["u1"]) == before


async def test_one_that_was_never_told_rests_since_it_is_followed(store):
    (one,) = await follow(store, [upload("u1")])
    await announce(store, uploads=[changed(one, **RESTING, changed_at=None)])
    assert [await store.prune_uploads(at, 100) for at in (NOW, NOW + 1)] == [0, 1]


async def test_a_list_that_still_shows_it_says_nothing_new(store):
    (one,) = await follow(store, [upload("u1")])
    await announce(store, uploads=[changed(one, **RESTING)])
    await store.prune_uploads(THEN, 100)
    for print_, news in ((7, set()), (8, {0})):
        found = await store.compared("posts", [seen()], f'[["post", "u1", {print_}]]', THEN)
        assert found.fresh == news


# --- replays


async def test_a_replay_goes_when_it_is_done_for_long_and_nothing_of_it_is_left(store):
    await announce(store, event(1, 1), event(2, 1))
    await store.record([result(one, Phase.DEAD) for one in await due(store)])
    for id_ in ("evt_1_1", "evt_2_1"):
        replay = await store.ask(Selection(event=id_), 10.0, NOW + 5)
        await store.owe_again(replay.id, 10, NOW + 5)
    await store.ask(Selection(endpoint="app"), 10.0, NOW + 5)
    await store.record([result((await due(store, now=NOW + 5))[0])])
    assert await store.prune_replays(THEN, 100) == 0
    await prune_events(store, THEN)
    assert await store.prune_replays(NOW + 5, 100) == 0
    assert await store.prune_replays(THEN, 100) == 1
    assert [row[0] for row in await store.database.rows("SELECT id FROM replays")] == [2, 3]
    await store.record([result(one) for one in await due(store, now=NOW + 5)])
    await prune_events(store, THEN)
    assert await store.prune_replays(THEN, 100) == 1
    assert (await store.ask(Selection(endpoint="app"), 10.0, NOW)).id == 4  # no number is given twice


# --- the file


async def test_what_holds_nothing_is_given_back_bite_by_bite(store):
    await announce(store, *(event(lane, 1, body=bytes(4000)) for lane in range(1, 101)), to=())
    await store.write_back()
    large = store.database.path.stat().st_size
    await prune_events(store, THEN)
    bites = 1
    while await store.give_back(20):
        bites += 1
    await store.write_back()
    assert bites >= 5
    assert (await store.figures()).free == 0
    assert store.database.path.stat().st_size < large - 100 * 4000


async def test_a_log_that_grew_large_is_cut_when_it_is_written_back(store):
    log = store.database.path.with_name("notifier.db-wal")
    await announce(store, *(event(lane, 1, body=bytes(250_000)) for lane in range(1, 101)), to=())
    assert log.stat().st_size > LARGEST_LOG
    await store.write_back()
    await announce(store, event(1, 2), to=())
    assert log.stat().st_size <= LARGEST_LOG


async def cycle(store, number, uploads):
    """So many uploads come, are told to two endpoints, fail once, arrive, and are forgotten a month later."""
    now = NOW + number * MONTH
    new = [upload(f"{number:08}-4a6f-9f1d-a1b2-{n:012}", followed_at=now) for n in range(uploads)]
    followed = [
        changed(one, seen(one.id, Status.COMPLETED, title="a film" * 50), 1, changed_at=now)
        for one in await follow(store, new)
    ]
    told = [event(one.media_id, 1, at=now, body=bytes(1500), upload=one.id) for one in followed]
    await announce(store, *told, to=(APP, LATEST), uploads=followed)
    for name in ("app", "latest"):
        for _ in range(2):
            found = await due(store, name, now)
            await store.record([retried(one, now - NOW) if one.slots == 0 else result(one) for one in found])
    await forget(store, now + MONTH)


async def forget(store, before):
    await prune_events(store, before, 50)
    while await store.prune_uploads(before, 50):
        pass
    while await store.give_back(50):
        pass
    await store.write_back()


async def pages(store):
    ((count,),) = await store.database.rows("SELECT page_count FROM pragma_page_count")
    return count


LEFT_OF_AN_UPLOAD = 400
"""Bytes, with its places in the indices."""


async def test_the_file_does_not_grow_but_by_the_name_of_each_upload(store):
    await cycle(store, 0, 100)
    before = await pages(store)
    for number in range(1, 13):
        await cycle(store, number, 100)
    assert [await deliveries(store, "*"), await events(store)] == [[], []]
    assert await store.counts() == {"uploads": 1300, "waiting": 0}
    left = (await pages(store) - before) * 4096 / 1200
    assert left < LEFT_OF_AN_UPLOAD


async def test_the_file_does_not_grow_at_all_where_the_same_uploads_move_again_and_again(store):
    followed = await follow(store, [upload(f"u{n}") for n in range(1, 51)])
    sizes = []
    for sequence in range(1, 21):
        told = [event(one.media_id, sequence, body=bytes(1500)) for one in followed]
        await announce(store, *told, to=ENDPOINTS)
        for name in ("app", "latest", "none"):
            await store.record([result(one) for one in await due(store, name)])
        await forget(store, THEN)
        sizes.append(await pages(store))
    assert max(sizes[1:]) <= sizes[1]


async def test_every_statement_finds_its_rows_by_an_index(store):
    await cycle(store, 0, 50)
    async with overheard(store) as asked:
        await store.prune_events(NOW, Place(), 10)
        await store.prune_uploads(NOW, 10)
        await store.prune_replays(NOW, 10)
    assert len(asked) >= 9
    assert await slow(store, asked) == []


async def test_the_tables_are_not_measured_for_what_is_small_now_would_be_read_whole_when_it_is_large(store):
    await cycle(store, 0, 3)
    measured = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'"
    assert [tuple(row) for row in await store.database.rows(measured)] == [(0,)]
    async with overheard(store) as asked:
        await due(store)
    assert await slow(store, asked) == []
    await store.database.alone("ANALYZE")
    assert await slow(store, asked) != []
