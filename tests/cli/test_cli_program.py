"""The program as a whole: help, version, wrong command lines, interruptions, closed pipes, bugs."""

import os
import runpy
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from configs import ENVIRON, GOOD

from notifier import __version__
from notifier.cli import Later, main, notifier

PROGRAM = (sys.executable, "-m", "notifier")
SCRIPT = Path(sys.executable).with_name("notifier")
COMMANDS = ("check", "demo", "run")
HEAVY = ("aiohttp", "aiosqlite", "apscheduler", "pydantic", "rich")


@pytest.fixture
def program(monkeypatch, capsys):
    """Run the program in this process: exit status, stdout, stderr."""

    def program(*arguments):
        monkeypatch.setattr(sys, "argv", ["notifier", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, *capsys.readouterr()

    return program


@pytest.fixture
def added(monkeypatch):
    """Add a command that does as the function does, for this test."""

    def added(name, does):
        monkeypatch.setitem(notifier.commands, name, click.Command(name, callback=does))

    return added


# --- help, version, wrong command lines


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_command_and_an_example(program, option):
    code, out, err = program(option)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: notifier [OPTIONS] COMMAND [ARGS]...\n")
    assert "  notifier check --config config.toml\n" in out
    listed = [line.split()[0] for line in out.partition("Commands:\n")[2].splitlines()]
    assert tuple(listed) == COMMANDS


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_with_examples(program, name, option):
    code, out, err = program(name, option)
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: notifier {name} [OPTIONS]\n")
    assert out.count(f"    notifier {name}") == 2
    assert "-h, --help" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_the_help_is_of_the_command(name):
    later = notifier.commands[name]
    assert isinstance(later, Later)
    assert later.whole(name).name == name


def test_the_version_is_told(program):
    assert program("--version") == (0, f"notifier, version {__version__}\n", "")


def test_without_a_command_there_is_help_but_no_success(program):
    code, out, err = program()
    assert (code, out) == (2, "")
    assert "Commands:\n  check" in err


def test_a_misspelt_command_has_a_suggestion(program):
    code, out, err = program("chek")
    assert (code, out) == (2, "")
    assert err.endswith("Error: No such command 'chek'. Did you mean 'check'?\n")


def test_a_misspelt_option_has_a_suggestion(program):
    code, out, err = program("check", "--jsn")
    assert (code, out) == (2, "")
    assert err.endswith("Error: No such option '--jsn'. Did you mean '--json'?\n")


@pytest.mark.parametrize("arguments", [("check", "more"), ("demo", "--seconds", "0"), ("--config", "x", "check")])
def test_a_wrong_command_line_is_told(program, arguments):
    code, out, err = program(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: notifier")
    assert "Error: " in err


def test_an_unknown_command_can_be_completed_to_nothing():
    context = notifier.make_context("notifier", ["chek"], resilient_parsing=True)
    assert notifier.resolve_command(context, ["chek"]) == (None, None, [])


# --- what a command does


def test_a_command_that_returns_is_done(program, added):
    added("fine", lambda: click.echo("done"))
    assert program("fine") == (0, "done\n", "")


def test_an_interruption_is_130_without_a_trace(program, added):
    def interrupted():
        raise KeyboardInterrupt

    added("slow", interrupted)
    assert program("slow") == (130, "", "")


def broken():
    raise RuntimeError("a secret may be in here")


def test_a_bug_is_one_line_and_its_trace_is_asked_for(program, added):
    added("broken", broken)
    assert program("broken") == (
        1,
        "",
        "Error: this is a bug of notifier (RuntimeError): run again with --debug (notifier --debug …)\n",
    )


@pytest.mark.parametrize("arguments", [("--debug", "broken"), ("run",)])
def test_a_trace_that_is_asked_for_or_of_the_daemon_is_there(added, monkeypatch, arguments):
    added("broken", broken)
    added("run", broken)
    monkeypatch.setattr(sys, "argv", ["notifier", *arguments])
    with pytest.raises(RuntimeError, match="a secret may be in here"):
        main()


def test_a_reader_that_has_seen_enough_is_no_failure(added, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    added("long", lambda: click.echo("more than anybody reads"))
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        monkeypatch.setattr(sys, "argv", ["notifier", "long"])
        with pytest.raises(SystemExit) as exit_:
            main()
        assert exit_.value.code == 0
        closed.flush()  # as Python does at the very end: it goes nowhere, and does not fail


def test_a_demo_that_cannot_be_played_is_a_failure(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out, err = program("demo", "--seconds", "1", "--port", str(taken.getsockname()[1]), "--json")
    assert (code, out) == (1, "")
    assert "the daemon ended with 1" in err


# --- the process


@pytest.fixture
def environ(tmp_path):
    """What the process has around it: the configs' variables, and none that names another config."""
    return {**os.environ, **ENVIRON, "NOTIFIER_CONFIG": str(tmp_path / "config.toml")}


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from notifier.cli import main; sys.argv = ['notifier', '--help']\n"
        "try: main()\n"
        f"except SystemExit: print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: notifier ")
    assert done.stderr == "\n"


def test_the_script_and_the_module_are_one_program(environ):
    script = subprocess.run([SCRIPT, "--help"], capture_output=True, check=True, env=environ)
    module = subprocess.run([*PROGRAM, "--help"], capture_output=True, check=True, env=environ)
    assert (script.stdout, script.stderr) == (module.stdout, module.stderr)


def test_the_module_runs_as_the_program_does(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["notifier", "--version"])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_module("notifier", run_name="__main__")
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"notifier, version {__version__}\n"


def test_a_closed_pipe_is_silent(environ, tmp_path):
    (tmp_path / "config.toml").write_text(GOOD)
    process = subprocess.Popen([*PROGRAM, "check"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ)
    process.stdout.close()
    with process.stderr as stderr:
        assert stderr.read() == b""
    assert process.wait() == 0


def test_a_closed_stdout_is_silent(environ):
    # There is no sys.stdout then, which once ended in a trace.
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, "--version"], capture_output=True, check=False, env=environ
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_ends_a_command_with_130(environ, tmp_path):
    os.mkfifo(tmp_path / "config.toml")
    process = subprocess.Popen([*PROGRAM, "check"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ)
    with (tmp_path / "config.toml").open("wb"):  # opens when the command does, which then waits for a text
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")
