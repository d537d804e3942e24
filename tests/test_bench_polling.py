"""The benchmark of polling: its world, its fake providers, its yardsticks and its judgement, on tiny cases."""

import asyncio
import json
import math
import random
import sys
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.model import Look, LookKind, Status
from notifier.providers.base import Malformed, Unavailable

ROOT = Path(__file__).parent.parent
if not (ROOT / "bench" / "polling").is_dir():
    pytest.skip("a source distribution may have no bench/", allow_module_level=True)
sys.path.append(str(ROOT))

from bench.polling import goals, metrics, report, server, trials, weather, yardsticks  # noqa: E402
from bench.polling import world as worlds  # noqa: E402
from bench.polling.drive import Run, Told, drive  # noqa: E402
from bench.polling.work import NAIVE  # noqa: E402

T = 3600.0 * 500_000
CHANCE = random.Random(1)


def life(id_, born, settled, **more):
    given = {"shape": worlds.PHOTO, "begun": T + born + (settled - born) / 2, **more}
    return worlds.Life(id=id_, born=T + born, settled=T + settled, **given)


def world(*lives, counted=0.0, ends=100.0):
    return worlds.World(1.0, T, T + counted, T + ends, tuple(sorted(lives, key=lambda one: one.born)))


# --- the world


def test_a_life_is_what_it_is_at_every_moment():
    one = life("u", 10, 30, verdict=Status.FAILED, deleted=T + 50)
    statuses = [one.status(T + at) for at in (9, 10, 19, 20, 29, 30, 49, 50)]
    queued, processing, failed = Status.QUEUED, Status.PROCESSING, Status.FAILED
    assert statuses == [None, queued, queued, processing, processing, failed, failed, None]
    assert [one.changed(T + at) for at in (15, 25, 35)] == [T + 10, T + 20, T + 30]


def test_as_many_are_open_as_the_size_says_from_the_first_second():
    drawn = [worlds.draw(30.0, seed, worlds.Time(600, 3600)) for seed in range(20)]

    def are_open(after):
        return sum(one.born <= each.begins + after < one.settled for each in drawn for one in each.lives) / len(drawn)

    assert [are_open(after) for after in (0, 1000, 4000)] == [pytest.approx(30, rel=0.15)] * 3


def test_the_same_seed_draws_the_same_world():
    hour = worlds.Time(600, 3600)
    assert worlds.draw(3.0, 7, hour, 0.1) == worlds.draw(3.0, 7, hour, 0.1) != worlds.draw(3.0, 8, hour, 0.1)


@pytest.mark.parametrize("shape", worlds.SHAPES)
def test_lives_are_as_long_as_their_shape_says(shape):
    chance = random.Random(2)
    lives = sorted(chance.lognormvariate(math.log(shape.median), shape.sigma) for _ in range(20_000))
    assert lives[10_000] == pytest.approx(shape.median, rel=0.05)
    assert lives[19_800] == pytest.approx(shape.p99, rel=0.1)


def test_what_is_deleted_or_settles_uncounted_is_no_settling():
    here = world(life("early", 0, 5), life("in", 0, 20), life("deleted", 0, 20, deleted=T + 25), counted=10)
    assert [one.id for one in here.settlings()] == ["in"]


# --- the yardsticks


def test_naive_gets_go_on_until_the_upload_is_seen_settled():
    found = yardsticks.singles(world(life("u", 0, 12)), yardsticks.naive, weather.CALM, CHANCE)
    assert (found.looks, found.first) == (3, 1)
    assert found.delays == [pytest.approx(3, abs=1)]


def test_only_looks_in_the_counted_time_count():
    late = world(life("u", 0, 12), counted=7)
    assert yardsticks.singles(late, yardsticks.naive, weather.CALM, CHANCE).looks == 2
    short = world(life("u", 0, 50), ends=20)
    assert yardsticks.singles(short, yardsticks.naive, weather.CALM, CHANCE).looks == 4


def test_the_vendor_asks_for_large_videos_less_often():
    looks = [
        yardsticks.singles(world(life("u", 0, 34, shape=shape)), yardsticks.vendor, weather.CALM, CHANCE).looks
        for shape in worlds.SHAPES
    ]
    assert looks == [4, 4, 3]  # after 5, 15, 25, 35 s; after 5, 20, 35 s


def test_nobody_hears_anything_in_an_outage():
    out = weather.Weather(outage=(10.0, 30.0))
    found = yardsticks.singles(world(life("u", 0, 12)), yardsticks.naive, out, CHANCE)
    assert (found.looks, found.delays) == (8, [pytest.approx(28, abs=1)])


def test_a_group_look_is_sent_while_something_is_open():
    here = world(life("a", 0, 7), life("b", 6, 9), life("c", 50, 51))
    assert list(yardsticks.busy(here)) == [(T, T + 9), (T + 50, T + 51)]
    found = yardsticks.group(here, 5.0)
    assert found.looks == 3
    assert [round(delay) for delay in found.delays] == [3, 1, 4]


@given(st.lists(st.integers(0, 30), max_size=7, unique=True), st.integers(0, 8))
def test_nobody_needs_fewer_looks_than_the_oracle(moments, longest):
    def covers(looks):
        return all(any(moment <= look <= moment + longest for look in looks) for moment in moments)

    candidates = [moment + longest for moment in moments]
    fewest = next(n for n in range(len(moments) + 1) if any(map(covers, combinations(candidates, n))))
    found = yardsticks.oracle(map(float, moments), longest)
    assert found.looks == fewest
    assert sorted(delay <= longest for delay in found.delays) == [True] * len(moments)


def test_the_oracle_sees_a_hundred_settlings_at_a_time():
    assert yardsticks.oracle([T] * 150, 5.0).looks == 2


# --- the fake provider


def provider(here, form, *, now=0.0, sky=weather.CALM, window=None):
    return server.Server(here, form, sky, window, server.Clock(T + now), random.Random(1))


async def ask(one, look):
    return await one.observe(look, one.clock.now)


FEED, LIST, GET_U = Look(LookKind.FEED, "all"), Look(LookKind.LIST, "all"), Look(LookKind.GET, id="u")


async def test_every_look_moves_the_clock():
    one = provider(world(life("u", 0, 12)), trials.FEED)
    await ask(one, GET_U)
    assert T < one.clock.now < T + 1


async def test_a_feed_shows_what_has_settled_and_the_last_page_first():
    here = world(*(life(f"u{number:03}", 0, number + 1) for number in range(150)), life("open", 0, 1000), ends=200)
    one = provider(here, trials.FEED, now=300)
    first, second = await ask(one, FEED), await ask(one, Look(LookKind.FEED, "all", 2))
    assert [first.more, second.more, first.total] == [True, False, 150]
    assert [seen.id for seen in first.observations] == [f"u{number:03}" for number in range(50, 150)]
    assert len(second.observations) == 50


async def test_a_list_shows_all_newest_first_but_what_is_deleted():
    here = world(life("a", 0, 5), life("b", 1, 90), life("c", 2, 5, deleted=T + 10), life("unborn", 50, 60))
    one = provider(here, trials.LIST, now=20)
    assert [(seen.id, seen.status) for seen in (await ask(one, LIST)).observations] == [
        ("b", Status.QUEUED),
        ("a", Status.COMPLETED),
    ]


async def test_rows_appear_late_where_they_do():
    late = weather.Weather(late=5.0)
    one = provider(world(*(life(f"u{number}", 0, 50) for number in range(20))), trials.LIST, sky=late)
    seen = []
    while len(seen) < 20:
        before, seen = seen, (await ask(one, LIST)).observations
        assert len(before) <= len(seen)
    assert T + 3 < one.clock.now < T + 6


async def test_an_answer_is_cached_for_as_long_as_its_status_says():
    one = provider(world(life("u", 0, 2, begun=T)), trials.FEED, now=1)
    statuses = []
    for moment in (1, 3, 4.5):
        one.clock.now = T + moment
        statuses += [seen.status for seen in (await ask(one, GET_U)).observations]
    assert statuses == [Status.PROCESSING, Status.PROCESSING, Status.COMPLETED]


async def test_a_batch_answers_for_the_ids_that_there_are():
    one = provider(world(life("a", 0, 5), life("b", 0, 50)), trials.batch(3), now=10)
    answer = await ask(one, Look(LookKind.BATCH, ids=("b", "nobody", "a")))
    assert [seen.id for seen in answer.observations] == ["b", "a"]
    with pytest.raises(Malformed):
        await ask(one, Look(LookKind.BATCH, ids=("a", "b", "c", "d")))


@pytest.mark.parametrize(
    ("form", "look"), [(trials.LIST, GET_U), (trials.LIST, FEED), (trials.FEED, Look(LookKind.BATCH, ids=("u",)))]
)
async def test_it_cannot_be_asked_what_it_does_not_offer(form, look):
    with pytest.raises(Malformed):
        await ask(provider(world(life("u", 0, 5)), form), look)


async def test_the_first_look_at_an_upload_is_a_get_of_what_nothing_has_shown():
    one = provider(world(life("u", 0, 5), life("v", 0, 5)), trials.LIST_GET, now=1)
    for look in (GET_U, GET_U, LIST, Look(LookKind.GET, id="v")):
        await ask(one, look)
    assert [sent.first for sent in one.sent] == [True, False, False, False]


async def test_a_window_lets_through_what_it_holds_and_counts_the_rest():
    window = weather.Window(2, 60.0)
    one = provider(world(life("u", 0, 50)), trials.FEED, now=58, window=window)
    assert (await ask(one, GET_U)).limit.remaining == 1
    await ask(one, GET_U)
    with pytest.raises(Unavailable) as refused:
        await ask(one, GET_U)
    assert refused.value.limited
    assert 0 < refused.value.retry_after < 2
    one.clock.now = T + 60
    assert (await ask(one, GET_U)).limit.remaining == 1
    assert window.over == 1


async def test_an_hour_window_says_nothing_of_itself():
    one = provider(world(life("u", 0, 50)), trials.FEED, window=weather.Window(1, 3600.0, tells=False))
    assert (await ask(one, GET_U)).limit is None
    with pytest.raises(Unavailable) as refused:
        await ask(one, GET_U)
    assert (refused.value.limited, refused.value.retry_after) == (True, None)


@pytest.mark.parametrize("sky", [weather.Weather(errors=1), weather.Weather(hanging=1), weather.Weather(outage=(0, 9))])
async def test_bad_weather_is_no_answer(sky):
    one = provider(world(life("u", 0, 50)), trials.FEED, sky=sky)
    with pytest.raises(Unavailable):
        await ask(one, GET_U)
    assert one.clock.now - T > (weather.PATIENCE if sky.hanging else 0)


# --- the judgement


def told(id_, status, at, type_=None):
    return Told(id_, type_ or f"upload.{status}", status, T + at)


def test_a_delay_runs_from_the_providers_moment_to_the_event():
    here = world(life("u", 0, 12), life("v", 0, 20), counted=10)
    sent = [
        server.Sent(T + at, kind, first=kind is LookKind.GET) for at, kind in ((5, LookKind.GET), (15, LookKind.FEED))
    ]
    sent.append(server.Sent(T + 16, LookKind.GET, first=True))
    found = metrics.judged(Run(here, sent, [told("u", "processing", 7), told("u", "completed", 15)], over=3))
    assert (found.looks, found.first, found.settled, found.missed, found.refused) == (2, 1, 2, 1, 3)
    assert found.delays == [3.0]
    assert (found.false, found.repeated) == (0, 0)
    assert (found.per_settled(), found.per_settled(first=False)) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("events", "false", "repeated"),
    [
        ([told("u", "failed", 20)], 1, 0),
        ([told("u", "completed", 11)], 1, 0),
        ([told("u", "gone", 30)], 1, 0),
        ([told("u", "unknown", 30)], 1, 0),
        ([told("d", "gone", 30)], 0, 0),
        ([told("d", "gone", 5)], 1, 0),
        ([told("d", "completed", 30)], 1, 0),
        ([told("u", "completed", 13), told("u", "completed", 14)], 0, 1),
        ([told("u", "completed", 13), told("u", "processing", 14)], 0, 1),
        ([told("u", "processing", 9), told("u", "processing", 10, "upload.updated")], 0, 1),
        ([told("u", "processing", 9), told("u", "processing", 10, "upload.stalled")], 0, 0),
    ],
)
def test_what_is_told_wrongly_is_counted(events, false, repeated):
    here = world(life("u", 0, 12), life("d", 0, 12, deleted=T + 8))
    found = metrics.judged(Run(here, [], events, over=0))
    assert (found.false, found.repeated) == (false, repeated)


def test_the_fullest_clock_hour_is_found():
    assert metrics.most_in_an_hour([T, T + 3599, T + 3600, T + 3601, T + 7199]) == 3


def test_what_stands_for_three_counts_three_times_but_not_its_faults():
    found = result(10, 4, 2.0).pooled
    found.missed = 1
    tripled = found.times(3)
    assert (tripled.looks, tripled.first, tripled.settled, tripled.seconds, tripled.missed) == (30, 12, 30, 180, 1)
    assert (tripled.per_settled(), tripled.percentile(0.5), len(tripled.delays)) == (found.per_settled(), 2.0, 30)


def test_percentiles_are_values_that_were_found():
    figures = metrics.Figures(delays=[float(number) for number in range(100, 0, -1)])
    assert [figures.percentile(share) for share in (0.5, 0.99, 1)] == [50, 99, 100]
    assert math.isnan(metrics.Figures().percentile(0.5))


def result(looks, first, delay, size=1.0):
    figures = metrics.Figures(seconds=60, settled=10, looks=looks, first=first, delays=[delay] * 10)
    return metrics.Result({size: figures})


def test_a_goal_is_reached_or_not():
    found = {("free", NAIVE): result(170, 10, 5.0), ("free", "FEED, 4.9 s"): result(16, 10, 6.0)}
    by_name = {goal.name: goal for goal in goals.goals(found)}
    after_first = by_name["FEED, 4.9 s: times fewer requests than GET every 5 s, after first sight, at least"]
    all_in = by_name["FEED, 4.9 s: times fewer requests than GET every 5 s, all in, at least"]
    p99 = by_name["FEED, 4.9 s: its p99 of GET every 5 s, s"]
    assert (after_first.found, after_first.ok) == (pytest.approx(160 / 6), True)
    assert (all_in.found, all_in.ok) == (pytest.approx(170 / 16), True)
    assert (p99.found, p99.ok) == (6.0, False)


def test_the_document_can_be_printed_and_serialised():
    found = {("free", NAIVE): result(170, 10, 5.0), ("free", "FEED, 4.9 s"): result(16, 10, 6.0)}
    document = json.loads(json.dumps(report.document(found, 1.0)))
    assert document["groups"]["free"]["FEED, 4.9 s"]["fewer"] == 10.6
    lines = report.printed(document).splitlines()
    assert any(line.startswith("NOT") and "p99" in line for line in lines)


# --- all of it


@pytest.mark.parametrize("form", [trials.FEED, trials.LIST_GET])
async def test_the_real_poller_tells_all_that_settles(form, tmp_path):
    time = worlds.Time(30, 120)
    trial = trials.Trial("free", "tiny", form, trials.DEFAULTS, (3.0,), time)
    run = await drive(trial, worlds.draw(3.0, 5, time), 5, tmp_path)
    found = metrics.judged(run)
    assert found.settled == len(found.delays) > 0
    assert (found.missed, found.false, found.repeated) == (0, 0, 0)
    assert list(tmp_path.iterdir()) == []


async def test_the_program_prints_one_document(tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.polling", "--quick", "--json", "--only", "free: FEED, 14",
        "--folder", str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    document = json.loads(out)
    assert {"FEED, 14 s", NAIVE} < set(document["groups"]["free"])
    assert document["goals"]
