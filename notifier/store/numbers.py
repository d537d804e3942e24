"""Numbers that are given to uploads and their tasks: never one twice, and none that Encoding.com gave to its own."""

import sqlite3

GIVEN_OUT = (range(1, 1_000_000), range(1_000_000_000, 2_147_483_648))
"""Those of ours: small ones first, then above those that Encoding.com has given so far."""
MEDIA = "SELECT media_id FROM uploads WHERE media_id = ?"
TASK = "SELECT upload FROM own_tasks WHERE number = ?"


def media_id(db: sqlite3.Connection, wanted: int) -> int:
    """The one that an upload wants, unless another has it; else, and for 0, the next of ours."""
    if wanted and not db.execute(MEDIA, (wanted,)).fetchall():
        return wanted
    return _next(db, "media_id", MEDIA)


def task(db: sqlite3.Connection, upload: int, wanted: int) -> int:
    """The number that a task of the upload wants, unless another has it; else, and for 0, the next of ours."""
    if not wanted:
        return _next(db, "task", TASK)
    owners = db.execute(TASK, (wanted,)).fetchall()
    if not owners and not _is_given_out(db, wanted):
        db.execute("INSERT INTO own_tasks (number, upload) VALUES (?, ?)", (wanted, upload))
        return wanted
    return wanted if owners == [(upload,)] else _next(db, "task", TASK)


def _next(db: sqlite3.Connection, counter: str, taken: str) -> int:
    number = _count(db, counter)
    while True:
        if number == GIVEN_OUT[0].stop:
            number = GIVEN_OUT[1].start
        if not db.execute(taken, (number,)).fetchall():
            break
        number += 1
    db.execute("UPDATE counters SET next = ? WHERE name = ?", (number + 1, counter))
    return number


def _is_given_out(db: sqlite3.Connection, number: int) -> bool:
    return number < _count(db, "task") and any(number in ours for ours in GIVEN_OUT)


def _count(db: sqlite3.Connection, counter: str) -> int:
    ((number,),) = db.execute("SELECT next FROM counters WHERE name = ?", (counter,))
    return int(number)
