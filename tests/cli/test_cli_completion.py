"""`notifier completion`: what shells read, and what they are then told."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.cli import COMPLETE

FOLDER = Path(sys.executable).parent
LOADS = {
    "bash": 'source "$1" && complete -p notifier',
    "zsh": 'autoload -Uz compinit && compinit -D -u && source "$1" && echo "$_comps[notifier]"',
    "fish": 'source "$argv[1]"; complete -c notifier',
}


@pytest.fixture
def completed(monkeypatch, program):
    """What bash is told that a command line may go on with."""

    def completed(*words):
        monkeypatch.setenv(COMPLETE, "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(["notifier", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        code, out, err = program()
        assert (code, err) == (0, "")
        return [line.partition(",")[2] for line in out.splitlines()]

    return completed


@pytest.mark.parametrize("shell", LOADS)
def test_a_shell_loads_what_it_is_given(program, tmp_path, shell):
    code, out, err = program("completion", shell)
    assert (code, err) == (0, "")
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(out)
    command = [shell, "-c", LOADS[shell], *(["sh"] if shell != "fish" else []), str(tmp_path / "script")]
    environ = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert "notifier" in done.stdout
    assert done.stderr == ""


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_a_command_by_asking_the_program(program, tmp_path):
    (tmp_path / "script").write_text(program("completion", "bash")[1])
    ask = 'source "$1"; COMP_WORDS=(notifier ver); COMP_CWORD=1; _notifier_completion notifier; echo "${COMPREPLY[@]}"'
    environ = {**os.environ, "PATH": f"{FOLDER}:{os.environ['PATH']}"}
    command = ["bash", "-c", ask, "sh", str(tmp_path / "script")]
    assert subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout == "verify\n"


def test_commands_are_completed(completed):
    assert completed("ver") == ["verify"]
    assert completed("secret", "") == ["new"]


def test_options_and_their_values_are_completed(completed):
    assert completed("demo", "--po") == ["--port"]
    assert completed("completion", "z") == ["zsh"]
    assert "--asymmetric" in completed("secret", "new", "--")


def test_another_shell_is_a_wrong_command_line(program):
    code, out, err = program("completion", "tcsh")
    assert (code, out) == (2, "")
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in err


def test_what_no_shell_asks_is_no_bug(program, monkeypatch):
    monkeypatch.setenv(COMPLETE, "bash_complete")
    assert program() == (1, "", "")
