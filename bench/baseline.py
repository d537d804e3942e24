"""What was measured before, kept beside the bench: ratios, which mean the same on another machine, and what is now."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "baseline.json"
NOISE = 0.1
"""Of a ratio: by so much the rounds of one run differ from those of another on a quiet machine."""


def ratios(document: Mapping[str, Any]) -> dict[str, float]:
    """The ratios of a run, by what they are of; the less the better but for the first ones, of a client's rate."""
    found: dict[str, float] = {}
    for row in document.get("shapes", ()):
        shape = f"{row['endpoints']} endpoints, {row['in_flight']} at once"
        found[f"{shape}: of the bare client's rate"] = row["ratio"]
        found[f"{shape}: of that, announced too"] = row["ratio_announced"]
        found[f"{shape}: of its processor time"] = round(row["ours_cpu_us"] / row["bare_cpu_us"], 2)
    if "isolation" in document:
        found["one hangs: p99 of the others"] = document["isolation"]["ratio"]
    for row in document.get("return", ()):
        found[f"return at {row['rate'] or 'no'} rate: of the ideal time"] = round(row["drained_s"] / row["ideal_s"], 2)
    for row in document.get("backlog", ())[1:]:
        found[f"{row['owed']:,} owed: of the processor time with a few"] = row["times"]
    for row in document.get("history", ())[1:]:
        found[f"{row['past']:,} in history: of the processor time with a few"] = row["times"]
    for row in document.get("many", ()):
        size = round(row["bytes"] / row["payload"], 2)
        case = f"{row['uploads']:,} uploads, {row['live']:,} open"
        found[f"{case}: bytes for one that a provider told"] = size
        found[f"{case}: a look, in the bare client's requests"] = row["look_requests"]
    return found


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
    """Keep this run's, and what machine it was on; of what it has not measured, what was kept before."""
    before = kept() if FILE.exists() else {}
    text = json.dumps(
        {"machine": document["machine"], "ratios": before | ratios(document)}, indent=2, ensure_ascii=False
    )
    FILE.write_text(text + "\n", encoding="utf-8")
