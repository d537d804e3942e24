"""`notifier check`: every fault, or the config in effect; data on stdout, words on stderr."""

import json
import os
import sys
import tomllib

import pytest
from configs import ENVIRON, GOOD, KEY, POSTS, WHSEC

from notifier.cli import main
from notifier.cli.options import reading_or_exit

WRONG = '[store]\nkep = "1d"\n[delivery]\ntimeout = "2m"\n'
TOLD = (
    'config.toml:2:1: store.kep: unknown key; did you mean "keep"?\n'
    'config.toml:4:1: delivery.timeout: expected a duration from "1s" to "60s"\n'
)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder of its own, and nothing else in the environment than what the configs need."""
    for name in ("NOTIFIER_CONFIG", "STATE_DIRECTORY", "XDG_STATE_HOME", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def check(place, monkeypatch, capsys):
    """Run `notifier check` on a text: exit status, stdout, stderr."""

    def check(text, *arguments, name="config.toml"):
        (place / name).write_text(text)
        (place / name).chmod(0o600)
        monkeypatch.setattr(sys, "argv", ["notifier", "check", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return check


def test_every_fault_is_told_and_counted(check):
    assert check(WRONG) == (78, TOLD, "2 faults\n")
    assert check("[store]\nkep = 1\n")[2] == "1 fault\n"


def test_the_config_of_the_service_is_read_as_the_service_reads_it(check, place, monkeypatch):
    monkeypatch.setattr("notifier.cli.check.ROOT", place)
    (place / "etc/notifier/credentials").mkdir(parents=True)
    (place / "etc/notifier/credentials/hook").write_text(WHSEC)
    text = GOOD.replace('{ env = "WHSEC" }', '{ credential = "hook" }')
    assert text != GOOD
    code, out, err = check(text, name="etc/notifier/config.toml")
    assert (code, err) == (0, "")
    assert f'url = "sqlite://{place}/var/lib/notifier/notifier.db"  # default\n' in out
    assert out.endswith(" endpoint, as the service reads it\n")
    assert check(text, "--config", "config.toml")[0] == 78


def test_faults_are_one_document_for_programs(check):
    code, out, err = check(WRONG, "--json")
    assert (code, err) == (78, "")
    assert json.loads(out) == [
        {
            "file": "config.toml",
            "line": 2,
            "column": 1,
            "key": "store.kep",
            "message": "unknown key",
            "suggestion": "keep",
        },
        {
            "file": "config.toml",
            "line": 4,
            "column": 1,
            "key": "delivery.timeout",
            "message": 'expected a duration from "1s" to "60s"',
            "suggestion": "",
        },
    ]


def test_a_right_config_is_shown_in_effect(check):
    code, out, err = check(GOOD)
    assert (code, err) == (0, "")
    assert out.endswith("\n\n# config.toml: 1 source, 1 endpoint\n")
    assert tomllib.loads(out)["endpoints"][0]["secrets"] == ["***"]
    assert 'order = "strict"                          # default' in out
    assert KEY not in out
    assert WHSEC not in out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads what others cannot")
def test_root_is_warned_of_what_the_service_cannot_read(check, place):
    (place / "key").write_text(KEY)
    (place / "key").chmod(0o600)
    code, _, err = check(GOOD.replace('{ env = "KEY" }', '{ file = "key" }'))
    assert code == 0
    assert err.startswith("warning: sources.posts.api_key: the file key is not for everybody to read")


def test_a_right_config_is_one_document_for_programs(check):
    code, out, err = check(GOOD + POSTS.replace("posts", "more"), "--json")
    assert (code, err) == (0, "")
    shown = json.loads(out)
    assert shown.keys() == {"file", "config", "defaults", "warnings", "found"}
    assert shown["file"] == "config.toml"
    assert shown["found"] == {"sources": 2, "endpoints": 1}
    assert KEY not in out
    assert WHSEC not in out


def test_warnings_are_words_and_no_failure(check):
    code, out, err = check(GOOD + 'events = ["upload.*", "upload.complete"]\n')
    assert code == 0
    assert err.startswith("warning: config.toml:11:1: endpoints.app.events.2: no event type of notifier")
    assert "warning" not in out
    warned, shown, nothing = check(GOOD + 'events = ["upload.*", "upload.complete"]\n', "--json")
    assert (warned, nothing) == (0, "")
    assert json.loads(shown)["warnings"] == [line.removeprefix("warning: ") for line in err.splitlines()]


@pytest.mark.parametrize("option", ["-c", "--config"])
def test_the_option_names_the_config(check, option):
    assert check("[x]", option, "other.toml", name="other.toml")[1] == "other.toml:1:1: x: unknown key\n"


def test_the_environment_names_the_config(check, monkeypatch):
    monkeypatch.setenv("NOTIFIER_CONFIG", "named.toml")
    assert check("[x]", name="named.toml")[1] == "named.toml:1:1: x: unknown key\n"


def test_a_missing_config_is_a_wrong_config(check):
    code, out, err = check("", "-c", "nowhere.toml")
    assert (code, out, err) == (
        78,
        "nowhere.toml: the config cannot be read: No such file or directory\n",
        "1 fault\n",
    )


def test_other_commands_say_the_same_on_stderr(place, capsys):
    (place / "config.toml").write_text(WRONG)
    with pytest.raises(SystemExit) as exit_:
        reading_or_exit(None)
    out, err = capsys.readouterr()
    assert (exit_.value.code, out) == (78, "")
    assert err == TOLD


def test_other_commands_get_the_settings(place):
    (place / "other.toml").write_text(GOOD)
    path, reading = reading_or_exit(place / "other.toml")
    assert (path, [source.name for source in reading.settings.sources]) == (place / "other.toml", ["posts"])
