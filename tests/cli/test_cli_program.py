"""The program as a whole: help, version, wrong command lines, interruptions, closed pipes, bugs."""

import errno
import gc
import io
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
COMMANDS = (
    *("backup", "check", "completion", "db", "deliveries", "demo", "doctor", "drop", "endpoint", "endpoints", "event"),
    *("events", "explain", "listen", "reload", "replay", "replays", "run", "schema", "secret", "source", "sources"),
    *("systemd", "unwatch", "upload", "uploads", "verify", "watch"),
)
WITHIN = (
    *("db check", "endpoint pause", "endpoint ping", "endpoint resume", "secret new", "source poll"),
    *("systemd egress", "systemd install"),
)
HEAVY = ("aiohttp", "aiosqlite", "apscheduler", "pydantic", "rich")


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
@pytest.mark.parametrize("name", [*COMMANDS, *WITHIN])
def test_each_command_explains_itself_with_examples(program, name, option):
    code, out, err = program(*name.split(), option)
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: notifier {name} [OPTIONS]")
    examples = out.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) == 2
    assert all(f"notifier {name}" in line for line in examples)
    assert "-h, --help" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_the_help_is_of_the_command(name):
    later = notifier.commands[name]
    assert isinstance(later, Later)
    assert later.whole(name).name == name


def test_the_version_is_told(program):
    assert program("--version") == (0, f"notifier, version {__version__}\n", "")


def test_no_line_of_the_help_is_cut_off_on_a_terminal_of_80_columns(program, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    commands = program("--help")[1].partition("Commands:\n")[2].splitlines()
    assert len(commands) == len(COMMANDS)
    assert [line for line in commands if line.endswith("...")] == []


def test_without_a_command_there_is_help_but_no_success(program):
    code, out, err = program()
    assert (code, out) == (2, "")
    assert "Commands:\n  backup" in err


def test_a_misspelt_command_has_a_suggestion(program):
    code, out, err = program("verfy")
    assert (code, out) == (2, "")
    assert err.endswith("Error: No such command 'verfy'. Did you mean 'verify'?\n")


def test_a_misspelt_option_has_a_suggestion(program):
    code, out, err = program("check", "--jsn")
    assert (code, out) == (2, "")
    assert err.endswith("Error: No such option '--jsn'. Did you mean '--json'?\n")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (("-c", "x"), "-c comes after the command, as in: notifier run --config FILE"),
        (("--config=x",), "--config comes after the command, as in: notifier run --config FILE"),
        (("--socket", "x"), "--socket comes after the command, as in: notifier uploads --socket PATH"),
        (("--json",), "--json comes after the command, as in: notifier uploads --json"),
        (("--jsn",), "No such option '--jsn'."),
    ],
)
def test_an_option_of_a_command_that_stands_before_it_is_told_where_it_belongs(program, before, told):
    code, out, err = program(*before, "uploads")
    assert (code, out) == (2, "")
    assert err.endswith(f"Error: {told}\n")


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


def test_a_reader_that_has_seen_enough_ends_it_as_it_ends_others(added, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    added("long", lambda: click.echo("more than anybody reads"))
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        monkeypatch.setattr(sys, "argv", ["notifier", "long"])
        with pytest.raises(SystemExit) as exit_:
            main()
        assert exit_.value.code == 128 + signal.SIGPIPE
        closed.flush()  # as Python does at the very end: it goes nowhere, and does not fail


def test_an_error_that_is_not_of_writing_is_a_bug(program, added):
    def broken():
        raise OSError(errno.EBADF, "a secret may be in here")

    added("broken", broken)
    code, out, err = program("broken")
    assert (code, out) == (1, "")
    assert err.startswith("Error: this is a bug of notifier (OSError)")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_full_disk_is_told_in_a_line_where_it_can_be(added, monkeypatch, capsys, stream):
    added("long", lambda: click.echo("more than fits", err=stream == "stderr"))
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, stream, full)
        monkeypatch.setattr(sys, "argv", ["notifier", "long"])
        with pytest.raises(SystemExit) as exit_:
            main()
        assert exit_.value.code == 1
        full.flush()  # as Python does at the very end: it goes nowhere, and does not fail
    told = "" if stream == "stderr" else "Error: cannot write: No space left on device\n"
    assert capsys.readouterr().err == told


def test_what_cannot_be_flushed_for_another_reason_is_a_bug(added, monkeypatch):
    class Odd(io.StringIO):
        def flush(self):
            raise OSError(errno.EBADF, "odd")

    added("fine", lambda: None)
    monkeypatch.setattr(sys, "stdout", Odd())
    monkeypatch.setattr(sys, "argv", ["notifier", "fine"])
    with pytest.raises(OSError, match="odd"):
        main()


def test_a_taken_port_is_told_before_anything_is_played(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert program("demo", "--port", str(port)) == (1, "", f"Error: --port {port}: Address already in use\n")


# --- the process


def test_a_locale_without_our_letters_is_no_failure(environ, tmp_path):
    (tmp_path / "config.toml").write_text('"→" = 1\n', encoding="utf-8")
    code, out, err = redirected("", "check", environ={**environ, "PYTHONIOENCODING": "latin-1"})
    assert (code, err) == (78, "1 fault\n")
    assert "\\u2192" in out


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
    assert process.wait() == 128 + signal.SIGPIPE


def redirected(how, *arguments, environ):
    """Exit status, stdout and stderr of the program, started by a shell that redirects something."""
    command = ["sh", "-c", f'exec "$@" {how}', "sh", *PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    return done.returncode, done.stdout, done.stderr


def test_a_closed_stdout_is_silent(environ):
    # There is no sys.stdout then, which once ended in a trace.
    assert redirected(">&-", "--version", environ=environ) == (0, "", "")


FULL = "Error: cannot write: No space left on device\n"


@pytest.mark.parametrize("text", [GOOD, "[store]\nkep = 1\n"])
def test_a_full_disk_is_a_failure_of_check_without_a_trace(environ, tmp_path, text):
    (tmp_path / "config.toml").write_text(text)
    (tmp_path / "config.toml").chmod(0o600)
    code, _, err = redirected(">/dev/full", "check", environ=environ)
    assert (code, err.removeprefix("1 fault\n")) == (1, FULL)


def test_a_full_disk_ends_the_demo_without_a_trace(environ):
    assert redirected(">/dev/full", "demo", environ=environ) == (1, "", FULL)
    assert redirected("2>/dev/full", "demo", "--json", environ=environ) == (1, "", "")


@pytest.mark.parametrize("how", ["2>&-", "2>/dev/full", "0<&- >&- 2>&-"])
def test_a_daemon_needs_nobody_to_talk_to(environ, tmp_path, how):
    # Without a stderr faulthandler once ended in a trace; and what is opened next, say the database, gets its number.
    (tmp_path / "config.toml").write_text(f'[store]\nurl = "sqlite:{tmp_path / "notifier.db"}"\n')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        environ = {**environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        command = ["sh", "-c", f'exec "$@" {how}', "sh", *PROGRAM, "run"]
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        systemd.settimeout(30)
        assert systemd.recv(1000).startswith(b"READY=1")
        streams = {str(Path(f"/proc/{process.pid}/fd/{number}").readlink()) for number in range(3)}
        assert streams <= {"/dev/null", "/dev/full"}
        process.terminate()
        assert process.wait() == 0


def test_ctrl_c_ends_a_command_with_130(environ, tmp_path):
    os.mkfifo(tmp_path / "config.toml")
    process = subprocess.Popen([*PROGRAM, "check"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ)
    with (tmp_path / "config.toml").open("wb"):  # opens when the command does, which then waits for a text
        process.send_signal(signal.SIGINT)
    out, err = process.communicate()  # after the end of the text: the signal may come just before it is waited for
    assert (process.returncode, out, err) == (130, b"", b"")


def test_what_is_imported_is_left_alone_by_the_collector_that_goes_on_for_the_rest():
    before = gc.get_freeze_count()
    try:
        Later("verify").whole("verify")
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
