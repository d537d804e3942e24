"""What happens on the stage → plain lines, one for each change and each webhook."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TextIO

from notifier.demo.ledger import Name, Receipt, Truth
from notifier.demo.report import Report
from notifier.demo.stage import Audience
from notifier.demo.timeline import Mishap

INTRODUCTION = """\
posts, media    a fake Upload-Post and a fake XenonFlare, which stumble at times (!)
notifier        the real daemon: it polls those two, and POSTs what has changed
app, crm, ops   three receivers (→) that verify every webhook they get
old             one that was written for Encoding.com, and is called as it knows it

"""


class View(Audience, Protocol):
    """An audience that shows what it sees."""

    def __enter__(self) -> Self:
        """The demo starts."""

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """The demo is over, in whatever way."""

    def say(self, words: str) -> None:
        """Something a person should know."""

    def begin(self, seconds: float) -> None:
        """From now on it goes on for so many seconds."""

    def frame(self) -> None:
        """Time has passed."""

    def conclude(self, report: Report) -> None:
        """All is told."""


class Lines:
    """Plain text, for a pipe or a file."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        """Lines are stamped with the seconds since now."""
        self._stream = stream
        self._clock = clock
        self._started_at = clock()
        self._titles: dict[Name | None, str] = {}
        self._before: dict[Name, str] = {}

    def __enter__(self) -> Self:
        self._stream.write(INTRODUCTION)
        self._stream.flush()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """Nothing was taken, nothing is given back."""

    def say(self, words: str) -> None:
        """`+00.1s  words`."""
        self._stream.write(f"+{self._clock() - self._started_at:04.1f}s  {words}\n")
        self._stream.flush()

    def begin(self, seconds: float) -> None:
        """Say so."""
        self.say(f"everything was looked at once; from here on things change, for {seconds:g} seconds")

    def frame(self) -> None:
        """Lines stay as they are."""

    def moved(self, truth: Truth, title: str) -> None:
        """`posts   launch film   processing → completed`; nothing of what is old."""
        before = self._before.get(truth.upload, "new")
        self._titles[truth.upload] = title
        self._before[truth.upload] = truth.status.value
        if not truth.old:
            self.say(f"{truth.upload[0]:<7} {title:<12} {before} → {truth.status.value}")

    def went_wrong(self, mishap: Mishap) -> None:
        """`! crm is down`."""
        self.say(f"!       {mishap.value}")

    def received(self, receipt: Receipt) -> None:
        """`→ crm   launch film   upload.completed  verified`."""
        title = self._titles.get(receipt.upload, "")
        self.say(f"→ {receipt.endpoint:<5} {title:<12} {receipt.type}  {receipt.outcome}")

    def conclude(self, report: Report) -> None:
        """The summary, what is wrong, and the sentence that counts."""
        rows = [f"{label:<11} {text}" for label, text in report.rows()]
        self._stream.write("\n".join(["", *rows, *report.wrong, "", report.headline, ""]))
        self._stream.flush()
