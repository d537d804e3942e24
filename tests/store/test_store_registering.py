"""What is followed by its name: one place for each, kept when it is followed no more."""

from dataclasses import replace

import pytest
from planning import overheard, slow
from stored import NOW, altered, announce, follow, one_upload, seen, upload

from notifier.core.model import Registration, Status
from notifier.store import SeveralError, UnknownNameError

LATER = NOW + 60
A = Registration("posts", "u1")


async def test_a_registration_takes_a_place_and_is_due_at_once(store):
    (came,) = await store.register([replace(A, kind="post", labels={"order": "A"})], NOW)
    assert came.is_new
    assert came.upload == upload(media_id=1, labels={"order": "A"}, registered=True, due_at=NOW)
    assert await store.named("posts", "u1") == came.upload


async def test_several_are_registered_at_once_or_none(store):
    await follow(store, [upload("u2", kind="video"), upload("u2", kind="image")])
    with pytest.raises(SeveralError, match="several uploads 'u2': say of which kind it is, image or video"):
        await store.register([A, replace(A, id="u2")], NOW)
    assert await store.known("posts", ["u1"]) == {}


async def test_what_is_due_under_an_id_that_none_can_have_is_asked_for_no_more(store):
    await store.register([A, replace(A, id="17")], NOW)
    known = await follow(store, [upload("seen", due_at=NOW)])
    await announce(store, uploads=[replace(known[0], snapshot=seen("seen"), due_at=NOW)])
    assert sorted(await store.align("posts", str.isdigit, discovers=True)) == ["seen", "u1"]
    assert await store.align("posts", str.isdigit, discovers=True) == []
    assert [(one.id, one.due_at) for one in await store.open_uploads("posts")] == [("17", NOW), ("seen", None)]
    assert (await store.named("posts", "u1")).due_at is None


async def test_labels_stay_unless_others_are_given(store):
    for labels, expected in (({"a": "1"}, {"a": "1"}), (None, {"a": "1"}), ({"b": "2"}, {"b": "2"}), ({}, {})):
        (came,) = await store.register([replace(A, labels=labels)], NOW)
        assert came.upload.labels == expected


async def test_what_was_seen_is_not_forgotten_by_a_registration(store):
    known = await one_upload(store, snapshot=seen(status=Status.COMPLETED), sequence=3, changed_at=NOW)
    (came,) = await store.register([A], LATER)
    assert came == (replace(known, registered=True, due_at=LATER), False)
    assert await store.open_uploads("posts") == []


async def test_what_only_a_row_spoke_of_is_open_once_it_is_registered(store):
    known = await one_upload(store, misses=2, missing_since=NOW, due_at=None)
    assert await store.open_uploads("posts") == []
    (came,) = await store.register([A], LATER)
    assert came == (replace(known, registered=True, due_at=LATER), False)
    assert await store.open_uploads("posts") == [came.upload]


async def test_of_what_is_followed_no_more_its_place_is_left(store):
    await one_upload(store, snapshot=seen(), sequence=3, stalled=True, misses=1, missing_since=NOW, due_at=NOW, ref="r")
    await store.register([replace(A, labels={"a": "1"})], NOW)
    await store.unfollow("posts", "u1", None, LATER)
    (left,) = (await store.known("posts", ["u1"]))["u1"]
    assert left == upload(media_id=1, sequence=3, ref="r", unfollowed_at=LATER)
    assert [await ask("posts") for ask in (store.open_uploads, store.listed)] == [[], []]
    assert await store.as_now([left]) == []
    assert (await store.counts())["uploads"] == 0
    with pytest.raises(UnknownNameError):
        await store.named("posts", "u1")


async def test_the_followed_one_is_meant_where_another_of_its_id_is_followed_no_more(store):
    await follow(store, [upload(kind="image"), upload(kind="video")])
    await store.unfollow("posts", "u1", "image", LATER)
    assert (await store.named("posts", "u1")).kind == "video"
    (came,) = await store.register([A], LATER)
    assert (came.upload.kind, came.is_new) == ("video", False)
    (came,) = await store.register([replace(A, kind="image")], LATER)
    assert (came.upload.kind, came.upload.media_id, came.is_new) == ("image", 1, True)


async def test_one_whose_kind_nobody_knows_yet_is_meant_by_any(store):
    await store.register([A], NOW)
    (came,) = await store.register([replace(A, kind="video")], NOW)
    assert (came.upload.kind, came.is_new) == ("", False)
    assert (await store.named("posts", "u1", "image")).media_id == 1


async def test_what_is_followed_is_counted_by_its_status(store):
    await store.enrol({"more": "fake", "idle": "fake"}, [])
    known = await follow(store, [upload("u1"), upload("u2"), upload("u3")])
    statuses = (Status.COMPLETED, Status.COMPLETED, Status.FAILED)
    shown = [replace(one, snapshot=seen(one.id, status)) for one, status in zip(known, statuses, strict=True)]
    await announce(store, uploads=shown)
    await store.register([replace(A, id="u4"), replace(A, source="more")], NOW)
    assert await store.by_status() == {"posts": {"completed": 2, "failed": 1, None: 1}, "more": {None: 1}}
    await announce(store, uploads=[replace(shown[2], snapshot=seen("u3", Status.COMPLETED))])
    await store.unfollow("posts", "u1", None, NOW)
    await store.prune_uploads(LATER, 9)
    assert await store.by_status() == {"posts": {"completed": 2, None: 1}, "more": {None: 1}}


async def test_what_is_followed_is_counted_from_its_index(store):
    async with overheard(store) as asked:
        await store.by_status()
    rows = await store.database._writer.execute_fetchall(f"EXPLAIN QUERY PLAN {asked.pop()}")
    assert [row[3].replace("COVERING ", "") for row in rows] == ["SCAN uploads USING INDEX uploads_status"]


async def test_what_is_open_is_listed_over_all_sources_in_one_order(store):
    await store.enrol({"more": "fake"}, [])
    for n in range(6):
        await store.register([Registration(("posts", "more")[n % 2], f"u{n}")], NOW)
    (known,) = await store.as_now([await store.named("more", "u3")])
    await announce(store, uploads=[replace(known, snapshot=seen("u3", Status.COMPLETED))])
    first, later = await store.uploads(most=3, is_open=True)
    rest, end = await store.uploads(before=later, most=3, is_open=True)
    assert [one.id for one in first + rest] == ["u5", "u4", "u2", "u1", "u0"]
    assert end is None
    assert [one.id for one in (await store.uploads("more", is_open=True))[0]] == ["u5", "u1"]
    assert [one.id for one in (await store.uploads(is_open=False))[0]] == ["u3"]


async def test_what_is_open_is_found_without_a_look_at_what_has_settled(store):
    async with overheard(store) as asked:
        await store.uploads(is_open=True)
    rows = await store.database._writer.execute_fetchall(f"EXPLAIN QUERY PLAN {asked.pop()}")
    plan = [row[3] for row in rows]
    assert "SEARCH uploads USING INDEX uploads_open (source=? AND rowid<?)" in plan
    assert [one for one in plan if one.startswith("SCAN")] == ["SCAN s VIRTUAL TABLE INDEX 1:"]


@pytest.mark.parametrize("is_open", [None, True])
async def test_a_page_of_a_few_reads_a_few(store, is_open):
    await store.register([Registration("posts", f"u{n}") for n in range(9)], NOW)
    await store.unfollow("posts", "u8", None, NOW)
    pages, before = [], None
    while before or not pages:
        page, before = await store.uploads(before=before, most=2, is_open=is_open)
        pages.append([one.id for one in page])
    assert [id_ for page in pages for id_ in page] == [f"u{n}" for n in reversed(range(8))]
    assert max(map(len, pages)) == 2


async def test_every_statement_finds_its_rows_by_an_index(store):
    async with overheard(store) as asked:
        await store.register([A, A], NOW)
        await store.named("posts", "u1")
        await store.uploads()
        await store.as_now([await store.unfollow("posts", "u1", None, LATER)])
    assert len(asked) > 6
    assert await slow(store, asked) == []


async def test_the_tables_refuse_a_place_that_is_more_than_that(store):
    await one_upload(store, snapshot=seen())
    with pytest.raises(Exception, match="CHECK constraint failed: unfollowed_at"):
        await altered(store, "UPDATE uploads SET unfollowed_at = 5.0")
    await announce(store)
