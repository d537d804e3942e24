"""What /metrics tells, of the real sender over a real database; parsed by Prometheus' own client."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import tables
from prometheus_client.parser import text_string_to_metric_families
from stored import altered, announce, event
from world import World, endpoint, world

from notifier.core.model import Attempt, Delivery, Order, Outcome, Phase, Rate, Status, StatusClass
from notifier.core.replay import Selection
from notifier.core.secret import Secret
from notifier.core.spread import Spread
from notifier.providers.base import Unavailable
from notifier.server.metrics import Metrics
from notifier.server.readings import Vitals
from notifier.store import Store, StoreError
from notifier.tally import LARGE, LARGEST, LOOKED, OF_A_SOURCE

O = Outcome  # noqa: E741  # it stands in a table
MINUTE = 60.0
OFTEN = (0.0, *[MINUTE] * 20)
ANSWERS = {
    "crm": (O.HTTP_5XX, {"status": 503}),
    "busy": (O.HTTP_429, {"status": 429, "retry_after": 7200.0}),
    "gone": (O.HTTP_410, {"status": 410}),
    "wrong": (O.HTTP_4XX, {"status": 422}),
    "inside": (O.REFUSED_ADDRESS, {"rule": "private"}),
    "ours": (O.LOCAL, {}),
    "latest": (O.HTTP_5XX, {"status": 500}),
}
"""What the receivers answer; all others take what comes."""
NEW = {"dns": 0.01, "connect": 0.02, "first_byte": 0.2}
"""Over a connection that was opened for it; what is announced of `b` goes over one that was there."""
ENDPOINTS = (
    *(endpoint(name, schedule=OFTEN) for name in ("app", "crm", "busy", "gone", "inside", "ours")),
    endpoint("wrong", schedule=(0.0,)),
    endpoint("latest", schedule=OFTEN, order=Order.LATEST),
    replace(endpoint("mute"), secrets=(Secret("whsec_x", not_after=0.0),)),
)


OF_THE_PROCESS = re.compile("process_|notifier_(provider_requests|eventloop|loop|stream|log|config)_")
"""What only the real one has: here, and in test_app.py."""


class Answers:
    """Receivers that take 0.3 s for an answer; none comes while `hanging` names the endpoint."""

    def __init__(self, w: World) -> None:
        self._w = w
        self.hanging: set[str] = set()
        w.post = self.post
        w.random.random = lambda: 0.5  # no jitter

    async def post(self, delivery: Delivery) -> Attempt:
        if delivery.endpoint in self.hanging:
            await asyncio.Event().wait()
        outcome, more = ANSWERS.get(delivery.endpoint, (O.DELIVERED, {"status": 204}))
        phases = {} if "status" not in more else {"first_byte": 0.2} if delivery.lane == ord("b") else NEW
        return Attempt(self._w.clock.now, 0.3, outcome, phases=phases, **more)


async def scraped(w: World) -> dict:
    """Each sample, by its name and then its labels, those in the order of their names."""
    return samples(await Metrics(w.store, w.sender.served, w.clock, poller=w.poller).text())


def samples(text: bytes) -> dict:
    """Those of a text."""
    told = [one for family in text_string_to_metric_families(text.decode()) for one in family.samples]
    found = {(one.name, *(one.labels[label] for label in sorted(one.labels))): one.value for one in told}
    assert len(found) == len(told)
    return found


def by_endpoint(found: dict, name: str) -> dict:
    """What a metric has for each endpoint, and where there is one, each value of its second label; without zeros."""
    some = {key[1:]: value for key, value in found.items() if key[0] == name and value}
    return {labels[0] if len(labels) == 1 else labels: value for labels, value in some.items()}


async def announced(w: World, upload: str, sequence: int, size: int = 100) -> None:
    one = event(ord(upload), sequence, at=w.clock.now, upload=upload, body=bytes(size))
    await announce(w.store, one, to=w.endpoints)


@asynccontextmanager
async def troubled(path: Path) -> AsyncIterator[World]:
    """Half an hour in which everything went wrong somewhere, and in the end one endpoint hangs."""
    async with world(path, endpoints=ENDPOINTS) as w:
        answers = Answers(w)
        await altered(w.store, "CREATE TABLE once AS SELECT zeroblob(100000) AS x")
        await altered(w.store, "DROP TABLE once")
        await announced(w, "a", 1)
        await announced(w, "b", 1, size=30_000)
        await w.settle()
        await announced(w, "a", 2)
        await w.sends_until(w.clock.now + 30 * MINUTE)
        answers.hanging = {"app"}
        await announced(w, "b", 2)
        await w.sender.send_due()
        yield w
        await w.sender.stop(0)


async def fails(w: World) -> None:
    """Three looks in a row are answered with 503."""
    w.client.fault = Unavailable("answers 503")
    for _ in range(3):
        w.clock.now += 7200
        await w.poll()


async def test_every_metric_that_is_documented_moves_in_half_an_hour_of_trouble(tmp_path):
    async with troubled(tmp_path) as w:
        for status in (Status.PROCESSING, Status.COMPLETED):
            w.clock.now += 60
            w.client.set("film", status, updated_at=w.clock.now - 1)
            await w.poll()
        found = await scraped(w)
        await fails(w)
        later = await scraped(w)
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \|", tables.METRICS.read_text(), re.MULTILINE)
    assert len(documented) > 15
    for name, type_ in [one for one in documented if not OF_THE_PROCESS.match(one[0])]:
        sample = f"{name}_count" if type_ == "histogram" else name
        assert by_endpoint(found, sample) or by_endpoint(later, sample), name


async def test_how_it_stands_with_each_endpoint_is_told(tmp_path):
    async with troubled(tmp_path) as w:
        found, figures = await scraped(w), await w.store.figures()
        began = w.clock.now - 30 * MINUTE
    assert by_endpoint(found, "notifier_deliveries_waiting") == {
        "app": 1, "crm": 4, "busy": 4, "gone": 4, "inside": 4, "ours": 4, "wrong": 1, "latest": 2, "mute": 4,
    }  # fmt: skip
    assert by_endpoint(found, "notifier_deliveries_dead") == {"wrong": 3}
    assert by_endpoint(found, "notifier_deliveries_in_flight") == {"app": 1, "wrong": 1}
    waited = ("crm", "busy", "gone", "inside", "ours", "latest", "mute")
    assert by_endpoint(found, "notifier_oldest_waiting_seconds") == dict.fromkeys(waited, 30 * MINUTE)
    assert by_endpoint(found, "notifier_endpoint_paused") == {"gone": 1}
    assert by_endpoint(found, "notifier_endpoint_unsigned") == {"mute": 1}
    assert by_endpoint(found, "notifier_endpoint_breaker_state") == {"crm": 2, "inside": 2, "latest": 2}
    until = by_endpoint(found, "notifier_endpoint_throttled_until_timestamp_seconds")
    assert until == {"busy": began + 7200}
    assert found["notifier_store_bytes", "database"] == figures.size
    assert found["notifier_store_free_bytes", "database"] == figures.free


async def test_what_is_counted_is_what_the_database_says(tmp_path):
    async with troubled(tmp_path) as w:
        found = await scraped(w)
        attempts = await tallied(w, "outcome", "attempts JOIN deliveries AS d ON d.id = delivery", "1")
        ended = await tallied(w, "phase", "deliveries AS d", "phase <> 'waiting'")
    counted = by_endpoint(found, "notifier_delivery_attempts_total")
    local = counted.pop(("ours", "local"))
    assert local == 2 * 61  # both lanes, every half a minute
    assert counted == attempts
    assert by_endpoint(found, "notifier_deliveries_total") == ended
    assert by_endpoint(found, "notifier_address_refused_total") == {
        ("inside", "private"): attempts["inside", "refused_address"]
    }
    counts = by_endpoint(found, "notifier_delivery_attempt_duration_seconds_count")
    assert counts == {endpoint: count for (endpoint, _), count in attempts.items()}
    over = {endpoint: count for (endpoint, phase), count in ended.items() if phase != "superseded"}
    retries = by_endpoint(found, "notifier_delivery_retries_total")
    assert {name: count - over.get(name, 0) for name, count in counts.items() if count != over.get(name)} == retries
    assert by_endpoint(found, "notifier_endpoint_breaker_trips_total") == {"crm": 1, "inside": 1, "latest": 1}


async def test_connections_are_told_by_whether_they_were_there(tmp_path):
    async with troubled(tmp_path) as w:
        found = await scraped(w)
        attempts = await tallied(w, "d.lane = 98", "attempts JOIN deliveries AS d ON d.id = delivery", "status NOTNULL")
    words = {0: "false", 1: "true"}
    counted = {(name, words[reused]): count for (name, reused), count in attempts.items()}
    assert by_endpoint(found, "notifier_connections_total") == counted
    assert {("app", "false"), ("app", "true"), ("crm", "false")} <= counted.keys()
    assert {key[2] for key in found if key[0] == "notifier_connections_total"} == {"false", "true"}


async def tallied(w: World, column: str, tables: str, where: str) -> dict:
    sql = f"""SELECT n.name, {column}, count(*) FROM {tables} JOIN endpoints AS n ON n.number = d.endpoint
        WHERE {where} GROUP BY n.name, {column}"""
    return {(name, value): count for name, value, count in await w.store.database.rows(sql)}


async def test_how_long_it_takes_and_how_large_it_is_lies_in_buckets(tmp_path):
    async with troubled(tmp_path) as w:
        found = await scraped(w)
    seconds = {le: found["notifier_delivery_latency_seconds_bucket", "app", le] for le in ("0.1", "0.5", "+Inf")}
    assert seconds == {"0.1": 0, "0.5": 3, "+Inf": 3}
    assert round(found["notifier_delivery_latency_seconds_sum", "app"], 3) == 0.9
    large = {le: found["notifier_delivery_body_bytes_bucket", "crm", le] for le in ("20000.0", "65536.0", "+Inf")}
    assert large == {"20000.0": 1, "65536.0": 2, "+Inf": 2}  # an attempt at the same body again adds nothing


async def test_all_that_can_be_foreseen_begins_with_0(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        found = await scraped(w)
    outcomes = {key[2] for key in found if key[0] == "notifier_delivery_attempts_total"}
    ended = {key[2] for key in found if key[0] == "notifier_deliveries_total"}
    assert (outcomes, ended) == (set(Outcome), set(Phase) - {"waiting"})
    begun = (
        "notifier_build",
        "notifier_store",
        "notifier_source_budget",
        "notifier_config",
    )
    assert {value for (name, *_), value in found.items() if not name.startswith(begun)} == {0}


async def test_what_is_given_up_is_counted_as_what_it_becomes(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"), endpoint("picky", events=("upload.failed",)))) as w:

        async def buggy(_delivery):
            raise ZeroDivisionError

        w.post = buggy
        await announced(w, "a", 1)
        await w.settle()
        found = await scraped(w)
    assert by_endpoint(found, "notifier_deliveries_total") == {("app", "dead"): 1, ("picky", "dropped"): 1}
    assert by_endpoint(found, "notifier_delivery_attempts_total") == {}


class FullDisk(Store):
    """A store whose next commit of results fails."""

    is_full = False

    async def record(self, *batch):
        if self.is_full:
            raise StoreError("no disk")
        return await super().record(*batch)


async def test_what_could_not_be_committed_is_counted_once_it_is(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), open_store=FullDisk.open) as w:
        Answers(w)
        await announced(w, "a", 1)
        w.store.is_full = True
        with pytest.raises(StoreError):
            await w.settle()
        assert by_endpoint(await scraped(w), "notifier_delivery_attempts_total") == {}
        w.store.is_full = False
        await w.settle()
        assert by_endpoint(await scraped(w), "notifier_delivery_attempts_total") == {("app", "delivered"): 1}


async def test_what_an_announcement_that_failed_would_have_replaced_is_not_counted(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("latest", order=Order.LATEST),)) as w:
        await announced(w, "a", 1)
        newer = event(ord("a"), 2, at=w.clock.now, upload="a")
        with pytest.raises(sqlite3.IntegrityError):
            await announce(w.store, newer, newer, to=w.endpoints)
        assert by_endpoint(await scraped(w), "notifier_deliveries_total") == {}
        await announce(w.store, newer, to=w.endpoints)
        assert by_endpoint(await scraped(w), "notifier_deliveries_total") == {("latest", "superseded"): 1}


async def test_a_probe_that_may_go_is_a_breaker_half_open(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("crm", schedule=OFTEN),)) as w:
        Answers(w)
        for upload in "abcde":
            await announced(w, upload, 1)
        at = await w.settle()
        assert by_endpoint(await scraped(w), "notifier_endpoint_breaker_state") == {"crm": 2}
        w.clock.now = at
        assert by_endpoint(await scraped(w), "notifier_endpoint_breaker_state") == {"crm": 1}


async def test_a_throttle_that_is_over_and_a_clock_that_is_set_back_tell_nothing_absurd(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("busy", schedule=OFTEN),)) as w:
        Answers(w)
        await announced(w, "a", 1)
        await w.sender.send_due()
        await w.settle()
        w.clock.now -= 10
        assert by_endpoint(await scraped(w), "notifier_oldest_waiting_seconds") == {}
        w.clock.now += 10_000
        assert by_endpoint(await scraped(w), "notifier_endpoint_throttled_until_timestamp_seconds") == {}


async def test_what_is_owed_again_says_nothing_about_how_long_news_take(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        Answers(w)
        await announced(w, "a", 1)
        await w.settle()
        w.clock.now += 86400
        replay = await w.store.ask(Selection(endpoint="app"), 1.0, w.clock.now)
        await w.store.owe_again(replay.id, 10, w.clock.now)
        await w.settle()
        found = await scraped(w)
    assert by_endpoint(found, "notifier_deliveries_total") == {("app", "delivered"): 2}
    assert by_endpoint(found, "notifier_delivery_latency_seconds_count") == {"app": 1}
    assert by_endpoint(found, "notifier_delivery_body_bytes_count") == {"app": 1}


async def test_of_an_endpoint_that_left_the_config_nothing_is_told_but_what_waits_for_it_and_what_is_dead(tmp_path):
    async with world(tmp_path, endpoints=tuple(endpoint(name) for name in ("app", "crm", "idle"))) as w:
        await announce(w.store, event(1, 1, at=w.clock.now), to=w.endpoints[:2])
    async with world(tmp_path, endpoints=(endpoint("crm"),)) as w:
        w.clock.now += MINUTE
        found = await scraped(w)
        assert by_endpoint(found, "notifier_deliveries_waiting") == {"app": 1, "crm": 1}
        assert by_endpoint(found, "notifier_oldest_waiting_seconds") == {"app": MINUTE, "crm": MINUTE}
        assert {name for name, *labels in found if "app" in labels} == {
            "notifier_deliveries_waiting", "notifier_deliveries_dead", "notifier_oldest_waiting_seconds",
        }  # fmt: skip
        assert not [labels for _, *labels in found if "idle" in labels]
        await w.store.bury_left(w.clock.now, w.clock.now, 9)
        assert by_endpoint(await scraped(w), "notifier_deliveries_dead") == {"app": 1}


@pytest.mark.parametrize(
    ("size", "level"), [(LARGE, None), (LARGE + 1, "WARNING"), (LARGEST, "WARNING"), (LARGEST + 1, "ERROR")]
)
async def test_a_body_that_is_too_large_is_sent_and_logged_once(tmp_path, caplog, size, level):
    async with world(tmp_path, endpoints=(endpoint("crm", schedule=OFTEN),)) as w:
        Answers(w)
        await announced(w, "a", 1, size=size)
        await w.sends_until(w.clock.now + 2.5 * MINUTE)
        assert by_endpoint(await scraped(w), "notifier_delivery_attempts_total") == {("crm", "http_5xx"): 3}
    lines = [one for one in caplog.records if one.message == "large body"]
    assert [(one.levelname, one.fields["endpoint"], one.fields["bytes"]) for one in lines] == (
        [] if level is None else [(level, "crm", size)]
    )


def test_a_bound_belongs_to_what_is_below_it():
    spread = Spread((1.0, 2.0))
    for value in (-5.0, 1.0, 1.5, 2.0, 2.5):
        spread.add(value)
    assert (spread.counts, spread.sum) == ([2, 2, 1], 7.0)


async def test_of_a_source_is_told_what_came_of_the_looks_and_what_was_announced(tmp_path):
    async with world(tmp_path) as w:
        before = await scraped(w)
        born = {key[1]: value for key, value in before.items() if key[0] == "notifier_polls_total"}
        assert born == dict.fromkeys(LOOKED, 0)
        assert sum(key[0] == "notifier_events_total" for key in before) == len(OF_A_SOURCE)
        assert {key[1] for key in before if key[0] == "notifier_provider_requests_total"} == set(StatusClass)
        await w.poll()
        seen_at = w.clock.now
        await fails(w)
        found = await scraped(w)
    looks = by_endpoint(found, "notifier_polls_total")
    assert looks.pop(("ok", "posts")) > 0
    assert looks == {("unavailable", "posts"): 3}
    assert by_endpoint(found, "notifier_events_total") == {("posts", "source.failing"): 1}
    assert by_endpoint(found, "notifier_source_failing") == {"posts": 1}
    assert by_endpoint(found, "notifier_source_last_success_timestamp_seconds") == {"posts": seen_at}


async def test_what_is_followed_is_told_by_its_status(tmp_path):
    async with world(tmp_path, uploads=("a", "b")) as w:
        before = await scraped(w)
        assert {key[2] for key in before if key[0] == "notifier_uploads"} == {*Status, "unseen"}
        assert by_endpoint(before, "notifier_uploads") == {("posts", "unseen"): 2}
        for id_, status in (("a", Status.PROCESSING), ("c", Status.COMPLETED), ("d", Status.COMPLETED)):
            w.client.set(id_, status)
        await w.polls_until(w.clock.now + 60)
        found = await scraped(w)
    assert by_endpoint(found, "notifier_uploads") == {
        ("posts", "processing"): 1, ("posts", "completed"): 2, ("posts", "unseen"): 1,
    }  # fmt: skip


async def test_how_late_a_change_is_seen_is_told_where_the_provider_states_when_it_was(tmp_path):
    async with world(tmp_path, uploads=("a", "silent"), discover=False, listings=()) as w:
        for id_ in ("a", "silent"):
            w.client.set(id_, Status.PROCESSING, updated_at=w.clock.now)
        await w.polls_until(w.clock.now + 60)
        assert by_endpoint(await scraped(w), "notifier_detection_delay_seconds_count") == {}  # what is new is no change
        changed_at = w.clock.now
        w.client.skew = 100.0
        w.client.set("a", Status.COMPLETED, updated_at=changed_at + 100)
        w.client.set("silent", Status.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        found = await scraped(w)
        ((seen_at,),) = await w.store.database.rows("SELECT at FROM events WHERE upload = 'a' AND sequence = 2")
    assert by_endpoint(found, "notifier_detection_delay_seconds_count") == {"posts": 1}
    assert 0 < by_endpoint(found, "notifier_detection_delay_seconds_sum")["posts"] == seen_at - changed_at <= 60


async def test_a_look_that_waits_for_its_budget_is_late_and_nothing_is_left(tmp_path):
    uploads = tuple("abcdefghij")
    async with world(tmp_path, uploads=uploads, discover=False, listings=(), budget=Rate(6, 60)) as w:
        assert by_endpoint(await scraped(w), "notifier_source_budget_remaining_ratio") == {"posts": 1}
        await w.polls_until(w.clock.now + 35)
        found = await scraped(w)
    assert by_endpoint(found, "notifier_source_budget_remaining_ratio") == {}
    assert by_endpoint(found, "notifier_poll_lag_seconds") == {"posts": 30}
    assert by_endpoint(found, "notifier_poll_duration_seconds_count") == {"posts": 4}
    assert by_endpoint(found, "notifier_poll_duration_seconds_sum")["posts"] < 60


async def test_what_is_due_at_once_is_not_late(tmp_path):
    async with world(tmp_path) as w:
        await w.poll()
        assert by_endpoint(await scraped(w), "notifier_poll_lag_seconds") == {}


async def test_the_daemon_tells_of_itself(tmp_path):
    vitals = Vitals(
        {"poller": 1e9, "sender": 0.0},
        0.25,
        3,
        7,
        {"process_open_fds": 12, "process_cpu_seconds_total": 1.5},
        is_refused=True,
        configured_at=1e9,
    )
    async with world(tmp_path) as w:
        text = await Metrics(w.store, w.sender.served, w.clock, vitals=lambda: vitals).text()
        commits = w.store.database.commits
        found = samples(text)
    assert {key: value for key, value in found.items() if OF_THE_PROCESS.match(key[0])} == {
        ("notifier_eventloop_lag_seconds",): 0.25,
        ("notifier_config_last_reload_successful",): 0,
        ("notifier_config_last_reload_success_timestamp_seconds",): 1e9,
        ("notifier_stream_readers",): 3,
        ("notifier_log_dropped_total",): 7,
        ("notifier_loop_last_pass_timestamp_seconds", "poller"): 1e9,
        ("notifier_loop_last_pass_timestamp_seconds", "sender"): 0,
        ("process_open_fds",): 12,
        ("process_cpu_seconds_total",): 1.5,
    }
    assert found[("notifier_store_commit_duration_seconds_count",)] == sum(commits.counts) > 0
    assert 0 < found[("notifier_store_commit_duration_seconds_sum",)] == commits.sum


async def test_only_what_was_committed_counts_as_a_commit(tmp_path):
    async with world(tmp_path) as w:
        commits = w.store.database.commits
        before = sum(commits.counts)
        with pytest.raises(ZeroDivisionError):
            await w.store.database.write(lambda _: 1 / 0)
        assert sum(commits.counts) == before
        await w.store.database.write(lambda _: None)
        assert sum(commits.counts) == before + 1
