"""What happens on the stage → a live picture of it on a terminal; only here is rich imported."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from notifier.core.encoding_com import ERROR, FINISHED
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
    FINISHED: "green",
    ERROR: "red",
}
FEWEST, MOST = 5, 8
"""Webhooks for which there is room in a low terminal, and in any other."""
NARROWEST, LOWEST = 72, 20
"""Columns and lines of the smallest terminal for which there is a picture."""


@dataclass(slots=True)
class Row:
    """An upload: what is true of it, and what an endpoint heard of it last; the higher `turn`, the later it moved."""

    title: str
    truth: Truth
    turn: int
    told: str = ""
    delay: float | None = None
    sequence: int = 0


def fits(console: Console) -> bool:
    """Whether the terminal has room for the picture."""
    return console.width >= NARROWEST and console.height >= LOWEST


class Board:
    """The live picture: how far it is, receivers, the last webhooks, and as many uploads as there is room for."""

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
        self._words = "two fake providers → the real daemon → three that verify, one of Encoding.com"
        self._turns = count()
        self._begun_at, self._seconds = 0.0, 0.0
        self._whole = False
        self._live = Live(console=console, auto_refresh=False, get_renderable=self.picture)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._whole = True
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
        row = self._rows.setdefault(truth.upload, Row(title, truth, 0))
        row.truth, row.turn = truth, next(self._turns)

    def went_wrong(self, mishap: Mishap) -> None:
        """Among the webhooks, where it explains them."""
        self._last.append(self._stamped(Text(f"! {mishap.value}", "yellow")))

    def received(self, receipt: Receipt) -> None:
        """Count it, and show it last."""
        good = receipt.accepted and receipt.fault is None
        self._counts[receipt.endpoint]["verified" if receipt.is_signed else "called"] += receipt.fault is None
        self._counts[receipt.endpoint]["accepted" if good else "refused"] += 1
        self._health[receipt.endpoint] = Text("● up", "green") if good else Text("● down", "red")
        row = self._rows.get(receipt.upload) if receipt.upload else None
        if row is not None and receipt.sequence > row.sequence:
            _tell(row, receipt)
        title = row.title if row else ""
        line = Text.assemble(("→ ", "dim"), f"{receipt.endpoint:<4} ", (f"{title:<12} ", "bold"))
        line.append(f"{receipt.type:<23} ", _colour(receipt.type))
        line.append(receipt.outcome, "green" if good else "red")
        self._last.append(self._stamped(line))

    def conclude(self, report: Report) -> None:
        """The last picture stays, all of it, and the summary comes below."""
        self._live.stop()
        table = Table.grid(padding=(0, 2))
        for label, text in report.rows():
            table.add_row(Text(label, "dim"), text)
        for line in report.wrong:
            table.add_row("", Text(line, "red"))
        headline = Text(report.headline, "bold red" if report.wrong else "bold green")
        self._console.print("", table, "", headline, sep="\n")

    # --- the picture

    def picture(self) -> RenderableType:
        """How it is now, one line lower than the terminal: it is the uploads that are cut, except at the end."""
        room = self._console.height - len(self._endpoints) - 8  # head, headings, blank lines, and the cursor's
        places = min(MOST, max(FEWEST, room - len(self._rows)))
        last = list(self._last)[-places:]
        webhooks = [*last, *[Text()] * (places - len(last))]
        return Group(
            *self._head(),
            "",
            self._receivers(),
            "",
            *webhooks,
            "",
            self._uploads(len(self._rows) if self._whole else max(1, room - places)),
        )

    def _head(self) -> tuple[RenderableType, RenderableType]:
        now = self._clock()
        passed = min(now - self._begun_at, self._seconds) if self._begun_at else 0.0
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=self._seconds or 1.0, completed=passed, width=30)
        head.add_row(Text("notifier demo", "bold"), bar, f"{now - self._started_at:.0f} s")
        return head, _line(Text(self._words, "dim"))

    def _uploads(self, room: int) -> RenderableType:
        """In their order, those that moved last; what there is no room for is counted."""
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        for heading in ("FROM", "UPLOAD", "IS", "WEBHOOK SAID", "AFTER"):
            table.add_column(heading, no_wrap=True)
        hidden = 0 if len(self._rows) <= room else len(self._rows) - room + 1
        late = sorted(row.turn for row in self._rows.values())[hidden:]
        for (source, _), row in self._rows.items():
            if row.turn in late:
                table.add_row(source, *_cells(row))
        if hidden:
            table.add_row(Text("…", "dim"), Text(f"{hidden} more", "dim"))
        return table

    def _receivers(self) -> RenderableType:
        table = Table("RECEIVER", "", box=None, header_style="dim", padding=(0, 2, 0, 0))
        words = ("accepted", "verified", "refused")
        for word in words:
            table.add_column(word.upper(), justify="right", no_wrap=True)
        for name in self._endpoints:
            table.add_row(Text(name, "bold"), self._health[name], *(_count(self._counts[name], word) for word in words))
        return table

    def _stamped(self, line: Text) -> Text:
        return _line(Text.assemble((f"+{self._clock() - self._started_at:04.1f}s ", "dim"), line))


def _count(counts: Counter[str], word: str) -> str:
    return "unsigned" if word == "verified" and counts["called"] else str(counts[word])


def _line(text: Text) -> Text:
    """Cut where the terminal ends, so that it stays one."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _cells(row: Row) -> tuple[RenderableType, ...]:
    """Its title, what it is, what was told of it, and after how long."""
    status = row.truth.status.value
    told = Text(row.told, _colour(row.told))
    if row.truth.old and not row.told:
        told = Text("not news", "dim")
    delay = "" if row.delay is None else f"{row.delay:.1f} s"
    return Text(row.title, "bold"), Text(f"● {status}", _colour(status)), told, delay


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
