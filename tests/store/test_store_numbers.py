"""Numbers of uploads and tasks: Encoding.com's own where they are free, else ours, and never one twice."""

import sqlite3

import pytest
from stored import altered, follow, upload

LAST_SMALL, FIRST_LARGE = 999_999, 1_000_000_000


async def media_ids(store, *wanted):
    number = len(await store.database.rows("SELECT media_id FROM uploads"))
    asked = [upload(f"u{number + n}", media_id=each) for n, each in enumerate(wanted)]
    return [one.media_id for one in await follow(store, asked)]


async def tasks(store, upload_, *wanted):
    return (await store.give_tasks({upload_: wanted}))[upload_]


async def count_to(store, number):
    await altered(store, "UPDATE counters SET next = ?", (number,))


async def test_an_upload_has_the_media_id_that_it_brings_along(store):
    assert await media_ids(store, 5220424, 0, 2, 0) == [5220424, 1, 2, 3]


async def test_a_media_id_that_another_upload_has_is_given_to_no_other(store):
    assert await media_ids(store, 0, 1, 7, 7) == [1, 2, 7, 3]
    assert await media_ids(store, *[0] * 4) == [4, 5, 6, 8]


async def test_media_ids_of_the_second_range_are_not_given_out_where_an_upload_brought_one_along(store):
    await count_to(store, LAST_SMALL)
    assert await media_ids(store, FIRST_LARGE, 0, 0) == [FIRST_LARGE, LAST_SMALL, FIRST_LARGE + 1]


async def test_an_upload_that_is_followed_keeps_its_media_id(store):
    assert [one.media_id for one in await follow(store, [upload("u1"), upload("u1", media_id=5)])] == [1, 1]


async def test_tasks_count_from_one_and_are_given_out_once(store):
    assert await store.give_tasks({3: [0, 0], 4: [0]}) == {3: [1, 2], 4: [3]}
    assert await tasks(store, 3, 0) == [4]


async def test_a_task_has_the_number_that_it_brings_along(store):
    assert await tasks(store, 3, 18737549, 2, 0, 0) == [18737549, 2, 1, 3]


async def test_a_number_that_is_taken_is_given_to_no_other_task(store):
    assert await tasks(store, 3, 0, 1) == [1, 2]
    assert await tasks(store, 4, 5) == [5]
    assert await tasks(store, 3, 5) == [3]


async def test_asked_again_after_a_kill_a_task_still_has_its_number(store):
    assert await tasks(store, 3, 5, 6) == [5, 6]
    await count_to(store, 9)
    assert await tasks(store, 3, 5, 6, 7) == [5, 6, 9]


async def test_tasks_go_on_in_the_second_range_once_the_first_is_used_up(store):
    await count_to(store, LAST_SMALL)
    assert await tasks(store, 3, FIRST_LARGE, 0, 0) == [FIRST_LARGE, LAST_SMALL, FIRST_LARGE + 1]
    assert await tasks(store, 3, 5_000_000, 17) == [5_000_000, FIRST_LARGE + 2]


@pytest.mark.parametrize("number", [0, 2**31])
async def test_a_number_that_receivers_cannot_keep_is_refused(store, number):
    with pytest.raises(sqlite3.IntegrityError, match="number"):
        await altered(store, "INSERT INTO own_tasks VALUES (?, 1)", (number,))
