"""What the tests of all commands share."""

import asyncio
import sys

import pytest
from controlling import answering

from notifier.cli import main


@pytest.fixture
def program(monkeypatch, capsys):
    """Run the program in this process: exit status, stdout, stderr."""

    def program(*arguments):
        monkeypatch.setattr(sys, "argv", ["notifier", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, *capsys.readouterr()

    return program


@pytest.fixture
def asks(program, tmp_path):
    """Run a client command beside the loop of the daemon that it asks."""

    async def asks(*arguments):
        return await asyncio.to_thread(program, *arguments, "--socket", tmp_path / "notifier.sock")

    return asks


@pytest.fixture
def asked(program, tmp_path):
    """Run a client command with a daemon that answers so: exit status, stdout, stderr, and what was asked."""

    def asked(answers, *arguments):
        with answering(tmp_path / "s", answers) as daemon:
            told = program(*arguments, "--socket", tmp_path / "s")
        (tmp_path / "s").unlink()
        return *told, daemon.asked

    return asked
