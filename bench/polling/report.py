"""results × goals → tables for people, one JSON document for programs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bench.polling.goals import goals
from bench.polling.metrics import Figures, Result
from bench.polling.work import NAIVE, Key

TITLES = {
    "free": "No limit, calm: requests per settled upload, delay in seconds",
    "learned": "No cap: what is known of durations says when to look; a look is worth 5 upload-seconds",
    "hour": "60 reads in every clock hour, of which 45 are ours",
    "minute": "300 open, 60 requests in every minute",
    "rough": "Rough: 1 % errors, 0.2 % hanging, 5 minutes' outage, deletions, late rows, 60 requests in every minute",
}


def document(results: Mapping[Key, Result], seconds: float) -> dict[str, Any]:
    """All figures, pooled and by size."""
    groups: dict[str, dict[str, Any]] = {}
    for (group, name), result in sorted(results.items(), key=_place):
        naive = results.get((group, NAIVE))
        sizes = {f"{size:g}": figures.told() for size, figures in sorted(result.sizes.items())}
        whole = {**result.pooled.told(), **_fewer(result.pooled, naive)}
        groups.setdefault(group, {})[name] = {**whole, "sizes": sizes}
    return {"seconds": round(seconds), "groups": groups, "goals": [goal.told() for goal in goals(results)]}


def _place(item: tuple[Key, Result]) -> tuple[int, float]:
    (group, _), result = item
    return list(TITLES).index(group), -result.pooled.per_settled()


def _fewer(ours: Figures, naive: Result | None) -> dict[str, float]:
    if naive is None:
        return {}
    whole = naive.pooled
    return {
        "fewer": round(whole.per_settled() / max(ours.per_settled(), 1e-9), 1),
        "fewer_after_first": round(whole.per_settled(first=False) / max(ours.per_settled(first=False), 1e-9), 1),
    }


def printed(document: Mapping[str, Any]) -> str:
    """All of it, for people."""
    lines: list[str] = []
    for group, rows in document["groups"].items():
        lines += [TITLES[group], HEAD, *(_line(name, row) for name, row in rows.items()), "", *_by_size(rows), ""]
    lines += ["Goals: wanted, found", *_goals(document["goals"])]
    reached, of = sum(goal["ok"] for goal in document["goals"]), len(document["goals"])
    lines += ["", f"{reached} of {of} goals reached; {document['seconds']} s"]
    return "\n".join(lines)


HEAD = (
    f"{'':26}{'all':>7}{'fewer':>7}{'after 1st':>11}{'fewer':>7}{'p50':>7}{'p90':>7}{'p99':>7}{'max':>7}"
    "  missed false repeated refused"
)


def _line(name: str, row: Mapping[str, Any]) -> str:
    fewer, after = (f"{row[key]:.1f}×" if key in row else "" for key in ("fewer", "fewer_after_first"))
    delays = "".join(f"{row[key]:7.1f}" for key in ("p50", "p90", "p99", "p100"))
    return (
        f"{name:26}{row['per_settled']:7.2f}{fewer:>7}{row['per_settled_after_first']:11.3f}{after:>7}{delays}"
        f"{row['missed']:8}{row['false']:6}{row['repeated']:9}{row['refused']:8}"
    )


def _by_size(rows: Mapping[str, Any]) -> Iterator[str]:
    """Looks after first sight, and the 99th percentile, by the number of uploads open."""
    sizes = list(next(iter(rows.values()))["sizes"])
    for title, key, digits in (("after 1st, by open", "per_settled_after_first", 2), ("p99, by open", "p99", 1)):
        yield f"{title:26}" + "".join(f"{size:>8}" for size in sizes)
        for name, row in rows.items():
            yield f"{name:26}" + "".join(f"{row['sizes'][size][key]:8.{digits}f}" for size in sizes)


def _goals(told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Those about truth only where they are not reached, and how many are."""
    true = [goal for goal in told if goal["wanted"] == 0]
    for goal in told:
        if goal not in true or not goal["ok"]:
            sign = "≥" if goal["at_least"] else "≤"
            yield f"{'ok ' if goal['ok'] else 'NOT'} {sign}{goal['wanted']:7.2f}{goal['found']:9.2f}  {goal['name']}"
    if all(goal["ok"] for goal in true):
        yield f"ok  nothing missed, false, repeated or refused ({len(true)} goals)"
