"""What was measured before, kept beside the bench: ratios, which mean the same on another machine, and what is now."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import crowd, first_byte, many

FILE = Path(__file__).parent / "baseline.json"
NOISE = 0.1
"""Of a ratio: by so much the rounds of one run differ from those of another on a quiet machine."""


def ratios(document: Mapping[str, Any]) -> dict[str, float]:
    """The ratios of a run, by what they are of; the less the better but for the first ones, of a client's rate.

    What has no other yardstick is told in requests of the bare client, as many as take that time, or of what is wanted.
    """
    second = 1e6 / document["machine"]["request_us"]
    found = [pair for part, told in RATIOS.items() if part in document for pair in told(document[part], second)]
    return {name: round(ratio, 2) for name, ratio in found}


Told = Iterator[tuple[str, float]]


def _shapes(rows: Any, _: float) -> Told:
    for row in rows:
        shape = f"{row['endpoints']} endpoints, {row['in_flight']} at once"
        yield f"{shape}: of the bare client's rate", row["ratio"]
        yield f"{shape}: of that, announced too", row["ratio_announced"]
        yield f"{shape}: of its processor time", row["ours_cpu_us"] / row["bare_cpu_us"]


def _delay(row: Any, second: float) -> Told:
    yield "announced → received: requests", row["median_ms"] / 1000 * second


def _first_byte(row: Any, second: float) -> Told:
    for rest, one in first_byte.by_rest(row):
        for news in first_byte.NEWS:
            yield f"first byte, {news}, after {rest}: requests", one[news]["median_ms"] / 1000 * second


def _isolation(row: Any, _: float) -> Told:
    yield "one hangs: p99 of the others", row["ratio"]


def _return(rows: Any, _: float) -> Told:
    for row in rows:
        yield f"return at {row['rate'] or 'no'} rate: of the ideal time", row["drained_s"] / row["ideal_s"]


def _backlog(rows: Any, _: float) -> Told:
    for row in rows[1:]:
        yield f"{row['owed']:,} owed: of the processor time with a few", row["times"]


def _whole(row: Any, _: float) -> Told:
    yield "all of a backlog: of the bare client's rate", row["ratio"]


def _history(rows: Any, _: float) -> Told:
    for row in rows[1:]:
        yield f"{row['past']:,} in history: of the processor time with a few", row["times"]


def _endpoints(row: Any, _: float) -> Told:
    yield "endpoints: memory, of what is wanted", row["kb_most"] / crowd.MOST_EACH


def _many(rows: Any, second: float) -> Told:
    for row in rows:
        case = f"{row['uploads']:,} uploads, {row['live']:,} open"
        yield f"{case}: bytes for one that a provider told", row["bytes"] / row["payload"]
        yield f"{case}: a look, requests", row["look_requests"]
        yield f"{case}: ready, thousands of requests", row["ready_s"] * second / 1000
        yield f"{case}: memory, of what is wanted", row["peak_mb"] / many.MEMORY


RATIOS: dict[str, Callable[[Any, float], Told]] = {
    "shapes": _shapes,
    "delay": _delay,
    "first_byte": _first_byte,
    "isolation": _isolation,
    "return": _return,
    "backlog": _backlog,
    "whole": _whole,
    "history": _history,
    "endpoints": _endpoints,
    "many": _many,
}
"""Of each part, given how many requests of the bare client take a second."""


def compared(now: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """A line for each ratio, marked where it is another than before by more than noise."""
    lines = ((name, before.get(name), ratio) for name, ratio in now.items())
    return [f"{_before(was)} → {ratio:5.2f} {_mark(was, ratio)} {name}" for name, was, ratio in lines]


def _before(ratio: float | None) -> str:
    return "  none" if ratio is None else f"{ratio:6.2f}"


def _mark(before: float | None, now: float) -> str:
    return "!" if before is not None and abs(now - before) > NOISE * before else " "


def kept() -> dict[str, float]:
    """The ratios of the run that is kept."""
    found: dict[str, float] = json.loads(FILE.read_text(encoding="utf-8"))["ratios"]
    return found


def keep(document: Mapping[str, Any]) -> None:
    """Keep this run's, and what machine it was on."""
    kept = {"machine": document["machine"], "ratios": ratios(document)}
    FILE.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
