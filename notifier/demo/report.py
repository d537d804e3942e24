"""The verdict and its circumstances → a summary for people, a document for programs."""

from dataclasses import dataclass
from typing import Any

from notifier.demo.ledger import Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a demo.

    `requests` counts them by source, `overruns` those beyond the limit; `exit` is the daemon's code, `log` the end of
    what it wrote.
    """

    seconds: float
    verdict: Verdict
    requests: dict[str, int]
    overruns: int
    exit: int
    log: str = ""

    @property
    def wrong(self) -> tuple[str, ...]:
        """A line for each thing that should not be; where there is none, the demo has succeeded."""
        lines = list(self.verdict.wrong)
        if self.overruns:
            lines.append(f"posts: {self.overruns} requests more than its limit allows")
        if self.exit:
            lines.append(f"the daemon ended with {self.exit} when it was asked to stop")
        return tuple(lines)

    @property
    def headline(self) -> str:
        """The whole in one sentence."""
        if self.wrong:
            return f"Not as it should be, {len(self.wrong)} times over."
        return "All of it arrived: verified, in order, nothing lost."

    def rows(self) -> list[tuple[str, str]]:
        """The summary: what a row is about, and what there is to say."""
        it = self.verdict
        asked = ", ".join(f"{count} of {name}" for name, count in self.requests.items())
        return [
            ("detected", f"{it.changes} changes made, {it.shown} of them shown to the daemon"),
            ("delivered", f"{it.webhooks} webhooks"),
            ("verified", f"{it.verified} requests, {len(it.unverified)} not"),
            ("retried", f"{it.retried} webhooks after {it.refused} refusals, {it.duplicates} duplicates"),
            ("lost", f"{len(it.lost)} of the {it.owed} owed for uploads that came to rest"),
            ("untrue", f"{len(it.untrue)}"),
            ("disordered", f"{len(it.disordered)}"),
            ("delay", f"{_seconds(it.median_delay)} median, {_seconds(it.worst_delay)} worst, from change to receipt"),
            ("asked", f"{asked}; {self.overruns} beyond the limit"),
        ]

    def document(self) -> dict[str, Any]:
        """All of it for `--json`. Delays are in seconds."""
        it = self.verdict
        return {
            "ok": not self.wrong,
            "wrong": list(self.wrong),
            "seconds": self.seconds,
            "changes": {"made": it.changes, "shown": it.shown},
            "webhooks": {
                "delivered": it.webhooks,
                "verified": it.verified,
                "unverified": len(it.unverified),
                "refused": it.refused,
                "retried": it.retried,
                "duplicates": it.duplicates,
                "owed": it.owed,
                "lost": len(it.lost),
                "untrue": len(it.untrue),
                "disordered": len(it.disordered),
            },
            "delay": {"median": _rounded(it.median_delay), "worst": _rounded(it.worst_delay)},
            "requests": dict(self.requests),
            "overruns": self.overruns,
        }


def _rounded(delay: float | None) -> float | None:
    return None if delay is None else round(delay, 3)


def _seconds(delay: float | None) -> str:
    return "–" if delay is None else f"{delay:.1f} s"
