"""What people ask: deliveries page by page, one with all its attempts, an event with its deliveries, figures."""

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
    due,
    event,
    follow,
    opened,
    result,
    retried,
    upload,
)

from notifier.core.events import Notice
from notifier.core.health import Health
from notifier.core.model import Cause, Outcome, Phase, Reason
from notifier.core.replay import Selection
from notifier.store import GivenUp, Standing, Store, UnknownNameError
from notifier.store.history import Queue

LATER = NOW + 1000


async def pages(store, most, **which):
    """All pages, as the ids of their deliveries."""
    found, before = [], None
    while True:
        page = await store.deliveries(before=before, most=most, **which)
        found.append([one.id for one in page.items])
        before = page.next
        if before is None:
            return found


async def mixed(store):
    """Deliveries 1 to 6: to app and none in turns; those to app are delivered, but for the last."""
    await announce(store, *(event(lane, 1) for lane in (1, 2, 3)), to=(APP, NONE))
    await store.record([result(one) for one in (await due(store))[:2]])


# --- deliveries


@pytest.mark.parametrize(
    ("which", "wanted"),
    [
        ({}, [6, 5, 4, 3, 2, 1]),
        ({"endpoint": "app"}, [5, 3, 1]),
        ({"endpoint": "none"}, [6, 4, 2]),
        ({"phase": Phase.WAITING}, [6, 5, 4, 2]),
        ({"endpoint": "app", "phase": Phase.DELIVERED}, [3, 1]),
        ({"endpoint": "app", "phase": Phase.DEAD}, []),
        ({"endpoint": "latest"}, []),
    ],
)
@pytest.mark.parametrize("most", [1, 2, 3, 100])
async def test_deliveries_are_listed_newest_first_page_by_page(store, which, wanted, most):
    await mixed(store)
    found = await pages(store, most, **which)
    assert [id_ for page in found for id_ in page] == wanted
    assert all(len(page) == most for page in found[:-1])
    assert found[-1] or not wanted


async def test_what_comes_between_two_pages_shifts_nothing(store):
    await mixed(store)
    first = await store.deliveries(most=2)
    await announce(store, event(9, 1), to=ENDPOINTS)
    second = await store.deliveries(before=first.next, most=2)
    assert [one.id for one in (*first.items, *second.items)] == [6, 5, 4, 3]


async def test_a_delivery_says_all_that_is_known_of_it(store):
    await announce(store, event(7, 3, "upload.queued"), to=(LATEST,))
    await announce(store, event(7, 4, "upload.failed"), to=(LATEST,))
    waiting, replaced = (await store.deliveries()).items
    about = (replaced.event, replaced.type, replaced.source, replaced.upload, replaced.endpoint, replaced.sequence)
    assert about == ("evt_7_3", "upload.queued", "posts", "u7", "latest", 3)
    assert (replaced.phase, replaced.settled_at, replaced.replaced_by) == (Phase.SUPERSEDED, NOW, "evt_7_4")
    assert (waiting.phase, waiting.due_at, waiting.created_at, waiting.slots) == (Phase.WAITING, NOW, NOW, 0)
    assert (waiting.dropped_by, waiting.replay, waiting.replaced_by) == (None, None, None)


async def test_a_delivery_says_what_its_last_attempt_met(store):
    await announce(store, event(1, 1))
    (untried,) = (await store.deliveries()).items
    assert (untried.outcome, untried.note) == (None, None)
    for at, note in ((0, "answers 503"), (60, "answers 502")):
        one = retried(*await due(store, now=NOW + at), at + 60)
        await store.record([one._replace(attempt=one.attempt._replace(note=note))])
    (waiting,) = (await store.deliveries()).items
    assert (waiting.phase, waiting.outcome, waiting.note) == (Phase.WAITING, Outcome.HTTP_5XX, "answers 502")


async def test_a_delivery_says_why_it_is_over_and_an_event_may_be_about_an_endpoint(store):
    await announce(store, event(1, 1))
    (one,) = await due(store)
    notice = Notice("endpoint.paused", "app", 1, Reason("gone", "text"), since=NOW, at=NOW)
    standing = Standing("app", Health(sequence=1), NOW, NOW, notice=notice, onlookers=[NONE])
    await store.record([], [standing], [GivenUp(one, Cause.UNWANTED_STATUS, NOW)])
    told, dropped = (await store.deliveries()).items
    assert (dropped.phase, dropped.cause, dropped.dropped_by) == (Phase.DROPPED, Cause.UNWANTED_STATUS, None)
    assert (told.type, told.source, told.upload, told.endpoint) == ("endpoint.paused", None, None, "none")
    assert (await store.event(told.event))[0].source is None


async def test_an_endpoint_that_nobody_knows_is_refused(store):
    with pytest.raises(UnknownNameError, match="'apq'"):
        await store.deliveries("apq")


async def test_a_delivery_comes_with_all_its_attempts_in_their_order(store):
    await announce(store, event(1, 1))
    for at in (0, 60, 120):
        await store.record([retried(*await due(store, now=NOW + at), at + 60)])
    await store.record([result(*await due(store, now=NOW + 180))])
    row, tried = await store.delivery(1)
    assert (row.id, row.phase, row.attempts) == (1, Phase.DELIVERED, 4)
    assert [(one.number, one.attempt.outcome) for one in tried] == [
        *((number, Outcome.HTTP_5XX) for number in (1, 2, 3)),
        (4, Outcome.DELIVERED),
    ]
    last = tried[-1].attempt
    assert (last.started_at, last.duration, last.status, last.note, last.excerpt) == (NOW, 0.5, 200, "note", "head")
    assert (row.outcome, row.note) == (Outcome.DELIVERED, "note")
    assert await store.delivery(2) is None


async def test_an_event_comes_with_its_deliveries(store):
    await announce(store, event(1, 1, body=b"\x00bytes", status="queued"), to=ENDPOINTS)
    await announce(store, event(-1, 1, "source.failing"), to=())
    found, body, owed = await store.event("evt_1_1")
    assert (found.id, found.type, found.source, found.upload) == ("evt_1_1", "upload.processing", "posts", "u1")
    assert (found.position, found.sequence, found.status, found.at, body) == (1, 1, "queued", NOW, b"\x00bytes")
    assert [one.endpoint for one in owed] == ["app", "latest", "none"]
    about, _, owed = await store.event("evt_-1_1")
    assert (about.upload, about.status, owed) == (None, None, [])
    assert await store.event("evt_9") is None


# --- events


async def told(store):
    """Events 1 to 7: of two uploads in turns, and one of their source; the last of an endpoint."""
    for upload_ in ("u1", "u2"):
        await follow(store, [upload(upload_)])
    for sequence in (1, 2):
        await announce(store, event(1, sequence, "upload.updated"), event(2, sequence))
    await announce(store, event(1, 3), event(-1, 1, "source.failing"), to=())
    notice = Notice("endpoint.paused", "app", 1, Reason("gone", "text"), since=NOW, at=NOW)
    await store.record([], [Standing("app", Health(sequence=1), 0.0, NOW, notice=notice)])


@pytest.mark.parametrize(
    ("which", "wanted"),
    [
        ({}, [7, 6, 5, 4, 3, 2, 1]),
        ({"type_": "upload.*"}, [5, 4, 3, 2, 1]),
        ({"type_": "upload.updated"}, [3, 1]),
        ({"type_": "notifier.*"}, []),
        ({"source": "posts"}, [6, 5, 4, 3, 2, 1]),
        ({"source": "posts", "type_": "source.*"}, [6]),
        ({"upload": "u1"}, [5, 3, 1]),
        ({"upload": "u2", "source": "posts", "type_": "*.processing"}, [4, 2]),
        ({"upload": "u9"}, []),
    ],
)
@pytest.mark.parametrize("most", [1, 2, 3, 100])
@pytest.mark.parametrize("looked_at", [1, 2, 100])
async def test_events_are_listed_newest_first_page_by_page_and_a_page_may_be_short(
    store, which, wanted, most, looked_at
):
    await told(store)
    found, before = [], None
    for _ in range(9):
        page = await store.events(before=before, most=most, looked_at=looked_at, **which)
        assert len(page.items) <= most
        found += [one.position for one in page.items]
        before = page.next
        if before is None:
            break
    assert (found, before) == (wanted, None)


async def test_an_event_in_a_list_says_what_it_is_about(store):
    await told(store)
    of_endpoint, of_source, of_upload = (await store.events(most=3)).items
    assert (of_endpoint.endpoint, of_endpoint.source, of_endpoint.upload) == ("app", None, None)
    assert (of_source.endpoint, of_source.source, of_source.upload) == (None, "posts", None)
    assert (of_upload.id, of_upload.source, of_upload.upload, of_upload.sequence) == ("evt_1_3", "posts", "u1", 3)


async def test_a_source_that_never_was_is_told_with_those_there_are(store, tmp_path):
    with pytest.raises(UnknownNameError, match="no source was ever called 'post': there are posts"):
        await store.events(source="post")
    empty = await Store.open(tmp_path / "empty.db")
    try:
        with pytest.raises(UnknownNameError, match="no source was ever called 'post': there is none"):
            await empty.events(source="post")
    finally:
        await empty.close()


# --- figures


async def test_figures_say_how_much_waits_and_is_dead_and_since_when(store):
    figures = await store.figures()
    assert figures.queues == [Queue(name, 0, 0, None) for name in ("app", "latest", "none")]
    await announce(store, event(1, 1, at=NOW - 50), event(2, 1, at=NOW - 20), to=(APP, NONE))
    await announce(store, event(3, 1), to=(APP,))
    await store.record([result(one, Phase.DEAD) for one in await due(store) if one.lane == 1])
    figures = await store.figures()
    assert figures.queues == [
        Queue("app", 2, 1, NOW - 20, NOW - 20),
        Queue("latest", 0, 0, None),
        Queue("none", 2, 0, NOW - 50, NOW - 50),
    ]


async def test_a_queue_goes_on_when_the_first_that_may_go_is_due(store):
    await announce(store, event(1, 1, at=NOW - 50), event(1, 2, at=NOW - 90))
    assert (await store.queues("app"))[0].due_at == NOW - 50


async def test_what_is_owed_again_is_as_old_as_its_replay(store):
    await announce(store, event(1, 1, at=NOW - 5000), event(2, 1, at=NOW - 4000))
    await store.record([result(one, Phase.DEAD) for one in await due(store)])
    replay = await store.ask(Selection(event="evt_1_1"), 10.0, LATER)
    await store.owe_again(replay.id, 10, LATER + 5)
    assert (await store.figures()).queues[0] == Queue("app", 1, 1, LATER, LATER + 5)
    await announce(store, event(3, 1, at=LATER - 7))
    assert (await store.figures()).queues[0] == Queue("app", 2, 1, LATER - 7, LATER - 7)


async def test_the_size_is_that_of_the_file_once_all_is_written_back(tmp_path):
    path = tmp_path / "notifier.db"
    async with opened(path) as store:
        await announce(store, *(event(lane, 1, body=bytes(5000)) for lane in range(1, 50)))
        figures = await store.figures()
    assert (figures.size, figures.free) == (path.stat().st_size, 0)
    async with opened(path) as store:
        await altered(store, "DELETE FROM deliveries")
        await altered(store, "DELETE FROM events")
        figures = await store.figures()
        assert 49 * 5000 < figures.free < figures.size == path.stat().st_size


async def test_an_endpoint_that_left_the_config_is_still_counted(tmp_path):
    async with opened(tmp_path / "notifier.db") as store:
        await announce(store, event(1, 1))
    store = await Store.open(tmp_path / "notifier.db")
    try:
        await store.enrol({"posts": "fake"}, ["crm"])
        queues = (await store.figures()).queues
        assert {one.endpoint: one.waiting for one in queues} == {"app": 1, "latest": 0, "none": 0, "crm": 0}
    finally:
        await store.close()


async def test_every_statement_finds_its_rows_by_an_index(store):
    await mixed(store)
    async with overheard(store) as asked:
        await store.deliveries()
        await store.deliveries("app", Phase.WAITING, before=9, most=2)
        await store.delivery(1)
        await store.event("evt_1_1")
        await store.figures()
        await store.queues("app")
        await store.events()
        await store.events("upload.*", "posts")
        await store.events("upload.*", "posts", "u1", before=9)
    assert len(asked) >= 12
    assert await slow(store, asked) == []


async def test_events_are_followed_from_a_position_on_a_bounded_part_of_the_log_at_a_time(store):
    newest = await store.newest()
    for looked_at in (1, 2, 100):
        after, seen = 0, []
        while True:
            found, reached = await store.events_after(after, "upload.*", most=2, looked_at=looked_at)
            seen += [(row.position, body) for row, body in found]
            assert all(after < row.position <= reached for row, _ in found)
            if reached == after:
                break
            after = reached
        page = await store.events("upload.*", most=1000)
        assert [position for position, _ in seen] == [row.position for row in page.items][::-1]
        assert after == newest
    for position, body in seen:
        (row,) = (await store.events(before=position + 1, most=1)).items
        assert (await store.event(row.id))[1] == body
    assert await store.events_after(newest) == ([], newest)
    with pytest.raises(UnknownNameError):
        await store.events_after(0, source="post")
