"""Rounds → medians, a table, JSON; and the machine that they were measured on."""

import os
import platform
import pstats
import sqlite3
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import backlog, baseline, crowd, first_byte, history, isolation, many, returning, whole
from bench.backlog import Drained
from bench.corpus import Shape
from bench.isolation import Half
from bench.returning import Return
from bench.rounds import Round
from bench.sink import TAKES
from notifier import serving

REQUIRED = 0.8
"""Of the bare client's rate, with many at once: what we ask of ourselves."""


def machine(folder: Path) -> dict[str, str]:
    """What the figures depend on."""
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "processors": f"{os.cpu_count()} × {_cpu()}",
        "system": f"{platform.system()} {platform.release()}, database on {_file_system(folder)}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "aiohttp": version("aiohttp"),
        "aiosqlite": version("aiosqlite"),
        "uvloop": version("uvloop") if serving.fast_loop() else "none",
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _file_system(folder: Path) -> str:
    """The type of the mount that holds the folder: the longest mount point above it."""
    there = folder.resolve()
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    above = [(len(point), kind) for _, point, kind, *_ in mounts if there.is_relative_to(point)]
    return max(above)[1]


def figures(shape: Shape, rounds: Sequence[Round]) -> dict[str, Any]:
    """Medians over the rounds; that of the ratio too, because both halves of a round met the same load."""
    return {
        "endpoints": shape.endpoints,
        "in_flight": shape.endpoints * shape.in_flight,
        "deliveries": rounds[0].ours.deliveries,
        "ours_per_second": round(statistics.median(one.ours.rate for one in rounds)),
        "bare_per_second": round(statistics.median(one.bare.rate for one in rounds)),
        "ratio": round(statistics.median(one.ours.rate / one.bare.rate for one in rounds), 3),
        "ratio_announced": round(statistics.median(one.bare.seconds / one.durable for one in rounds), 3),
        "ours_cpu_us": round(statistics.median(one.ours.each for one in rounds), 1),
        "bare_cpu_us": round(statistics.median(one.bare.each for one in rounds), 1),
        "announced_per_second": round(statistics.median(one.announced.rate for one in rounds)),
    }


def delay_figures(delays: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(delays)
    return {
        "median_ms": round(statistics.median(ordered) * 1000, 2),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 2),
    }


def first_byte_figures(delays: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Of answers of each kind."""
    return {"samples": min(map(len, delays.values()))} | {news: delay_figures(each) for news, each in delays.items()}


def isolation_figures(rounds: Sequence[tuple[Half, Half]]) -> dict[str, Any]:
    """Medians over the rounds, all well and one hanging; the ratio of the two p99 is taken within each round."""
    each = [[delay_figures(half.delays) for half in halves] for halves in rounds]
    well, hanging = (
        {name: round(statistics.median(row[name] for row in rows), 2) for name in rows[0]}
        for rows in zip(*each, strict=True)
    )
    ratios = [round(one["p99_ms"] / other["p99_ms"], 2) for other, one in each]
    return {
        "endpoints": isolation.ENDPOINTS,
        "events_per_second": isolation.PER_SECOND,
        "events": sum(len(one.delays) for one, _ in rounds) // (isolation.ENDPOINTS - 1),
        "busy": round(statistics.fmean(half.busy for one in rounds for half in one), 2),
        "hung": sum(one.hung for _, one in rounds),
        "well": well,
        "hanging": hanging,
        "ratio": round(statistics.median(ratios), 2),
        "ratios": ratios,
    }


def return_figures(one: Return) -> dict[str, Any]:
    """Seconds, and what the receiver saw. The ideal is as many as the rate says, or as places and answers let."""
    moments = [at for at, _ in one.came]
    rate = one.rate or returning.AT_ONCE / TAKES
    return {
        "rate": one.rate,
        "deliveries": len(moments),
        "lanes": len(moments) // returning.EACH,
        "noticed_s": round(one.noticed, 1),
        "drained_s": round(moments[-1] - moments[0], 2),
        "ideal_s": round(len(moments) / rate, 2),
        "fullest_second": returning.fullest(moments),
        "burst": round(returning.highest(moments, one.rate)) if one.rate else None,
        "first_at_once": returning.at_once(one.came)[: returning.AT_ONCE],
        "at_once": max(returning.at_once(one.came)),
    }


def backlog_figures(sizes: Sequence[Sequence[Drained]]) -> list[dict[str, Any]]:
    """Medians over the rounds of each size; the longest start, and the most memory, of all of them."""
    each = [statistics.median(one.taken.each for one in rounds) for rounds in sizes]
    return [
        {
            "owed": rounds[0].owed,
            "deliveries": rounds[0].taken.deliveries,
            "first_s": round(max(one.first for one in rounds), 3),
            "cpu_us": round(cpu, 1),
            "times": round(cpu / each[0], 2),
            "per_second": round(statistics.median(one.taken.rate for one in rounds)),
            "grown_mb": round(max(one.grown for one in rounds), 1),
        }
        for rounds, cpu in zip(sizes, each, strict=True)
    ]


def printed(document: Mapping[str, Any], before: Mapping[str, float]) -> str:
    """All of it, for people, beside the ratios of a run before."""
    lines = [f"{name:10}  {value}" for name, value in document["machine"].items()]
    if "shapes" in document:
        lines += ["", *_throughput(document)]
    for part, told_of in PRINTED.items():
        if part in document:
            lines += ["", *told_of(document[part])]
    if told := baseline.compared(baseline.ratios(document), before):
        lines += ["", "kept from before → now; ! is more than noise:", *told]
    return "\n".join(lines)


def _throughput(document: Mapping[str, Any]) -> list[str]:
    delay = document["delay"]
    return [
        "endpoints  at once  deliveries   notifier   aiohttp alone   ratio, announced too   µs of processor, each",
        *[_line(row) for row in document["shapes"]],
        "",
        f"announcement committed → received, idle: median {delay['median_ms']} ms, p99 {delay['p99_ms']} ms",
        f"announced: {document['shapes'][0]['announced_per_second']:,} deliveries/s",
        f"peak memory of this process, both clients and all events in it: {document['peak_rss_mb']:.0f} MB",
        "announced too: with the time that it took to announce them, from the change to the last result",
        f"wanted: {REQUIRED} of aiohttp alone, with 200 at once",
    ]


def _isolation(row: Mapping[str, Any]) -> list[str]:
    well, hanging, ratios = row["well"], row["hanging"], row["ratios"]
    return [
        f"one of {row['endpoints']} endpoints hangs; at the others, announcement committed → received:",
        f"all well:    median {well['median_ms']} ms, p99 {well['p99_ms']} ms",
        f"one hanging: median {hanging['median_ms']} ms, p99 {hanging['p99_ms']} ms",
        f"p99 × {row['ratio']}; in the rounds {min(ratios)} to {max(ratios)}; wanted: {isolation.WANTED} at most",
        f"{row['events']:,} events each, {row['events_per_second']}/s; one processor {row['busy']:.0%} busy",
        f"requests left without an answer: {row['hung']}",
    ]


def _return(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    first = rows[0]
    return [
        f"back after {returning.DOWN:.0f} s; {first['deliveries']:,} deliveries owed in {first['lanes']} lanes:",
        "rate    tried after   all there after   ideal   fullest second   burst   at once: first, most",
        *[_return_line(row) for row in rows],
    ]


def _return_line(row: Mapping[str, Any]) -> str:
    rate, first = f"{row['rate']}/s" if row["rate"] else "none", ", ".join(map(str, row["first_at_once"]))
    return (
        f"{rate:6}  {row['noticed_s']:9} s  {row['drained_s']:13.2f} s  {row['ideal_s']:6.2f}"
        f"  {row['fullest_second']:14,}  {row['burst'] or '–':>6}   {first}; {row['at_once']}"
    )


def _backlog(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"owed at the start; wanted: the first there within {backlog.SOON:.0f} s, × {backlog.GROWTH} at most:",
        "      owed   first there   µs of processor, each   of the least   deliveries/s   memory more",
        *[
            f"{row['owed']:10,}  {row['first_s']:10.3f} s  {row['cpu_us']:22.0f}  {row['times']:12.2f} ×"
            f"  {row['per_second']:13,}  {row['grown_mb']:8.1f} MB"
            for row in rows
        ],
    ]


def _line(row: Mapping[str, Any]) -> str:
    return (
        f"{row['endpoints']:9}  {row['in_flight']:7}  {row['deliveries']:10,}"
        f"  {row['ours_per_second']:7,}/s  {row['bare_per_second']:12,}/s"
        f"  {row['ratio']:6.2f}  {row['ratio_announced']:13.2f}   {row['ours_cpu_us']:.0f} and {row['bare_cpu_us']:.0f}"
    )


PRINTED: dict[str, Callable[[Any], list[str]]] = {
    "first_byte": first_byte.printed,
    "isolation": _isolation,
    "return": _return,
    "backlog": _backlog,
    "whole": whole.printed,
    "history": history.printed,
    "endpoints": crowd.printed,
    "many": many.printed,
}
"""What is said of each part, in their order; of the first, `_throughput`."""

PARTS = (
    ("epoll", "waiting for sockets and for SQLite's threads"),
    ("/aiohttp/", "aiohttp"),
    ("/asyncio/", "asyncio"),
    ("/aiosqlite/", "aiosqlite"),
    ("/notifier/sender", "notifier: sender"),
    ("/notifier/store/", "notifier: store"),
    ("/notifier/webhook/", "notifier: webhook"),
    ("/notifier/", "notifier: the rest, signing above all"),
    ("_socket", "the system: send, recv, connect"),
    ("_hashlib", "HMAC"),
    ("", "other builtins and libraries"),
)
"""What a function's place holds, and what we call that part; the first that fits."""


def profiled(stats: pstats.Stats) -> str:
    """Each part's share of the time, by the time that its functions took without those that they called."""
    shares: Counter[str] = Counter()
    for (path, _, name), (_, _, taken, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        shares[next(part for word, part in PARTS if word in f"{path} {name}")] += taken
    whole = shares.total()
    return "\n".join(f"{taken / whole:6.1%}  {part}" for part, taken in shares.most_common())
