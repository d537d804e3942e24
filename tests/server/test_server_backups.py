"""/v1/backup: for those on this machine alone."""

import asyncio

import pytest
from asking import BEARER, served

from notifier.store import Store


async def made(caller, path):
    return await caller.ask("POST", "/v1/backup", json={"path": str(path)})


async def test_a_copy_is_made_and_told(tmp_path):
    async with served(tmp_path) as (_, caller, _):
        to = tmp_path / "c.db"
        said = await made(caller, str(to))
        assert (said.status, said.body) == (201, {"path": str(to), "bytes": to.stat().st_size})
        said = await made(caller, str(to))
        assert (said.status, said.detail) == (409, f"{to}: File exists: name a file that is not there yet")


@pytest.mark.parametrize("path", ["c.db", "", "/tmp/\0"])
async def test_a_path_is_a_whole_one(tmp_path, path):
    async with served(tmp_path) as (_, caller, _):
        said = await made(caller, path)
        assert (said.status, said.faults) == (422, {"path": "the whole path of a file, from / on"})


async def test_over_tcp_no_file_is_written(tmp_path):
    async with served(tmp_path) as (_, _, stranger):
        said = await stranger.ask("POST", "/v1/backup", headers=BEARER, json={"path": str(tmp_path / "c.db")})
        assert said.status == 403
        assert not (tmp_path / "c.db").exists()


class Slow(Store):
    """One whose copy takes as long as the test wants."""

    async def backup(self, to):
        self.began.set()
        await self.go_on.wait()
        return await super().backup(to)


async def test_one_is_made_at_a_time(tmp_path):
    async with served(tmp_path, open_store=Slow.open) as (w, caller, _):
        w.store.began, w.store.go_on = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(made(caller, str(tmp_path / "a.db")))
        await w.store.began.wait()
        assert (await made(caller, str(tmp_path / "b.db"))).status == 409
        w.store.go_on.set()
        assert (await first).status == 201
        assert (await made(caller, str(tmp_path / "b.db"))).status == 201
