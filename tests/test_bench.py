"""The benchmark, very small: it checks every receipt itself, and what it says is complete."""

import asyncio
import json
import sys
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.model import Rate

ROOT = Path(__file__).parent.parent
if not (ROOT / "bench").is_dir():
    pytest.skip("a source distribution may have no bench/", allow_module_level=True)
sys.path.append(str(ROOT))

from bench import __main__ as program  # noqa: E402
from bench import baseline, crowd, first_byte, history, many, receipts, report, returning, whole  # noqa: E402
from bench.corpus import Shape, endpoints  # noqa: E402
from bench.isolation import Half  # noqa: E402
from bench.rounds import Round, Taken  # noqa: E402


async def bench(folder: Path, *more: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", "--deliveries", "48", "--rounds", "1", "--owed", "300",
        "--endpoints", "12", "--share", "0.002", "--folder", str(folder), *more,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    return out.decode()


async def test_every_delivery_arrives_once_and_in_order_and_the_table_says_so(tmp_path):
    lines = (await bench(tmp_path, "--only", "throughput")).splitlines()
    shapes = lines[lines.index("") + 2 :][:3]
    assert [line.split()[:3] for line in shapes] == [["25", "200", "75"], ["1", "64", "48"], ["1", "8", "48"]]
    assert any("database on" in line for line in lines)
    assert any("peak memory" in line for line in lines)
    assert list(tmp_path.iterdir()) == []


async def test_json_has_the_same_figures(tmp_path):
    document = json.loads(await bench(tmp_path, "--json", "--only", "throughput"))
    assert set(document) == {"machine", "shapes", "delay", "peak_rss_mb"}
    for row in document["shapes"]:
        assert row["ratio"] == pytest.approx(row["ours_per_second"] / row["bare_per_second"], rel=0.01)
    assert is_delay(document["delay"])


def is_delay(row):
    return 0 < row["median_ms"] <= row["p99_ms"]


def check_first_byte(row):
    assert row["samples"] >= 10
    for kind in (row, row["rested"]):
        assert is_delay(kind["found"])
        assert is_delay(kind["changed"])


def check_isolation(row):
    assert is_delay(row["well"])
    assert is_delay(row["hanging"])
    assert (row["events"], len(row["ratios"])) == (4, 2)


def check_return(rows):
    assert [(row["rate"], row["deliveries"], row["lanes"]) for row in rows] == [(500, 40, 4), (0, 40, 4)]
    with_rate, without = rows
    assert 0 < with_rate["burst"] <= with_rate["fullest_second"] <= 40
    assert without["burst"] is None


def check_backlog(rows):
    assert [row["owed"] for row in rows] == [3, 30, 300]
    assert [row["deliveries"] >= least for row, least in zip(rows, (3, 30, 48), strict=True)] == [True] * 3
    assert all(0 < row["first_s"] < 5 and row["cpu_us"] > 0 for row in rows)


def check_whole(row):
    assert row["owed"] == 300
    assert 0 < row["first_s"] < 10
    assert 0 < row["ready_mb"] <= row["most_mb"] < 200


def check_history(rows):
    assert [(row["past"], row["deliveries"], row["times"], row["announce_times"]) for row in rows] == [(1000, 75, 1, 1)]


def check_endpoints(row):
    assert row["endpoints"] == 12
    assert 0 <= row["half_s"] <= row["all_s"]


def check_many(rows):
    assert [(row["uploads"], row["live"], row["accounts"]) for row in rows] == [(200, 2, 1), (20, 20, 1)]
    assert all(0 < row["payload"] < row["bytes"] and row["ready_s"] > 0 for row in rows)
    assert all(0 < row["first_peak_mb"] < 200 and 0 < row["peak_mb"] < 200 for row in rows)


CHECKS = {
    "first_byte": check_first_byte,
    "isolation": check_isolation,
    "return": check_return,
    "backlog": check_backlog,
    "whole": check_whole,
    "history": check_history,
    "endpoints": check_endpoints,
    "many": check_many,
}


@pytest.mark.uncounted
@pytest.mark.parametrize("part", [one for one in CHECKS if one != "whole"])
async def test_one_part_alone_is_measured_where_it_is_asked_for(tmp_path, part):
    document = json.loads(await bench(tmp_path, "--json", "--only", part))
    parts = ["backlog", "whole"] if part == "backlog" else [part]
    assert set(document) == {"machine", *parts}
    for one in parts:
        CHECKS[one](document[one])
    assert list(tmp_path.iterdir()) == []


def test_a_look_is_told_in_requests_of_the_bare_client_too():
    row = many.figures(many.Followed(1000, 10, 30, 300.0, 100.0, 1.0, 90.0, 80.0, 0.5, 20.0, 100, 250.0))
    assert (row["look_us"], row["look_requests"]) == (5000, 20.0)
    assert (row["busy"], row["looks_per_second"]) == (0.025, 5.0)


def test_what_is_durable_took_to_be_announced_too():
    half = Taken(100, seconds=1.0, cpu=0.01)
    rounds = [Round(Taken(100, seconds=0.25, cpu=0.01), half, half)]
    row = report.figures(Shape(1, 8, 100), rounds)
    assert (row["ratio"], row["ratio_announced"]) == (1.0, 0.8)


@pytest.mark.parametrize("printed", [first_byte.printed, whole.printed, history.printed, crowd.printed, many.printed])
def test_what_is_wanted_is_said_beside_what_was_measured(printed):
    delay = {"median_ms": 1.0, "p99_ms": 2.0}
    row = defaultdict(lambda: 1, found=delay, changed=delay)
    row["rested"] = row
    assert "wanted" in "\n".join(printed([row] if printed in {history.printed, many.printed} else row))


async def test_a_profile_shows_our_own_share(tmp_path):
    assert "notifier: sender" in await bench(tmp_path, "--profile")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda found: found.pop(), "5 of 6 arrived"),
        (lambda found: found[0].update(verified=False), "signature"),
        (lambda found: found[0].update(headers=["host"]), "headers"),
        (lambda found: found[0].update(id=found[1]["id"]), "twice"),
        (lambda found: found.reverse(), "lane"),
    ],
)
def test_the_check_of_the_receipts_can_fail(spoil, complaint):
    found = [
        {"path": "/0", "lane": lane, "sequence": sequence, "id": f"{lane}-{sequence}", "verified": True}
        | {"headers": receipts.HEADERS}
        for sequence in (1, 2, 3)
        for lane in (1, 2)
    ]
    receipts.check(found, 6, in_order=True)
    spoil(found)
    with pytest.raises(AssertionError, match=complaint):
        receipts.check(found, 6, in_order=True)


# --- what came when


@pytest.mark.parametrize(
    ("moments", "rate", "fullest", "burst"),
    [
        ([7.0], 4, 1, 1),
        ([0.0, 0.0, 0.0], 4, 3, 3),
        ([0.0, 0.25, 0.5, 0.75, 1.0, 1.25], 4, 5, 1),
        ([0.0, 0.0, 0.25, 0.5], 4, 4, 2),
        ([0.0, 5.0, 5.0, 5.125, 9.0], 4, 3, 2.5),
    ],
)
def test_the_fullest_second_and_the_burst_are_those_of_the_densest_stretch(moments, rate, fullest, burst):
    assert returning.fullest(moments) == fullest
    assert returning.highest(moments, rate) == burst


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 9))
def test_no_stretch_holds_more_than_the_burst_and_the_rate_let(eighths, rate):
    moments = [one / 8 for one in sorted(eighths)]
    stretches = combinations_with_replacement(range(len(moments)), 2)
    assert returning.highest(moments, rate) == max(
        last - first + 1 - rate * (moments[last] - moments[first]) for first, last in stretches
    )


def test_a_request_is_there_from_its_arrival_to_its_answer():
    came = [(0.0, 2.0), (1.0, 3.0), (2.5, 4.0), (5.0, 6.0)]
    assert returning.at_once(came) == [1, 2, 2, 1]
    assert returning.ended_before(came) == [0, 0, 1, 3]


ONE_BY_ONE = [(number, number + 0.5) for number in range(4)]


@pytest.mark.parametrize(
    ("came", "rate", "complaint"),
    [
        (ONE_BY_ONE, 0, None),
        (ONE_BY_ONE, 1, None),
        ([(0.0, 0.5), *[(1.0, 1.5)] * 2], 0, "2 at once after 1 successes, at 1.000 s"),
        ([*ONE_BY_ONE, *[(4.0, 4.5)] * 2], 0, None),
        ([*ONE_BY_ONE, *[(4.0, 4.5)] * 3], 0, "3 at once after 4 successes"),
        ([(number / 4, number / 4) for number in range(8)], 1, "a burst of 6, at 1/s"),
        ([(number / 4, number / 4) for number in range(8)], 4, None),
    ],
)
def test_more_than_the_rate_and_a_ramp_that_is_too_steep_are_found(came, rate, complaint):
    endpoint = replace(endpoints(Shape(1, 2, 0), 80)[0], rate=Rate(rate, 1))
    with pytest.raises(AssertionError, match=complaint) if complaint else nullcontext():
        returning.judge(came, endpoint)


def test_medians_are_shown_and_the_ratio_is_taken_within_each_round():
    rounds = [
        (Half([0.001] * 9, 0.3, 0), Half([0.002] * 9, 0.3, 5)),
        (Half([0.004] * 9, 0.4, 0), Half([0.005] * 9, 0.2, 3)),
    ]
    row = report.isolation_figures(rounds)
    assert (row["well"]["p99_ms"], row["hanging"]["p99_ms"], row["ratios"]) == (2.5, 3.5, [2.0, 1.25])
    assert row["ratio"] == pytest.approx(1.625, abs=0.01)
    assert (row["events"], row["busy"], row["hung"]) == (2, 0.3, 8)


@pytest.mark.parametrize(("rate", "ideal", "burst"), [(2, 2.0, 3), (0, 0.0025, None)])
def test_a_return_is_told_beside_what_it_would_take_at_best(rate, ideal, burst):
    came = [(0.0, 0.1), (0.25, 0.4), (0.5, 0.6), (0.5, 0.6)]
    row = report.return_figures(returning.Return(rate, 12.34, came))
    assert (row["ideal_s"], row["burst"]) == (pytest.approx(ideal, abs=0.01), burst)
    assert (row["noticed_s"], row["drained_s"], row["fullest_second"], row["at_once"]) == (12.3, 0.5, 4, 2)


# --- what is kept


def test_a_run_is_told_beside_the_one_that_is_kept_and_what_is_not_noise_is_marked():
    shape = {
        "endpoints": 25,
        "in_flight": 200,
        "ratio": 0.8,
        "ratio_announced": 0.7,
        "ours_cpu_us": 110,
        "bare_cpu_us": 88,
    }
    now = baseline.ratios({"machine": {"request_us": 200}, "shapes": [shape], "isolation": {"ratio": 1.0}})
    rate, announced, processor, hangs = now
    assert now == {rate: 0.8, announced: 0.7, processor: 1.25, hangs: 1.0}
    lines = baseline.compared(now, {rate: 0.5, processor: 1.2, "of another day": 1})
    assert lines == [
        f"  0.50 →  0.80 ! {rate}",
        f"  none →  0.70   {announced}",
        f"  1.20 →  1.25   {processor}",
        f"  none →  1.00   {hangs}",
    ]


def test_what_is_kept_is_of_one_run(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "--keep", "--only", "isolation"])
    with pytest.raises(SystemExit):
        program.arguments()
    assert "--keep is for a run of everything" in capsys.readouterr().err


def test_the_run_that_is_kept_has_the_figures_that_are_asked_for():
    names = " ".join(baseline.kept())
    assert "25 endpoints, 200 at once: of the bare client's rate" in names
    assert "1,000,000 owed" in names
