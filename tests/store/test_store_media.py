"""What is asked as of an encoding service: uploads by media ids, and page by page as they were created."""

from dataclasses import replace

import pytest
from planning import overheard, slow
from stored import NOW, announce, event, follow, one_upload, seen, upload

from notifier.core.model import Status


async def listed(store, *created):
    """An upload for each of these moments at which the provider created it; their media ids."""
    followed = await follow(store, [upload(f"u{number}") for number, _ in enumerate(created)])
    told = [
        replace(one, snapshot=seen(one.id, created_at=moment)) for one, moment in zip(followed, created, strict=True)
    ]
    await announce(store, uploads=told)
    return [one.media_id for one in followed]


async def page(store, *args, **more):
    return [one.upload.media_id for one in await store.media_page(*args, **more)]


async def test_uploads_are_found_by_their_media_ids_whichever_are_there(store):
    first, second = await listed(store, NOW, NOW)
    found = await store.media([second, 999, first, 1 << 62])
    assert {media_id: one.upload.id for media_id, one in found.items()} == {first: "u0", second: "u1"}
    assert found[first].upload.source == "posts"
    assert await store.media([]) == {}


async def test_an_upload_is_shown_with_when_it_began_and_when_its_status_came(store):
    one = await one_upload(store, snapshot=seen(status=Status.COMPLETED))
    told = ["queued", "processing", "updated", "failed", "processing", "completed", "updated"]
    events = [
        event(
            one.media_id, number, f"upload.{word}", status=word if word != "updated" else "completed", at=NOW + number
        )
        for number, word in enumerate(told, 1)
    ]
    await announce(store, *events)
    (shown,) = (await store.media([one.media_id])).values()
    assert (shown.began_at, shown.came_at) == (NOW + 2, NOW + 6)


async def test_of_what_was_never_announced_no_moment_is_known(store):
    one = await one_upload(store, snapshot=seen(status=Status.COMPLETED))
    (shown,) = (await store.media([one.media_id])).values()
    assert (shown.began_at, shown.came_at) == (None, None)


async def test_a_page_is_in_the_order_of_creation_either_way(store):
    a, b, c, d = await listed(store, NOW - 3, NOW - 1, None, NOW - 2)  # the third was first seen at NOW
    assert await page(store, 9) == [c, b, d, a]
    assert await page(store, 9, newest_first=False) == [a, d, b, c]
    assert await page(store, 2, 1) == [b, d]
    assert await page(store, 2, 4) == []


async def test_what_was_created_at_one_moment_is_on_one_page_alone(store):
    ids = await listed(store, *[NOW] * 5)
    pages = [await page(store, 2, skipped) for skipped in (0, 2, 4)]
    assert sorted([*pages[0], *pages[1], *pages[2]]) == sorted(ids)


async def test_a_page_holds_what_was_created_between_two_moments(store):
    _, b, c, _ = await listed(store, NOW - 30, NOW - 20, NOW - 10, NOW)
    assert await page(store, 9, since=NOW - 20, until=NOW) == [c, b]
    assert await store.media_count(NOW - 20, NOW) == 2
    assert await store.media_count() == 4


async def test_what_is_gone_is_on_no_page_and_found_by_its_id(store):
    one = await one_upload(store, snapshot=seen(status=Status.GONE))
    assert (await page(store, 9), await store.media_count()) == ([], 0)
    assert [*await store.media([one.media_id])] == [one.media_id]


async def test_what_is_followed_no_more_is_nowhere(store):
    (media_id,) = await listed(store, NOW)
    await store.unfollow("posts", "u0", None, NOW)
    assert (await page(store, 10), await store.media_count(), await store.media([media_id])) == ([], 0, {})


async def test_what_was_never_seen_is_on_a_page(store):
    one = await one_upload(store)
    assert await page(store, 9) == [one.media_id]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_every_statement_finds_its_rows_by_an_index(store, newest_first):
    await listed(store, NOW, NOW - 1)
    async with overheard(store) as asked:
        await store.media([1, 2])
        await store.media_page(10, 5, NOW - 9, NOW, newest_first=newest_first)
        await store.media_count(NOW - 9, NOW)
    assert len(asked) >= 3
    assert await slow(store, asked) == []
    (paged,) = [one for one in asked if "OFFSET" in one]
    plan = await store.database.rows(f"EXPLAIN QUERY PLAN {paged}")
    assert [row[3] for row in plan if "TEMP B-TREE" in row[3]] == []
