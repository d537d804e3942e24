"""Numbers that are given to uploads and their tasks: never one twice, and none that Encoding.com gave to its own."""

import aiosqlite

GIVEN_OUT = (range(1, 1_000_000), range(1_000_000_000, 2_147_483_648))
"""Those of ours: small ones first, then above those that Encoding.com has given so far."""
MEDIA = "SELECT media_id FROM uploads WHERE media_id = ?"
TASK = "SELECT upload FROM own_tasks WHERE number = ?"


async def media_id(db: aiosqlite.Connection, wanted: int) -> int:
    """The one that an upload wants, unless another has it; else, and for 0, the next of ours."""
    if wanted and not await db.execute_fetchall(MEDIA, (wanted,)):
        return wanted
    return await _next(db, "media_id", MEDIA)


async def task(db: aiosqlite.Connection, upload: int, wanted: int) -> int:
    """The number that a task of the upload wants, unless another has it; else, and for 0, the next of ours."""
    if not wanted:
        return await _next(db, "task", TASK)
    owners = await db.execute_fetchall(TASK, (wanted,))
    if not owners and not await _is_given_out(db, wanted):
        await db.execute("INSERT INTO own_tasks (number, upload) VALUES (?, ?)", (wanted, upload))
        return wanted
    return wanted if list(owners) == [(upload,)] else await _next(db, "task", TASK)


async def _next(db: aiosqlite.Connection, counter: str, taken: str) -> int:
    number = await _count(db, counter)
    while True:
        if number == GIVEN_OUT[0].stop:
            number = GIVEN_OUT[1].start
        if not await db.execute_fetchall(taken, (number,)):
            break
        number += 1
    await db.execute("UPDATE counters SET next = ? WHERE name = ?", (number + 1, counter))
    return number


async def _is_given_out(db: aiosqlite.Connection, number: int) -> bool:
    return number < await _count(db, "task") and any(number in ours for ours in GIVEN_OUT)


async def _count(db: aiosqlite.Connection, counter: str) -> int:
    ((number,),) = await db.execute_fetchall("SELECT next FROM counters WHERE name = ?", (counter,))
    return int(number)
