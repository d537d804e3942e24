"""Where endpoints outnumber the places: who is asked, in which order, and that nobody is forgotten."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace

from stored import announce, event
from world import endpoint, world

from notifier.core.callbacks import NOBODY
from notifier.core.model import Attempt, Outcome, Rate
from notifier.sender import IDLE

CROWD = tuple(endpoint(f"app-{n:02}", schedule=(0.0, 300.0)) for n in range(12))


class Asked:
    """The store, which notes whom it was asked for, and how often it was asked who there is."""

    def __init__(self, store):
        self.wanted, self.times = [], 0
        self._due, self._heads = store.due, store.heads
        store.due, store.heads = self.due, self.heads

    async def due(self, now, wanted, taken=()):
        self.wanted.append(dict(wanted))
        return await self._due(now, wanted, taken)

    async def heads(self):
        self.times += 1
        return await self._heads()


class Gate:
    """Receivers that answer while the gate is open."""

    def __init__(self, w):
        self.came, self.opened = [], asyncio.Event()
        self.opened.set()
        self._w = w

    async def post(self, delivery):
        self.came.append(delivery.endpoint)
        await self.opened.wait()
        return Attempt(self._w.clock.now, 0.0, Outcome.DELIVERED, 204)


@asynccontextmanager
async def crowd(path, *some, total=4):
    async with world(path, endpoints=some or CROWD, discover=False, in_flight_total=total) as w:
        gate = Gate(w)
        w.post = gate.post
        yield w, gate, Asked(w.store)
        gate.opened.set()


async def owed(w, *names, lane=1):
    """An upload of its own for each of them, a second after the one before."""
    by_name = {one.name: one for one in w.endpoints}
    for n, name in enumerate(names):
        w.clock.now += 1
        await announce(w.store, event(lane * 100 + n, 1, at=w.clock.now), to=(by_name[name],))


NAMES = [one.name for one in CROWD]


async def test_each_has_one_before_any_has_a_second_and_the_longest_due_is_first(tmp_path):
    async with crowd(tmp_path) as (w, gate, asked):
        order = NAMES[::-1]
        await owed(w, *["app-05"] * 7, lane=1)
        await owed(w, *order, lane=2)
        await w.settle()
        first = ["app-05", *(name for name in order if name != "app-05")]
        assert gate.came == first + ["app-05"] * 7
        assert all(sum(one.values()) == 4 for one in asked.wanted[:2])  # one of each, as many as there are places


async def test_who_is_owed_nothing_is_not_asked(tmp_path):
    async with crowd(tmp_path) as (w, gate, asked):
        await owed(w, "app-03")
        await w.settle()
        assert gate.came == ["app-03"]
        assert {name for one in asked.wanted for name in one} == {"app-03"}
        asked.wanted.clear()
        assert await w.sender.send_due() == w.clock.now + IDLE
        assert asked.wanted == []


async def test_who_there_is_is_asked_once_for_as_long_as_they_fill_the_places(tmp_path):
    async with crowd(tmp_path) as (w, gate, asked):
        await owed(w, *NAMES)
        gate.opened.clear()
        await w.sender.send_due()
        await w.sender.send_due()
        assert (asked.times, w.sender.in_flight) == (1, 4)
        await owed(w, "app-00", lane=2)  # its second; eight others have had none
        gate.opened.set()
        await w.settle()
        assert gate.came == [*NAMES, "app-00"]
        assert asked.times < 6


async def test_what_is_announced_meanwhile_is_found_by_the_next_pass_that_has_a_place(tmp_path):
    async with crowd(tmp_path) as (w, gate, _asked):
        gate.opened.clear()
        for n, name in enumerate(NAMES[:4]):
            await owed(w, name, lane=n + 1)
            await w.sender.send_due()
            await asyncio.sleep(0)
            assert gate.came[n:] == [name]
        await owed(w, "app-11", lane=9)
        await w.sender.send_due()
        assert len(gate.came) == 4
        gate.opened.set()
        await w.settle()
        assert gate.came[4:] == ["app-11"]


async def test_a_pass_comes_back_for_what_is_due_later_also_where_others_fill_the_places(tmp_path):
    async with crowd(tmp_path) as (w, gate, _asked):
        bad = {"app-00"}

        async def post(delivery):
            if delivery.endpoint in bad:
                bad.clear()
                return Attempt(w.clock.now, 0.0, Outcome.HTTP_5XX, 503)
            return await gate.post(delivery)

        w.post = post
        w.random.random = lambda: 0.5  # no jitter
        await owed(w, "app-00")
        failed = w.clock.now
        assert await w.settle() == failed + 300
        await owed(w, *NAMES[1:], lane=2)
        gate.opened.clear()
        assert await w.sender.send_due() == failed + 300
        gate.opened.set()
        assert await w.settle() == failed + 300
        w.clock.now = failed + 300
        await w.settle()
        assert gate.came[-1] == "app-00"


async def test_a_pass_comes_back_when_an_endpoint_s_rate_lets_the_next_one_go(tmp_path):
    slow = tuple(replace(one, rate=Rate(1, 10)) for one in CROWD)
    async with crowd(tmp_path, *slow) as (w, gate, asked):
        await owed(w, *["app-07"] * 3)
        began = w.clock.now
        assert await w.settle() == began + 10
        asked.wanted.clear()
        assert await w.sender.send_due() == began + 10
        assert asked.wanted == []  # its rate is known before
        await w.sends_until(began + 20)
        assert gate.came == ["app-07"] * 3


async def test_a_paused_endpoint_is_not_asked_and_one_that_rests_is_come_back_for(tmp_path):
    async with crowd(tmp_path) as (w, gate, asked):
        await w.sender.pause("app-01")
        await owed(w, "app-01", "app-02")
        w.sender.served["app-02"].rests_until = w.clock.now + 20
        assert await w.settle() == w.clock.now + 20
        assert (gate.came, asked.wanted) == ([], [])
        w.clock.now += 20
        await w.settle()
        await w.sender.resume("app-01")
        await w.settle()
        assert gate.came == ["app-02", "app-01"]


async def test_who_leaves_the_config_has_no_turn_any_more(tmp_path):
    async with crowd(tmp_path) as (w, gate, _asked):
        await owed(w, *NAMES)
        gate.opened.clear()
        await w.sender.send_due()
        w.sender.adopt(CROWD[:6], NOBODY, 4, await w.store.healths())
        gate.opened.set()
        await w.settle()
        assert Counter(gate.came) == Counter(NAMES[:6])


async def test_who_leaves_the_config_while_a_pass_asks_what_is_due_is_sent_nothing(tmp_path):
    async with crowd(tmp_path, total=200) as (w, gate, _asked):
        await owed(w, "app-00", "app-01")
        through, healths = w.store.due, await w.store.healths()

        async def due(*asks):
            found = await through(*asks)
            w.sender.adopt(CROWD[1:], NOBODY, 200, healths)
            return found

        w.store.due = due
        await w.settle()
        assert gate.came == ["app-01"]


async def test_endpoints_that_hang_leave_places_to_those_that_have_none(tmp_path):
    async with crowd(tmp_path, total=10) as (w, gate, _asked):
        gate.opened.clear()
        await owed(w, *["app-00"] * 9, lane=1)
        await w.sender.send_due()
        await asyncio.sleep(0)
        assert gate.came == ["app-00"] * 5  # of ten half are kept
        await owed(w, *NAMES[1:6], lane=2)
        await w.sender.send_due()
        await asyncio.sleep(0)
        assert gate.came[5:] == NAMES[1:6]


async def test_those_that_anything_may_go_to_are_told_with_the_moment_also_who_left(tmp_path):
    async with crowd(tmp_path) as (w, _gate, _asked):
        await owed(w, "app-02", "app-01", "app-02")
        now = w.clock.now
        await w.store.enrol({"posts": w.provider}, ["other"])
        assert sorted(await w.store.heads()) == [("app-01", now - 1), ("app-02", now - 2)]
