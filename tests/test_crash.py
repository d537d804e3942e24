"""A fuse at every edge: the daemon ends without a word at each of them in turn, starts again, and nothing is lost.

Edges are before every statement and commit of the database, before and after every request and every POST.
"""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from itertools import count

import pytest
import verdict
from world import LISTING, Killed, World, endpoint, receipts_of

from notifier.core.model import Baseline, Status
from notifier.store import Store
from notifier.store.database import Database
from notifier.store.examination import examine

pytestmark = [pytest.mark.uncounted, pytest.mark.timeout(600)]  # on a busy machine; the work is bounded by its count
S = Status
UPLOADS = ("a", "b")
ENDPOINTS = ("app", "crm")
RESTART = 3.0
"""Seconds until it is there again."""


class Fuse:
    """Burns through at one edge, and never again; the edges are numbered as they are met."""

    def __init__(self, at=None):
        self.at = at
        self.met = []

    def edge(self, name):
        self.met.append(name)
        if len(self.met) - 1 == self.at:
            raise Killed(name)


class FusedConnection:
    """Every statement is an edge."""

    def __init__(self, connection, fuse):
        self._connection = connection
        self._fuse = fuse

    def __getattr__(self, name):
        run = getattr(self._connection, name)

        def fused(sql, *parameters):
            self._fuse.edge(f"before {' '.join(sql.split()[:3])}")
            return run(sql, *parameters)

        return fused


class FusedDatabase(Database):
    fuse: Fuse

    async def write(self, work, *args):
        result = await super().write(self._fused(work), *args)
        self.fuse.edge("after COMMIT")
        return result

    async def write_unsynced(self, work, *args):
        result = await super().write_unsynced(self._fused(work), *args)
        self.fuse.edge("after COMMIT")
        return result

    def _fused(self, work):
        def fused(db, *args):
            result = work(FusedConnection(db, self.fuse), *args)
            self.fuse.edge("before COMMIT")
            return result

        return fused


def spent(path):
    """The requests that are noted as spent, as anybody else finds them in the file."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return sum(json.loads(state)["used"] for (state,) in db.execute("SELECT state FROM budgets"))


def opener(fuse):
    async def open_store(path):
        store = await Store.open(path)
        store.database.__class__ = FusedDatabase
        store.database.fuse = fuse
        return store

    return open_store


class Play:
    """Two uploads live their lives before two endpoints, one of which is down for a while."""

    def __init__(self, path, fuse, *, uploads=UPLOADS, baseline=Baseline.ANNOUNCE):
        self.fuse = fuse
        self.world = World(
            path / "notifier.db",
            uploads=uploads,
            baseline=baseline,
            endpoints=tuple(endpoint(name) for name in ENDPOINTS),
            open_store=opener(fuse),
        )
        self.kills = 0
        self.in_flight = 0
        self.requests = 0
        """Of all lives: all of a play is within one hour of the clock."""

    async def perform(self):
        """All scenes in order; where the daemon ends, it starts again and the scene goes on."""
        await self._survive(self.world.start)
        self._fuse_edges()
        for scene in self._scenes():
            await self._survive(scene)
        await self.world.stop()

    def _fuse_edges(self):
        post, observe = self.world.receivers.post, self.world.client.observe

        async def fused_post(delivery):
            self.fuse.edge("before POST")
            attempt = await post(delivery)
            self.fuse.edge("after POST")
            return attempt

        async def fused_observe(look, at):
            self.fuse.edge("before request")
            self.requests += 1
            assert spent(self.world.path) >= self.requests, "a request has left before it was committed as spent"
            answer = await observe(look, at)
            self.fuse.edge("after request")
            return answer

        self.world.post, self.world.client.observe = fused_post, fused_observe

    async def _survive(self, scene):
        try:
            await scene()
        except Killed:
            self.kills += 1
            if scene != self.world.start:
                await self._end()
                await self.world.start()
            await scene()

    async def _end(self):
        """What a kill leaves: connections are gone, what was on its way is gone, nothing is tidied up."""
        self.in_flight = self.world.sender.in_flight
        for task in list(self.world.sender._tasks.values()):
            task.cancel()
        await self.world.store.close()
        assert examine(self.world.path).flaws == ()
        self.world.clock.now += RESTART

    def _scenes(self):
        world = self.world

        def becomes(id_, status):
            async def scene():
                world.client.set(id_, status)

            return scene

        def goes(down):
            async def scene():
                world.receivers.down = down

            return scene

        start = world.clock.now
        moments = count(1)

        def time_passes():
            until = start + 60 * next(moments)

            async def scene():
                await world.polls_until(until)
                await world.sends_until(until)

            return scene

        async def all_is_sent():
            await world.sends_until(start + 3600)

        yield from (becomes("a", S.QUEUED), becomes("b", S.PROCESSING), time_passes())
        yield from (goes({"crm"}), becomes("a", S.PROCESSING), time_passes())
        yield from (becomes("a", S.COMPLETED), becomes("b", S.FAILED), time_passes())
        yield from (goes(set()), all_is_sent)


class SilentPlay(Play):
    """Five uploads were there before, on three pages of a list, of which nothing is to be told; then comes another."""

    def __init__(self, path, fuse):
        super().__init__(path, fuse, uploads=(), baseline=Baseline.SILENT)
        self.world.client.page_size = 2
        for number, status in enumerate([S.COMPLETED, S.FAILED, S.COMPLETED, S.PARTIAL, S.COMPLETED]):
            self.world.client.set(f"old-{number}", status)

    def _scenes(self):
        world, start = self.world, self.world.clock.now

        def until(seconds, comes=()):
            async def scene():
                world.client.put_on_top(*comes)
                await world.polls_until(start + seconds)
                await world.sends_until(start + seconds)

            return scene

        yield from (until(100), until(LISTING.idle + 100, comes=["new"]))


def check(play):
    """Nothing lost, invented, changed or disordered; repeats are at most what was on its way."""
    shown, repeats = play.world.client.shown, 0
    for name in ENDPOINTS:
        receipts = receipts_of(play.world, name)
        events = verdict.firsts(name, receipts)
        verdict.is_complete(name, events)
        verdict.is_as_shown(name, events, shown)
        verdict.has_arrived(name, events, {id_: shown[id_][-1] for id_ in UPLOADS})
        repeats += verdict.repeats(receipts)
    assert repeats <= play.in_flight


async def test_without_a_kill_every_status_is_told_once(tmp_path):
    play = Play(tmp_path, Fuse())
    await play.perform()
    check(play)
    told = Counter(event["type"] for event in play.world.receivers.events("crm"))
    assert told == {"upload.queued": 1, "upload.processing": 2, "upload.completed": 1, "upload.failed": 1}


async def killed_at_each_edge(folder, kind):
    """A play of this kind for each edge that it meets, ended there once, and the edge's name."""
    rehearsal = Fuse()
    await kind(folder, rehearsal).perform()
    assert {"before POST", "after POST", "before request", "after request", "before COMMIT", "after COMMIT"} <= set(
        rehearsal.met
    )
    for at, edge in enumerate(rehearsal.met):
        (folder / str(at)).mkdir()
        play = kind(folder / str(at), Fuse(at))
        await play.perform()
        assert play.kills == 1, (at, edge)
        yield play, (at, edge)


async def test_a_kill_at_any_edge_loses_nothing(tmp_path):
    async for play, _ in killed_at_each_edge(tmp_path, Play):
        check(play)


async def test_a_kill_at_any_edge_tells_nothing_of_what_was_there_before(tmp_path):
    async for play, edge in killed_at_each_edge(tmp_path, SilentPlay):
        for name in ENDPOINTS:
            told = {(event["data"]["upload"]["id"], event["type"]) for event in play.world.receivers.events(name)}
            assert told == {("new", "upload.completed")}, edge
