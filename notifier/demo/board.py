"""What happens on the stage → a live picture of it on a terminal; only here is rich imported."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from notifier.demo.ledger import Name, Receipt, Truth
from notifier.demo.report import Report
from notifier.demo.timeline import Mishap

COLOURS = {
    "scheduled": "magenta",
    "queued": "cyan",
    "processing": "blue",
    "completed": "green",
    "partial": "yellow",
    "action_required": "yellow",
    "failed": "red",
}
FEWEST, MOST = 3, 8
"""Webhooks that are shown at least, whatever the height of the terminal, and at most."""


@dataclass(slots=True)
class Row:
    """An upload: what is true of it, and what an endpoint heard of it last."""

    title: str
    truth: Truth
    told: str = ""
    delay: float | None = None
    sequence: int = 0


class Board:
    """The live picture: uploads, receivers, the last webhooks and how far it is."""

    def __init__(self, console: Console, clock: Callable[[], float], endpoints: tuple[str, ...]) -> None:
        """Nothing is drawn before the context is entered."""
        self._console = console
        self._clock = clock
        self._started_at = clock()
        self._endpoints = endpoints
        self._rows: dict[Name, Row] = {}
        self._counts = {name: Counter[str]() for name in endpoints}
        self._health = dict.fromkeys(endpoints, Text("–", "dim"))
        self._last: deque[Text] = deque(maxlen=MOST)
        self._words = f"posts, media → notifier → {', '.join(endpoints)}"
        self._begun_at, self._seconds = 0.0, 0.0
        self._live = Live(console=console, auto_refresh=False, get_renderable=self.picture)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._live.stop()

    # --- what it is told

    def say(self, words: str) -> None:
        """At the top, until something else is said."""
        self._words = words

    def begin(self, seconds: float) -> None:
        """The bar begins to move."""
        self._begun_at, self._seconds = self._clock(), seconds

    def frame(self) -> None:
        """Draw it anew."""
        self._live.refresh()

    def moved(self, truth: Truth, title: str) -> None:
        """An upload's row changes, or is new."""
        row = self._rows.setdefault(truth.upload, Row(title, truth))
        row.truth = truth

    def went_wrong(self, mishap: Mishap) -> None:
        """Among the webhooks, where it explains them."""
        self._last.append(self._stamped(Text(f"! {mishap.value}", "yellow")))

    def received(self, receipt: Receipt) -> None:
        """Count it, and show it last."""
        good = receipt.accepted and receipt.fault is None
        self._counts[receipt.endpoint]["verified" if receipt.fault is None else "unverified"] += 1
        self._counts[receipt.endpoint]["accepted" if good else "refused"] += 1
        self._health[receipt.endpoint] = Text("● up", "green") if good else Text("● down", "red")
        row = self._rows.get(receipt.upload) if receipt.upload else None
        if row is not None and receipt.sequence > row.sequence:
            _tell(row, receipt)
        line = Text.assemble(("→ ", "dim"), f"{receipt.endpoint:<4} ", (f"{row.title if row else '':<12} ", "bold"))
        line.append(f"{receipt.type:<23} ", _colour(receipt.type))
        line.append(receipt.outcome, "green" if good else "red")
        self._last.append(self._stamped(line))

    def conclude(self, report: Report) -> None:
        """The last picture stays, the summary comes below it."""
        self._live.stop()
        table = Table.grid(padding=(0, 2))
        for label, text in report.rows():
            table.add_row(Text(label, "dim"), text)
        for line in report.wrong:
            table.add_row("", Text(line, "red"))
        headline = Text(report.headline, "bold red" if report.wrong else "bold green")
        self._console.print(table, "", headline, sep="\n")

    # --- the picture

    def picture(self) -> RenderableType:
        """All of it, as it is now; the webhooks get what height is left."""
        tables = [self._head(), "", self._uploads(), "", self._receivers(), ""]
        taken = len(self._rows) + len(self._endpoints) + 7
        left = min(MOST, max(FEWEST, self._console.height - taken - 1))
        return Group(*tables, *list(self._last)[-left:])

    def _head(self) -> RenderableType:
        now = self._clock()
        passed = min(now - self._begun_at, self._seconds) if self._begun_at else 0.0
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=self._seconds or 1.0, completed=passed, width=30)
        head.add_row(Text("notifier demo", "bold"), bar, f"{now - self._started_at:.0f} s", Text(self._words, "dim"))
        return head

    def _uploads(self) -> RenderableType:
        table = Table("SOURCE", "UPLOAD", "STATUS", "TOLD", "AFTER", box=None, header_style="dim", padding=(0, 2, 0, 0))
        for (source, _), row in self._rows.items():
            status = row.truth.status.value
            told = Text(row.told, _colour(row.told))
            if row.truth.old and not row.told:
                told = Text("not news", "dim")
            delay = "" if row.delay is None else f"{row.delay:.1f} s"
            table.add_row(source, Text(row.title, "bold"), Text(f"● {status}", _colour(status)), told, delay)
        return table

    def _receivers(self) -> RenderableType:
        table = Table("RECEIVER", "", box=None, header_style="dim", padding=(0, 2, 0, 0))
        words = ("accepted", "verified", "refused")
        for word in words:
            table.add_column(word.upper(), justify="right")
        for name in self._endpoints:
            table.add_row(Text(name, "bold"), self._health[name], *(str(self._counts[name][word]) for word in words))
        return table

    def _stamped(self, line: Text) -> Text:
        return Text.assemble((f"+{self._clock() - self._started_at:04.1f}s ", "dim"), line)


def _tell(row: Row, receipt: Receipt) -> None:
    """What an endpoint heard, and how long that was after it came true, where it did so before our eyes."""
    row.sequence = receipt.sequence
    if receipt.type == "upload.updated":
        return
    row.told = receipt.type.removeprefix("upload.")
    fresh = receipt.type == row.truth.type and not row.truth.old
    row.delay = receipt.at - row.truth.at if fresh else None


def _colour(word: str) -> str:
    return COLOURS.get(word.removeprefix("upload."), "")
