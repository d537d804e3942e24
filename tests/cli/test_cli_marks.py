"""A mark and a word for each finding; colours on a terminal that wants them."""

import os
import pty
import subprocess
import sys

import pytest

from notifier.cli.marks import show_finding

SHOW = """
from notifier.cli.marks import show_finding
for word in ('good', 'doubt', 'fault'):
    show_finding(word, 'it', 'is')
"""


def on_a_terminal(**environ):
    """What a terminal shows."""
    master, slave = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM"}}
    subprocess.run([sys.executable, "-c", SHOW], stdout=slave, check=True, env={**kept, "TERM": "xterm", **environ})
    shown = os.read(master, 4096)
    os.close(slave)
    os.close(master)
    return shown.decode()


def test_a_finding_is_a_line_and_its_cure_another(capsys):
    show_finding("fault", "disk", "full\x1b[2J", "free some\nspace")
    show_finding("good", "clock", "right")
    assert capsys.readouterr().out == (
        "✗ fault  disk: full\\x1b[2J\n         cure: free some\\nspace\n✓ good   clock: right\n"
    )


def test_a_terminal_gets_colours():
    assert on_a_terminal() == (
        "\x1b[32m✓ good \x1b[0m  it: is\r\n\x1b[33m! doubt\x1b[0m  it: is\r\n\x1b[31m✗ fault\x1b[0m  it: is\r\n"
    )


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colours_gets_the_marks_and_the_words(environ):
    assert on_a_terminal(**environ) == "✓ good   it: is\r\n! doubt  it: is\r\n✗ fault  it: is\r\n"
