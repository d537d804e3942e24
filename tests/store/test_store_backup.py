"""A copy of the live database: whole, openable, for its owner alone; or nothing at all."""

import asyncio
import sqlite3
import stat

import pytest
from stored import announce, deliveries, due, event, opened, result

from notifier.store import Store
from notifier.store.backup import CannotCopyError


async def test_a_copy_has_all_that_was_committed_and_a_daemon_goes_on_with_it(store, tmp_path):
    await announce(store, event(1, 1), event(2, 1))
    await store.record([result((await due(store))[0])])
    to = tmp_path / "copy" / "c.db"
    to.parent.mkdir()
    size = await store.backup(to)
    assert size == to.stat().st_size > 0
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert [path.name for path in to.parent.iterdir()] == ["c.db"]
    await announce(store, event(3, 1))
    async with opened(to) as copy:
        assert await deliveries(copy, "phase") == [("delivered",), ("waiting",)]
        await announce(copy, event(9, 1))
        assert await copy.newest() == 3  # no position is given twice
    with sqlite3.connect(to) as plain:
        for pragma in ("integrity_check", "auto_vacuum", "application_id", "user_version"):
            ((here,),) = await store.database.rows(f"PRAGMA {pragma}")
            assert plain.execute(f"PRAGMA {pragma}").fetchone() == (here,)
    plain.close()


async def test_others_write_while_it_is_made(store, tmp_path):
    await announce(store, *(event(lane, 1, body=bytes(4000)) for lane in range(1, 1001)))
    copying = asyncio.create_task(store.backup(tmp_path / "c.db"))
    written = 0
    while not copying.done():
        written += 1
        await announce(store, event(2000 + written, 1))
    assert await copying > 4_000_000
    async with opened(tmp_path / "c.db") as copy:
        assert 1000 <= len(await deliveries(copy, "id")) <= 1000 + written


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("there.db", "File exists: name a file that is not there yet"),
        ("nowhere/c.db", "No such file or directory: make its folder first"),
        ("there.db/c.db", "Not a directory: make its folder first"),
        ("x" * 300, "File name too long: name a place that the daemon may write"),
    ],
)
async def test_where_it_cannot_be_made_nothing_is_touched_and_the_cure_is_told(store, tmp_path, name, told):
    folder = tmp_path / "copies"
    folder.mkdir()
    (folder / "there.db").write_text("precious")
    with pytest.raises(CannotCopyError) as raised:
        await store.backup(folder / name)
    assert str(raised.value).startswith(f"{folder / name}: {told}")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("there.db", "precious")]


async def test_what_a_copy_left_that_was_cut_off_is_named(store, tmp_path):
    left = tmp_path / ".c.db.part"
    left.write_text("half of it")
    with pytest.raises(CannotCopyError) as raised:
        await store.backup(tmp_path / "c.db")
    assert str(raised.value).startswith(f"{left}: File exists: unless another copy is being made to there")
    assert left.read_text() == "half of it"
    left.unlink()
    assert await store.backup(tmp_path / "c.db") > 0


async def test_a_database_that_cannot_be_read_leaves_nothing_behind(tmp_path):
    store = await Store.open(tmp_path / "n.db")
    await store.close()
    (tmp_path / "n.db").write_bytes(b"no database" * 1000)
    with pytest.raises(CannotCopyError, match="file is not a database"):
        await store.backup(tmp_path / "c.db")
    assert {path.name for path in tmp_path.iterdir()} >= {"n.db"}
    assert not any(path.name.endswith((".part", "c.db")) for path in tmp_path.iterdir())
