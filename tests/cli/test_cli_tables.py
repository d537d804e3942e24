"""Tables: every word in a pipe, colours and the width of the terminal on one."""

import json
import os
import pty
import subprocess
import sys

import pytest

from notifier.cli.tables import ago_of, of, show_facts, show_json, show_list, show_table, when

NOW = 1_800_000_000.0
COLUMNS = {"name": of("name"), "state": of("state"), "since": ago_of("at", NOW)}
ROWS = [
    {"name": "app", "state": "ok", "at": "2027-01-15T07:58:00.000Z"},
    {"name": "a-very-long-name", "state": "paused", "at": None},
]
PROGRAM = (
    "from notifier.cli.tables import show_table, of\n"
    "show_table({name: of(name) for name in ('name', 'state')}, [{'name': 'n' * 70, 'state': 'paused'}])"
)


def test_a_pipe_gets_aligned_text_and_no_blanks_behind_it(capsys):
    show_table(COLUMNS, ROWS)
    assert capsys.readouterr().out == (
        "NAME              STATE   SINCE\napp               ok      2 min ago\na-very-long-name  paused  –\n"
    )


def test_a_pipe_gets_every_word_whole(capsys):
    show_table({"name": of("name"), "text": of("text")}, [{"name": "x" * 500, "text": "y" * 500}])
    assert capsys.readouterr().out.splitlines()[1] == "x" * 500 + "  " + "y" * 500


def test_what_strangers_wrote_cannot_move_the_cursor(capsys):
    show_table({"name": of("name")}, [{"name": "\x1b[2J\n\u202e"}])
    show_facts({"name": "\x9b2J"})
    show_json({"name": "\x9b2J\x1bé"})
    out = capsys.readouterr().out
    assert out == 'NAME\n\\x1b[2J\\n\\u202e\nname  \\x9b2J\n{\n  "name": "\\u009b2J\\u001b\\u00e9"\n}\n'


def test_what_is_not_known_is_a_dash_in_a_table_and_no_line_among_facts(capsys):
    show_table({"a": of("a"), "b": of("b"), "c": of("c")}, [{"a": None, "b": "", "c": 0}])
    show_facts({"id": 1, "source": None, "endpoint": ""})
    assert capsys.readouterr().out == "A  B  C\n–  –  0\nid        1\nendpoint  –\n"


def test_that_there_is_nothing_is_said_beside_an_empty_stdout(capsys):
    show_list({"items": [], "next": None}, "delivery", COLUMNS)
    assert capsys.readouterr() == ("", "0 deliveries\n")


def test_that_there_is_more_is_said_with_how_to_see_it(capsys):
    show_list({"items": ROWS, "next": "2"}, "delivery", COLUMNS)
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (3, "the newest 2 deliveries: there are more, see --limit\n")
    show_list({"items": ROWS, "next": None}, "delivery", COLUMNS)
    assert capsys.readouterr().err == ""


def test_a_document_is_the_document(capsys):
    show_json({"items": ROWS, "next": None})
    assert json.loads(capsys.readouterr().out) == {"items": ROWS, "next": None}


def test_a_moment_that_is_not_is_not_told():
    assert (when(None, NOW), when("2027-01-15T08:00:05.000Z", NOW)) == (None, "in 5 s")


@pytest.fixture
def on_a_terminal():
    """What a terminal of 40 columns shows of a program."""

    def on_a_terminal(**environ):
        master, slave = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
        command = [sys.executable, "-c", PROGRAM]
        with os.fdopen(master, "rb", buffering=0) as terminal:
            subprocess.run(command, stdout=slave, check=True, env={**kept, "COLUMNS": "40", "TERM": "xterm", **environ})
            os.close(slave)
            shown = b""
            while chunk := _read(terminal):
                shown += chunk
        return shown.decode()

    def _read(terminal):
        try:
            return terminal.read(4096)
        except OSError:  # how Linux says that the other end is closed
            return b""

    return on_a_terminal


def test_a_terminal_gets_colours_and_every_word_whole_however_narrow_it_is(on_a_terminal):
    shown = on_a_terminal()
    assert "\x1b[31mpaused" in shown
    assert "n" * 70 in shown


def test_what_a_narrow_terminal_has_no_place_for_is_left_out_which_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("NO_COLOR", "1")
    show_list({"items": ROWS, "next": None}, "endpoint", COLUMNS, spare=("since",))
    assert capsys.readouterr() == (
        "NAME              STATE\napp               ok\na-very-long-name  paused\n",
        "in 30 columns without: since; all of it: --json, or | cat\n",
    )


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colours_gets_none(on_a_terminal, environ):
    shown = on_a_terminal(**environ)
    assert "paused" in shown
    assert "\x1b[31m" not in shown
