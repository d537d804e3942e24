"""What a person sees of the demo, on a terminal and elsewhere."""

import io
import json

import pytest
from rich.console import Console

from notifier.core.model import Status
from notifier.demo import view_for
from notifier.demo.board import Board
from notifier.demo.ledger import Ledger, Receipt, Truth
from notifier.demo.report import Report
from notifier.demo.timeline import Mishap
from notifier.demo.view import Lines

FILM = ("posts", "7b2c2f5e")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        self.now += 0.5
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def receipt(type_="upload.completed", sequence=2, *, upload=FILM, accepted=True, fault=None):
    return Receipt(103.0, "crm", accepted, fault, f"evt_{sequence}", type_, upload, sequence)


def play(view):
    """A little of everything."""
    view.say("starting")
    view.moved(Truth(FILM, Status.PROCESSING, 99.0, old=True), "launch film")
    view.moved(Truth(("media", "old"), Status.COMPLETED, 99.0, old=True), "old logo")
    view.begin(20.0)
    view.frame()
    view.received(receipt("upload.processing", 1))
    view.moved(Truth(("media", "new"), Status.QUEUED, 101.0), "backstage")
    view.moved(Truth(FILM, Status.COMPLETED, 101.5), "launch film")
    view.went_wrong(Mishap.CRM_DOWN)
    view.received(receipt(accepted=False))
    view.received(receipt("upload.processing", 1))
    view.received(receipt("upload.updated", 3))
    view.received(receipt("source.failing", upload=None))
    view.received(receipt("", upload=None, accepted=False, fault="too old"))
    view.frame()


def report(*, overruns=0, exit_=0, wrong=False):
    ledger = Ledger({"app": ("upload.*",)})
    ledger.became(FILM, Status.COMPLETED, 1.0)
    ledger.showed(FILM, 1.5)
    if not wrong:
        ledger.received(Receipt(2.25, "app", True, None, "evt_1", "upload.completed", FILM, 1))
    return Report(20.0, ledger.verdict(), {"posts": 12, "media": 8}, overruns, exit_)


def test_lines_are_one_for_each_change_and_each_webhook():
    out = io.StringIO()
    with Lines(out, Clock()) as view:
        play(view)
    assert out.getvalue().splitlines() == [
        "+00.5s  starting",
        "+01.0s  everything was looked at once; from here on things change, for 20 seconds",
        "+01.5s  → crm   launch film  upload.processing  verified",
        "+02.0s  media   backstage    new → queued",
        "+02.5s  posts   launch film  processing → completed",
        "+03.0s  !       crm is down",
        "+03.5s  → crm   launch film  upload.completed  answered 503",
        "+04.0s  → crm   launch film  upload.processing  verified",
        "+04.5s  → crm   launch film  upload.updated  verified",
        "+05.0s  → crm                source.failing  verified",
        "+05.5s  → crm                  NOT VERIFIED: too old",
    ]


@pytest.mark.parametrize("make", [lambda out: Lines(out, Clock()), lambda out: Board(Console(file=out), Clock(), ())])
def test_the_summary_ends_with_the_sentence_that_counts(make):
    out = io.StringIO()
    make(out).conclude(report())
    assert out.getvalue().rstrip().endswith("All of it arrived: verified, in order, nothing lost.")
    assert "1.2 s median, 1.2 s worst" in out.getvalue()


@pytest.mark.parametrize("make", [lambda out: Lines(out, Clock()), lambda out: Board(Console(file=out), Clock(), ())])
def test_the_summary_says_what_is_wrong(make):
    out = io.StringIO()
    make(out).conclude(report(overruns=2, exit_=1, wrong=True))
    for line in (
        "app: no upload.completed of posts/7b2c2f5e",
        "posts: 2 requests more than its limit allows",
        "the daemon ended with 1 when it was asked to stop",
        "Not as it should be, 3 times over.",
        "– median",
    ):
        assert line in out.getvalue()


def test_the_document_has_every_count():
    document = json.loads(json.dumps(report().document()))
    assert document["ok"] is True
    assert document["changes"] == {"made": 1, "shown": 1}
    assert document["delay"] == {"median": 1.25, "worst": 1.25}
    assert document["webhooks"]["owed"] == document["webhooks"]["delivered"] == 1
    wrong = report(wrong=True).document()
    assert (wrong["ok"], wrong["wrong"], wrong["delay"]["worst"]) == (
        False, ["app: no upload.completed of posts/7b2c2f5e"], None,
    )  # fmt: skip


def picture(height=40):
    out = Terminal()
    console = Console(file=out, force_terminal=True, width=100, height=height, no_color=True, legacy_windows=False)
    board = Board(console, Clock(), ("app", "crm"))
    with board:
        play(board)
        shown = board.picture()
    Console(file=(plain := io.StringIO()), width=100).print(shown)
    return plain.getvalue()


def test_the_board_shows_what_is_true_and_what_was_told():
    shown = picture()
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "posts launch film ● completed completed 1.5 s" in lines
    assert "media old logo ● completed not news" in lines
    assert "media backstage ● queued" in lines
    assert "crm ● down 4 5 2" in lines
    assert "app – 0 0 0" in lines
    assert any("→ crm launch film upload.completed answered 503" in line for line in lines)
    assert any("! crm is down" in line for line in lines)


def test_a_low_terminal_shows_fewer_webhooks():
    assert picture(height=10).count("crm") < picture(height=40).count("crm")


def test_a_terminal_gets_the_board_and_a_pipe_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(view_for(Terminal(), live=True), Board)
    assert isinstance(view_for(Terminal(), live=False), Lines)
    assert isinstance(view_for(io.StringIO(), live=True), Lines)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(view_for(Terminal(), live=True), Lines)
