"""The verdict and its circumstances → a summary for people, a document for programs."""

from dataclasses import dataclass
from typing import Any

from notifier.core.text import counted
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
        if not self.verdict.owed:
            lines.append("nothing changed of which anybody had to be told, so nothing is shown by this")
        if self.overruns:
            lines.append(f"posts: {self.overruns} requests more than its limit allows")
        if self.exit:
            lines.append(f"the daemon ended with {self.exit} when it was asked to stop")
        return tuple(lines)

    @property
    def headline(self) -> str:
        """The whole in one sentence."""
        if self.wrong:
            return f"This is not as it should be: {counted(len(self.wrong), 'fault')}, listed above."
        return "All of it arrived: verified, in order, nothing lost."

    def rows(self) -> list[tuple[str, str]]:
        """The summary: what a row is about, and what there is to say."""
        it = self.verdict
        asked = ", ".join(f"{name} {count}" for name, count in self.requests.items())
        return [
            (
                "changes",
                f"{it.changes} at the providers: {it.shown} seen, {it.changes - it.shown} came and went between looks",
            ),
            ("delivered", f"{counted(it.webhooks, 'webhook')}, {counted(it.duplicates, 'repeat')}"),
            ("verified", f"{it.verified} of {it.verified + len(it.unverified)} signatures"),
            ("called", f"{counted(it.understood, 'time')} in Encoding.com's manner, which has none"),
            ("retried", f"{counted(it.retried, 'webhook')}, after {counted(it.refused, 'refusal')}"),
            ("lost", f"{len(it.lost)} of the {it.owed} owed: each final status, to whoever wants it"),
            ("untrue", f"{len(it.untrue)} that told what no provider had said"),
            ("disordered", f"{len(it.disordered)} that came after a later one of the same upload"),
            (
                "delay",
                f"{_seconds(it.median_delay)} from change to webhook (median), {_seconds(it.worst_delay)} at worst",
            ),
            ("asked", f"{asked} times; {self.overruns} beyond the provider's limit"),
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
                "understood": it.understood,
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
