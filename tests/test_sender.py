"""The sender's passes over a real database, with receivers that answer when they are told to."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from world import Killed, World, endpoint, world

from notifier.core.model import Attempt, Delivery, Order, Outcome, Rate, Status
from notifier.sender import IDLE
from notifier.served import Served
from notifier.store import Store, StoreError

S = Status


class Doors:
    """Receivers behind doors: a request waits before the door of its upload until that is opened."""

    def __init__(self, w: World) -> None:
        self.came: list[tuple[str, str, int]] = []
        self._w = w
        self._doors: dict[str, asyncio.Event] = {}

    def open(self, *uploads: str) -> None:
        for upload in uploads:
            self._door(upload).set()

    async def post(self, delivery: Delivery) -> Attempt:
        self.came.append((delivery.endpoint, delivery.upload, delivery.sequence))
        await self._door(delivery.upload).wait()
        return Attempt(self._w.clock.now, 0.0, Outcome.DELIVERED, 200)

    def _door(self, upload: str) -> asyncio.Event:
        return self._doors.setdefault(upload, asyncio.Event())


@asynccontextmanager
async def behind_doors(path, *endpoints, uploads="abc", **more) -> AsyncIterator[tuple[World, Doors]]:
    """A world in which every upload has been announced as queued, a second after the one before."""
    async with world(path, endpoints=endpoints, uploads=tuple(uploads), **more) as w:
        for id_ in uploads:
            w.client.set(id_, S.QUEUED)
            await w.poll(2)
            w.clock.now += 1
        doors = Doors(w)
        w.post = doors.post
        w.sender.wake.clear()
        yield w, doors
        doors.open(*uploads)


async def ended(w: World) -> None:
    """Until an attempt has ended."""
    await w.sender.wake.wait()
    w.sender.wake.clear()


async def rows(w: World, columns: str) -> list[tuple]:
    """Columns of the deliveries."""
    return [tuple(row) for row in await w.store.database.rows(f"SELECT {columns} FROM deliveries ORDER BY id")]


async def phases(w: World) -> list[tuple[str, int]]:
    return await rows(w, "phase, attempts")


async def test_a_result_that_comes_between_two_passes_is_never_lost(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), uploads="ab") as (w, doors):
        await w.sender.send_due()
        doors.open("a")
        await ended(w)
        await w.sender.send_due()
        doors.open("b")
        await ended(w)
        await w.sender.send_due()
        assert w.sender.in_flight == 0
        assert await phases(w) == [("delivered", 1), ("delivered", 1)]


async def test_what_is_announced_wakes_the_sender_and_a_look_without_news_does_not(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        assert w.sender.wake.is_set()
        w.sender.wake.clear()
        looks = len(w.client.asked)
        await w.polls_until(w.clock.now + 300)
        assert len(w.client.asked) > looks
        assert not w.sender.wake.is_set()


async def test_a_place_is_held_until_the_result_is_committed(tmp_path):
    async with behind_doors(tmp_path, endpoint("app", max_in_flight=1)) as (w, doors):
        await w.sender.send_due()
        await w.sender.send_due()
        doors.open("a")
        await ended(w)
        assert (w.sender.in_flight, doors.came) == (1, [("app", "a", 1)])
        await w.sender.send_due()
        assert doors.came == [("app", "a", 1)]  # the second's task has not had its turn yet
        assert w.sender.in_flight == 1
        await asyncio.sleep(0)
        assert doors.came == [("app", "a", 1), ("app", "b", 1)]


async def test_what_is_on_its_way_is_not_sent_again_by_the_next_pass(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), endpoint("free", order=Order.NONE)) as (w, doors):
        for _ in range(3):
            await w.sender.send_due()
            await asyncio.sleep(0)
        assert sorted(doors.came) == [(name, id_, 1) for name in ("app", "free") for id_ in "abc"]


class FullAtFirst(Store):
    """A disk that is full until somebody has made room."""

    is_full = True

    async def record(self, *batch):
        if self.is_full:
            raise StoreError("notifier.db: database or disk is full")
        return await super().record(*batch)


async def test_results_that_cannot_be_committed_are_kept_for_the_next_pass(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), open_store=FullAtFirst.open) as (w, doors):
        doors.open(*"abc")
        await w.sender.send_due()
        await ended(w)
        with pytest.raises(StoreError, match="full"):
            await w.sender.send_due()
        assert w.sender.in_flight == 3
        w.store.is_full = False
        await w.settle()
        assert sorted(doors.came) == [("app", id_, 1) for id_ in "abc"]
        assert await phases(w) == [("delivered", 1)] * 3


async def test_at_most_so_many_are_on_their_way_together(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), endpoint("ops"), in_flight_total=4) as (w, doors):
        await w.sender.send_due()
        await asyncio.sleep(0)
        assert w.sender.in_flight == len(doors.came) == 4
        assert {name for name, _, _ in doors.came[:2]} == {"app", "ops"}
        await w.sender.send_due()
        assert w.sender.in_flight == 4


async def test_where_endpoints_outnumber_the_places_the_one_that_has_waited_longest_is_next(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), endpoint("ops"), in_flight_total=1) as (w, doors):
        doors.open(*"abc")
        await w.settle()
        assert [(id_, name) for name, id_, _ in doors.came] == [(id_, name) for id_ in "abc" for name in ("app", "ops")]


async def test_an_endpoint_that_hangs_holds_its_own_places_and_no_more(tmp_path):
    async with behind_doors(tmp_path, endpoint("hangs", max_in_flight=2), endpoint("app"), uploads="abcd") as (
        w,
        doors,
    ):
        through = w.post

        async def post(delivery):
            if delivery.endpoint == "app":
                doors.came.append(("app", delivery.upload, delivery.sequence))
                return Attempt(w.clock.now, 0.0, Outcome.DELIVERED, 200)
            return await through(delivery)

        w.post = post
        await w.sender.send_due()
        await ended(w)
        await w.sender.send_due()
        assert sorted(doors.came) == [*(("app", id_, 1) for id_ in "abcd"), ("hangs", "a", 1), ("hangs", "b", 1)]
        assert w.sender.in_flight == 2


async def test_a_newer_status_waits_for_the_one_it_replaced_where_that_is_on_its_way(tmp_path):
    async with behind_doors(tmp_path, endpoint("app", order=Order.LATEST), uploads="a") as (w, doors):
        await w.sender.send_due()
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.sender.send_due()
        await asyncio.sleep(0)
        assert doors.came == [("app", "a", 1)]
        doors.open("a")
        await w.settle()
        assert doors.came == [("app", "a", 1), ("app", "a", 2)]
        assert await phases(w) == [("delivered", 1), ("delivered", 1)]


async def test_without_order_a_second_event_goes_beside_the_first(tmp_path):
    async with behind_doors(tmp_path, endpoint("app", order=Order.NONE), uploads="a") as (w, doors):
        await w.sender.send_due()
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.sender.send_due()
        await asyncio.sleep(0)
        assert doors.came == [("app", "a", 1), ("app", "a", 2)]


# --- when to come back


async def test_where_nothing_is_owed_the_next_pass_is_in_a_minute(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        assert await w.sender.send_due() == w.clock.now + IDLE


async def test_a_pass_comes_back_when_the_rate_lets_the_next_one_go(tmp_path):
    async with behind_doors(tmp_path, endpoint("slow", rate=Rate(1, 10)), endpoint("app")) as (w, doors):
        doors.open(*"abc")
        now = w.clock.now
        assert await w.sender.send_due() == now + 10
        assert await w.settle() == now + 10
        assert [id_ for name, id_, _ in doors.came if name == "slow"] == ["a"]
        w.clock.now += 10
        await w.settle()
        assert [id_ for name, id_, _ in doors.came if name == "slow"] == ["a", "b"]


async def test_a_pass_comes_back_for_a_retry_where_that_is_before_the_rate(tmp_path):
    endpoints = (endpoint("down", schedule=(0.0, 5.0)), endpoint("slow", rate=Rate(1, 10)))
    async with world(tmp_path, endpoints=endpoints, uploads=("a", "b")) as w:
        w.receivers.down = {"down"}
        for id_ in "ab":
            w.client.set(id_, S.QUEUED)
        await w.poll(3)
        assert 4 <= await w.settle() - w.clock.now <= 6


async def test_a_rate_saves_up_a_second_and_no_more():
    delivery = Delivery(1, "evt_1", "upload.queued", "app", None, 1, 0, 0, 0.0, 0.0, b"{}", "posts", "a")
    served = Served(endpoint("app", rate=Rate(3, 1)))
    moments = []
    for _ in range(5):
        moments.append(served.may_go(moments[-1] if moments else 100.0))
        served.take(delivery, moments[-1])
    assert moments == [100.0, 100.0, 100.0, pytest.approx(100 + 1 / 3), pytest.approx(100 + 2 / 3)]


# --- a clock that is set

YEARS = 1e8


async def test_what_a_clock_that_was_ahead_announced_goes_at_once_when_it_is_set_back(tmp_path, caplog):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        w.clock.now += YEARS
        await w.poller.believe_no_later(0.0)
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        w.clock.now -= YEARS
        await w.settle()
        assert w.receivers.types("app") == []
        await w.sender.believe_no_later()
        await w.settle()
        assert w.receivers.types("app") == ["upload.queued"]
    assert [(one.message, one.fields) for one in caplog.records] == [("rescheduled", {"deliveries": 1})]


async def test_a_retry_that_a_clock_put_off_waits_for_its_slot_of_the_schedule_and_no_longer(tmp_path, caplog):
    async with world(tmp_path, endpoints=(endpoint("app", schedule=(0.0, 5.0, 300.0)),), uploads=("a",)) as w:
        w.receivers.down = {"app"}
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        at = await w.settle()
        await w.sender.believe_no_later()
        assert await w.settle() == at  # as it was, for the clock is right
        assert "rescheduled" not in caplog.messages
        w.clock.now -= YEARS
        await w.sender.believe_no_later()
        assert await w.settle() == w.clock.now + 5 * 1.2


@pytest.mark.parametrize("jump", [86400.0, -36000.0, 30.0, -30.0])
async def test_a_clock_that_is_set_hurries_no_retry_and_puts_none_off(tmp_path, caplog, jump):
    async with world(tmp_path, endpoints=(endpoint("app", schedule=(0.0, 60.0, 7200.0)),), uploads=("a",)) as w:

        async def post(_delivery):
            return Attempt(w.clock.now, 0.01, Outcome.HTTP_4XX, 422)

        w.post = post
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        for _ in range(2):
            rest = await w.settle() - w.clock.now
            w.clock.now += rest - 5
            assert await w.settle() - w.clock.now == pytest.approx(5)
            w.clock.now += jump
            await w.sender.believe_no_later(jump)
            assert await w.settle() - w.clock.now == pytest.approx(5)
            w.clock.now += 5
        await w.settle()
        (row,) = (await w.store.deliveries("app")).items
        assert (row.phase.value, row.attempts) == ("dead", 3)
    assert "rescheduled" not in caplog.messages


@pytest.mark.parametrize("jump", [86400.0, -36000.0, 30.0, -30.0])
async def test_a_clock_that_is_set_hurries_no_first_attempt_and_puts_none_off(tmp_path, caplog, jump):
    async with world(tmp_path, endpoints=(endpoint("app", schedule=(60.0, 5.0)),), uploads=("a",)) as w:
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        rest = await w.settle() - w.clock.now
        assert rest > 0
        w.clock.now += jump
        await w.sender.believe_no_later(jump)
        assert await w.settle() - w.clock.now == pytest.approx(rest)
    assert "rescheduled" not in caplog.messages


async def test_an_attempt_during_which_the_clock_is_set_back_is_repeated_in_time(tmp_path):
    async with behind_doors(tmp_path, endpoint("app", schedule=(0.0, 5.0)), uploads="a") as (w, _):

        async def post(_delivery):
            began = w.clock.now
            w.clock.now -= YEARS
            return Attempt(began, 1.0, Outcome.HTTP_5XX, 503)

        w.post = post
        assert await w.settle() <= w.clock.now + 5 * 1.2
        w.post = w.receivers.post


# --- bugs and the end


async def test_a_bug_ends_its_own_delivery_and_the_next_of_its_lane_goes(tmp_path, caplog):
    async with behind_doors(tmp_path, endpoint("app")) as (w, doors):
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)

        async def buggy(delivery):
            if (delivery.upload, delivery.sequence) == ("a", 1):
                raise KeyError("a bug")
            return await doors.post(delivery)

        w.post = buggy
        doors.open(*"abc")
        await w.settle()
        assert doors.came == [("app", "b", 1), ("app", "c", 1), ("app", "a", 2)]
        assert await rows(w, "phase, cause, attempts") == [
            ("dead", "internal", 0), ("delivered", None, 1), ("delivered", None, 1), ("delivered", None, 1),
        ]  # fmt: skip
        assert await w.store.database.rows("SELECT * FROM attempts WHERE delivery = 1") == []
    bug, given_up = (one for one in caplog.records if one.message in {"bug", "given up"})
    assert (bug.exc_info[0], bug.fields["delivery"]) == (KeyError, 1)
    assert (given_up.levelname, given_up.fields["cause"], given_up.fields["upload"]) == ("ERROR", "internal", "a")


async def test_what_ends_the_process_while_posting_ends_the_next_pass_and_leaves_no_other_unrecorded(tmp_path):
    async with behind_doors(tmp_path, endpoint("app")) as (w, doors):

        async def killed(delivery):
            if delivery.upload == "b":
                return await doors.post(delivery)
            raise Killed(delivery.upload)

        w.post = killed
        doors.open("b")
        await w.sender.send_due()
        await ended(w)
        for end in "ac":
            with pytest.raises(Killed, match=end) as caught:
                await w.sender.record_ended()
            assert caught.traceback[-1].name == "killed"
            assert await phases(w) == [("waiting", 0), ("delivered", 1), ("waiting", 0)]
        await w.sender.record_ended()


class Failing(Store):
    """A disk that fails after a while, once."""

    async def record(self, *batch):
        if self.go_on.is_set():
            return await super().record(*batch)
        self.tried.set()
        await self.go_on.wait()
        raise StoreError("no disk")


async def test_a_pass_that_is_cut_off_before_its_commit_fails_leaves_it_to_be_tried_again(tmp_path, caplog):
    async with behind_doors(tmp_path, endpoint("app"), uploads="a", open_store=Failing.open) as (w, doors):
        w.store.tried, w.store.go_on = asyncio.Event(), asyncio.Event()
        doors.open("a")
        await w.sender.send_due()
        await ended(w)
        cut_off = asyncio.create_task(w.sender.send_due())
        await w.store.tried.wait()
        cut_off.cancel()
        await asyncio.wait({cut_off})
        w.store.go_on.set()
        await w.sender.record_ended()
        assert await phases(w) == [("delivered", 1)]
    gc.collect()  # only then asyncio complains of an error that nobody heard
    assert [record for record in caplog.records if record.name == "asyncio"] == []


class Slow(Store):
    """A disk that is slow to say that a commit has reached it."""

    async def record(self, *batch):
        overtaken = await super().record(*batch)
        self.written.set()
        await self.go_on.wait()
        return overtaken


async def test_a_pass_that_is_cut_off_while_it_records_leaves_nothing_to_be_recorded_twice(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), uploads="a", open_store=Slow.open) as (w, doors):
        w.store.written, w.store.go_on = asyncio.Event(), asyncio.Event()
        doors.open("a")
        await w.sender.send_due()
        await ended(w)
        a_pass = asyncio.create_task(w.sender.send_due())
        await w.store.written.wait()
        a_pass.cancel()
        stopping = asyncio.create_task(w.sender.stop(0))
        await asyncio.sleep(0)
        w.store.go_on.set()
        await stopping
        assert w.sender.in_flight == 0
        assert await phases(w) == [("delivered", 1)]


async def test_a_stop_that_is_cut_off_records_what_has_ended(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), uploads="ab") as (w, doors):
        await w.sender.send_due()
        doors.open("a")
        await ended(w)
        stopping = asyncio.create_task(w.sender.stop(60))
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        assert await phases(w) == [("delivered", 1), ("waiting", 0)]


async def test_stop_lets_what_is_on_its_way_end_and_records_it(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), uploads="a") as (w, doors):
        await w.sender.send_due()
        stopping = asyncio.create_task(w.sender.stop(60))
        await asyncio.sleep(0)
        assert not stopping.done()
        doors.open("a")
        await stopping
        assert w.sender.in_flight == 0
        assert await phases(w) == [("delivered", 1)]


async def test_stop_cuts_off_what_takes_too_long_and_it_stays_due(tmp_path):
    async with behind_doors(tmp_path, endpoint("app"), uploads="ab") as (w, doors):
        await w.sender.send_due()
        doors.open("a")
        await ended(w)
        await w.sender.stop(0)
        assert await phases(w) == [("delivered", 1), ("waiting", 0)]
        due, _ = await w.store.due(w.clock.now, {"app": 8})
        assert [delivery.upload for delivery in due] == ["b"]


async def test_stop_has_nothing_to_wait_for_where_nothing_is_on_its_way(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        await w.sender.stop(60)
        assert w.sender.in_flight == 0


# --- what the log says


async def test_an_attempt_is_one_line_with_all_that_is_known(tmp_path, caplog):
    caplog.set_level(logging.INFO, "notifier.ended")
    async with world(tmp_path, endpoints=(endpoint("app", schedule=(0.0, 5.0, 5.0)),), uploads=("a",)) as w:
        answers = iter([
            Attempt(w.clock.now, 0.0123, Outcome.HTTP_5XX, 503, "the host answers 503"),
            Attempt(w.clock.now, 20.0, Outcome.TIMEOUT_TOTAL),
            Attempt(w.clock.now, 0.01, Outcome.DELIVERED, 204),
        ])  # fmt: skip

        async def post(_delivery):
            return next(answers)

        w.post = post
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        await w.sends_until(w.clock.now + 60)
    told = [
        (record.levelname, one) for record in caplog.records if record.message == "attempted" for one in record.fields
    ]
    assert [level for level, _ in told] == ["WARNING", "WARNING", "INFO"]
    failed, timed_out, delivered = (one for _, one in told)
    same = {
        "event": failed["event"], "type": "upload.queued", "source": "posts", "upload": "a", "endpoint": "app",
        "delivery": 1,
    }  # fmt: skip
    assert failed == same | {
        "attempt": 1, "slot": 1, "outcome": "http_5xx", "status": 503, "ms": 12.3, "phase": "waiting",
        "next": failed["next"], "note": "the host answers 503",
    }  # fmt: skip
    assert timed_out["outcome"] == "timeout_total"
    assert not {"status", "note"} & set(timed_out)
    assert delivered == same | {
        "attempt": 3, "slot": 3, "outcome": "delivered", "status": 204, "ms": 10.0, "phase": "delivered",
    }  # fmt: skip


async def test_a_delivery_that_dies_is_an_error_and_a_success_below_the_level_is_no_line(tmp_path, caplog):
    caplog.set_level(logging.WARNING, "notifier.ended")
    async with world(tmp_path, endpoints=(endpoint("up"), endpoint("down", schedule=(0.0,))), uploads=("a",)) as w:
        w.receivers.down = {"down"}
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        await w.settle()
        assert w.receivers.types("up") == ["upload.queued"]
    (record,) = (record for record in caplog.records if record.message == "attempted")
    (dead,) = record.fields
    assert (record.levelname, dead["phase"], dead["endpoint"]) == ("ERROR", "dead", "down")
    assert "next" not in dead
