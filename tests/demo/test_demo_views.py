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
    introduction, _, lines = out.getvalue().partition("\n\n")
    assert "app, crm, ops" in introduction
    assert lines.splitlines() == [
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
    assert "1.2 s from change to webhook (median), 1.2 s at worst" in out.getvalue()


@pytest.mark.parametrize("make", [lambda out: Lines(out, Clock()), lambda out: Board(Console(file=out), Clock(), ())])
def test_the_summary_says_what_is_wrong(make):
    out = io.StringIO()
    make(out).conclude(report(overruns=2, exit_=1, wrong=True))
    for line in (
        "app: no upload.completed of posts/7b2c2f5e",
        "posts: 2 requests more than its limit allows",
        "the daemon ended with 1 when it was asked to stop",
        "This is not as it should be: 3 faults, listed above.",
        "– from change to webhook",
    ):
        assert line in out.getvalue()


def test_a_demo_in_which_nothing_changed_shows_nothing():
    # It ended as good once: where nothing is owed, nothing is lost.
    still = Report(20.0, Ledger({"app": ("upload.*",)}).verdict(), {"posts": 12}, 0, 0)
    assert still.document()["ok"] is False
    assert still.wrong == ("nothing changed of which anybody had to be told, so nothing is shown by this",)


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


def board_on(width, height, endpoints=("app", "crm")):
    console = Console(
        file=Terminal(), force_terminal=True, width=width, height=height, no_color=True, legacy_windows=False
    )
    return Board(console, Clock(), endpoints)


def drawn(board, width):
    Console(file=(plain := io.StringIO()), width=width, _environ={}).print(board.picture())
    return plain.getvalue()


def picture(width=100, height=40):
    with board_on(width, height) as board:
        play(board)
        return drawn(board, width)


def crowd(board):
    """Ten old uploads, then five that are new, and as many webhooks."""
    for number in range(10):
        board.moved(Truth(("posts", str(number)), Status.COMPLETED, 99.0, old=True), f"old {number}")
    for number in range(5):
        board.moved(Truth(("media", str(number)), Status.ACTION_REQUIRED, 101.0), f"new {number}")
        board.received(receipt("upload.action_required", 1, upload=("media", str(number))))


def test_the_board_counts_no_signature_where_there_is_none():
    with board_on(100, 40, ("old",)) as board:
        board.received(Receipt(100.0, "old", True, None, "7 Finished", "Finished", FILM, is_signed=False))
        lines = [" ".join(line.split()) for line in drawn(board, 100).splitlines()]
    assert "old ● up 1 unsigned 0" in lines


def test_the_board_shows_what_is_true_and_what_was_told():
    shown = picture()
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "posts launch film ● completed completed 1.5 s" in lines
    assert "media old logo ● completed not news" in lines
    assert "media backstage ● queued" in lines
    assert "crm ● down 4 5 2" in lines  # accepted, verified, refused
    assert "app – 0 0 0" in lines
    assert any("→ crm launch film upload.completed answered 503" in line for line in lines)
    assert any("! crm is down" in line for line in lines)


@pytest.mark.parametrize(("width", "height", "uploads"), [(72, 20, 5), (80, 24, 9), (120, 40, 15)])
def test_receivers_and_webhooks_are_seen_whole_and_uploads_as_far_as_there_is_room(width, height, uploads):
    # At 80 × 24 the receivers and the webhooks were below the edge once.
    with board_on(width, height) as board:
        crowd(board)
        lines = drawn(board, width).splitlines()
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    assert lines[3].startswith("RECEIVER")
    webhooks = [line for line in lines if "→ crm" in line]
    assert len(webhooks) == 5
    assert all(line.rstrip().endswith("verified") for line in webhooks)
    shown = [
        " ".join(line.split()[:3]) for line in lines[lines.index("") :] if line.startswith(("posts", "media", "…"))
    ]
    assert len(shown) == uploads
    assert shown[-1] == ("media new 4" if uploads == 15 else f"… {16 - uploads} more")


def test_of_the_uploads_those_are_seen_that_moved_last_in_the_order_they_have():
    with board_on(72, 20) as board:
        crowd(board)
        board.moved(Truth(("posts", "3"), Status.COMPLETED, 102.0), "old 3")
        lines = [" ".join(line.split()[:3]) for line in drawn(board, 72).splitlines()]
    assert lines[-5:] == ["posts old 3", "media new 2", "media new 3", "media new 4", "… 11 more"]


def test_the_last_picture_has_every_upload():
    with board_on(72, 20) as board:
        crowd(board)
    assert "old 0" in drawn(board, 72)
    assert "more" not in drawn(board, 72)


def test_what_is_too_long_for_the_terminal_is_cut_and_stays_one_line():
    with board_on(72, 24) as board:
        board.say("word " * 30)
        board.received(receipt("", upload=None, accepted=False, fault="why " * 30))
        lines = drawn(board, 72).splitlines()
    assert [line.rstrip()[-1] for line in lines if "word" in line or "why" in line] == ["…", "…"]


@pytest.mark.parametrize(("columns", "lines", "kind"), [("72", "20", Board), ("71", "40", Lines), ("120", "19", Lines)])
def test_a_terminal_that_is_too_small_for_the_board_gets_lines(monkeypatch, columns, lines, kind):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", lines)
    assert isinstance(view_for(Terminal(), live=True), kind)


def test_a_terminal_gets_the_board_and_a_pipe_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    assert isinstance(view_for(Terminal(), live=True), Board)
    assert isinstance(view_for(Terminal(), live=False), Lines)
    assert isinstance(view_for(io.StringIO(), live=True), Lines)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(view_for(Terminal(), live=True), Lines)
