"""python -m bench: deliveries per second, beside a bare client's; what they cost where there is much of anything."""

import argparse
import asyncio
import compileall
import cProfile
import gc
import json
import logging
import pstats
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import notifier
from bench import baseline, crowd, first_byte, history, isolation, many, report, returning, whole
from bench.backlog import backlogs
from bench.corpus import Shape
from bench.receipts import sink
from bench.rounds import a_request, delays, play
from notifier import serving

SHAPES = ((25, 8), (1, 64), (1, 8))
"""Endpoints, and requests at once to each: the daemon's defaults filled up, one busy endpoint, one by default."""
SAMPLES = 200
"""Of the delay on an idle daemon."""
RATES = (500, 0)
"""Of the receiver that comes back; 0: none."""
OWED = 1_000_000
"""The largest backlog, and the longest history; ten times as many for those who have the time, and the space."""
FULL = 10
"""Times as many as by default, of whatever there is much of."""
MANY = ((100_000, 1000, 100, 60), (10_000, 10_000, 100, 1))
"""Uploads, those of them that are open, accounts, and requests to each that may go in a minute: a tenth of a million
of whom ten thousand, and of a hundred thousand that are all open, whose lists are looked at once a minute."""
PARTS = ("throughput", "first_byte", "isolation", "return", "backlog", "history", "endpoints", "many")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=6000, help="of a round")
    parser.add_argument("--rounds", type=int, default=3, help="of each shape; the medians are shown")
    parser.add_argument("--owed", type=int, default=OWED, help="the largest backlog, and the longest history")
    parser.add_argument("--endpoints", type=int, default=crowd.ENDPOINTS, help="of the crowd")
    parser.add_argument("--share", type=float, default=1.0, help="of the uploads that are followed, and of the time")
    parser.add_argument("--full", action="store_true", help="ten times as much owed, in history, and followed")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the database lies")
    parser.add_argument("--only", choices=PARTS, help="measure this alone")
    parser.add_argument("--keep", action="store_true", help="compare later runs with this one, which measures all")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--profile", action="store_true", help="show instead where notifier's time goes")
    asked = parser.parse_args()
    if asked.keep and asked.only:
        parser.error("--keep is for a run of everything: ratios of one machine and one day")
    return asked


async def run(asked: argparse.Namespace) -> dict[str, Any]:
    """All that is to be measured."""
    with sink() as there:
        request = await a_request(there, asked.folder, min(3000, asked.deliveries))
    document: dict[str, Any] = {"machine": report.machine(asked.folder) | {"request_us": round(request)}}
    measures = (throughput, noticed, isolated, returned, owed, remembered, crowded, followed)
    for part, measure in zip(PARTS, measures, strict=True):
        if asked.only in {None, part}:
            document |= await measure(asked)
    return document


async def throughput(asked: argparse.Namespace) -> dict[str, Any]:
    """All rounds, after one that warms up."""
    with sink() as there:
        await play(Shape(*SHAPES[0], min(1000, asked.deliveries)), there, asked.folder)
        shapes = []
        for endpoints, in_flight in SHAPES:
            shape = Shape(endpoints, in_flight, asked.deliveries)
            rounds = [
                await play(shape, there, asked.folder, ours_first=number % 2 == 1) for number in range(asked.rounds)
            ]
            shapes.append(report.figures(shape, rounds))
        idle = await delays(there, asked.folder, min(SAMPLES, asked.deliveries))
    return {
        "shapes": shapes,
        "delay": report.delay_figures(idle),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def noticed(asked: argparse.Namespace) -> dict[str, Any]:
    """From an answer to the webhook, through the whole daemon; a twentieth of the deliveries as answers of a kind."""
    samples = max(10, asked.deliveries // 20)
    with sink() as there:
        warm = await first_byte.first_bytes(there, asked.folder, samples)
        rested = await first_byte.first_bytes(there, asked.folder, max(3, samples // 5), first_byte.RESTED)
    return {"first_byte": report.first_byte_figures(warm) | {"rested": report.first_byte_figures(rested)}}


async def isolated(asked: argparse.Namespace) -> dict[str, Any]:
    """Twice as many rounds, of a twentieth of the deliveries as events; after a short one that warms up."""
    events = max(1, asked.deliveries // 20)
    with sink() as there:
        await isolation.rounds(there, asked.folder, min(40, events), 1)
        played = await isolation.rounds(there, asked.folder, events, asked.rounds * 2)
    return {"isolation": report.isolation_figures(played)}


async def returned(asked: argparse.Namespace) -> dict[str, Any]:
    """With a rate and without."""
    deliveries = min(returning.MOST, asked.deliveries)
    came = [await returning.come_back(asked.folder, deliveries, rate) for rate in RATES]
    return {"return": [report.return_figures(one) for one in came]}


async def owed(asked: argparse.Namespace) -> dict[str, Any]:
    """Three backlogs, each ten times as large as the one before."""
    with sink() as there:
        await backlogs(there, asked.folder, 100, 100, 1)
        sizes = await backlogs(there, asked.folder, times(asked, asked.owed), asked.deliveries, asked.rounds)
        drained = await whole.whole(there, asked.folder, asked.owed)
    return {"backlog": report.backlog_figures(sizes), "whole": whole.figures(drained)}


async def remembered(asked: argparse.Namespace) -> dict[str, Any]:
    """Histories, each ten times as long as the one before."""
    with sink() as there:
        most = times(asked, asked.owed)
        rounds = await history.histories(there, asked.folder, most, asked.deliveries, asked.rounds)
    return {"history": history.figures(rounds)}


async def crowded(asked: argparse.Namespace) -> dict[str, Any]:
    """Very many endpoints."""
    with sink() as there:
        return {"endpoints": crowd.figures(await crowd.crowd(there, asked.folder, asked.endpoints))}


async def followed(asked: argparse.Namespace) -> dict[str, Any]:
    """Very many uploads, few of them open; then as many lists whose uploads are all open."""
    cases, share = [], min(1.0, asked.share)
    with sink() as there:
        for *case, each in MANY:
            uploads, live, accounts = (max(1, round(times(asked, one) * asked.share)) for one in case)
            budget = f"{round(each / share)}/m"
            found = await many.follow(there, asked.folder, uploads, live, accounts, budget, share)
            cases.append(many.figures(found))
    return {"many": cases}


def times(asked: argparse.Namespace, count: int) -> int:
    """So many, or as many as were asked for instead."""
    return count * FULL if asked.full else count


async def profile(asked: argparse.Namespace) -> None:
    """One round of the first shape under cProfile: the event loop's thread, not SQLite's."""
    profiler = cProfile.Profile()
    with sink() as there:
        await play(Shape(*SHAPES[0], asked.deliveries), there, asked.folder, profile=profiler)
    stats = pstats.Stats(profiler, stream=sys.stdout)
    print(report.profiled(stats))
    stats.sort_stats("tottime").print_stats(30)


def main() -> None:
    asked = arguments()
    compileall.compile_dir(Path(notifier.__file__).parent, quiet=1)  # as pip does; the environment may forbid Python to
    gc.set_threshold(serving.YOUNG)  # as the daemon does; here for both sides
    logging.basicConfig(level=logging.ERROR)  # that one hangs or is down is no news here
    if asked.profile:
        asyncio.run(profile(asked))  # cProfile cannot see into uvloop
        return
    with asyncio.Runner(loop_factory=serving.fast_loop()) as runner:
        document = runner.run(run(asked))
    print(json.dumps(document) if asked.json else report.printed(document, baseline.kept()))
    if asked.keep:
        baseline.keep(document)


if __name__ == "__main__":
    main()
