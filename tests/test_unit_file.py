"""The unit and what belongs to it, as far as they can be judged without starting them; tests/systemd/ starts them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "systemd"
PROGRAM = "/opt/notifier/bin/notifier"


def settings(name, file="notifier.service"):
    """Every value that a setting is given."""
    return re.findall(rf"^{name}=(.*)$", (FOLDER / file).read_text(), re.MULTILINE)


@pytest.fixture
def analyze(tmp_path):
    """Runs systemd-analyze on a unit with the lines of its drop-ins, its program replaced by one that is there."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here: apt-get install systemd")
    for file in FOLDER.iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace(PROGRAM, sys.executable))

    def run(*arguments, unit="notifier.service", drop_ins=()):
        lines = [(FOLDER / name).read_text() for name in drop_ins]
        path = tmp_path / unit
        path.write_text("\n".join([path.read_text(), *lines]))
        command = [program, *arguments, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


DROP_INS = ("10-egress.conf", "20-operators.conf")


@pytest.mark.parametrize(
    ("unit", "drop_ins"), [("notifier.service", ()), ("notifier.service", DROP_INS), ("notifier-http.socket", ())]
)
def test_systemd_understands_every_line(analyze, unit, drop_ins):
    told = analyze("verify", "--man=no", unit=unit, drop_ins=drop_ins)
    about_us = [line for line in told.stderr.splitlines() if "notifier" in line]
    assert [line for line in about_us if "SocketBind" not in line] == []  # which this systemd may not be built for


@pytest.mark.parametrize(("drop_ins", "most"), [((), 1.1), (("10-egress.conf",), 1.0)])
def test_little_is_exposed(analyze, drop_ins, most):
    told = analyze("security", "--offline=true", "--no-pager", drop_ins=drop_ins).stdout
    assert float(re.search(r"exposure level for \S+: ([0-9.]+)", told)[1]) <= most


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("Restart", "always"),
        ("RestartPreventExitStatus", "78"),
        ("WatchdogSec", "30s"),
        ("WatchdogSignal", "SIGABRT"),
        ("StateDirectory", "notifier"),
        ("DynamicUser", "yes"),
        ("SystemCallErrorNumber", "EPERM"),
        ("CapabilityBoundingSet", ""),
    ],
)
def test_the_unit_holds_to(name, value):
    assert settings(name) == [value]


def test_the_config_is_judged_by_the_main_process_alone():
    assert settings("ExecStart") == [f"{PROGRAM} run --config /etc/notifier/config.toml"]
    assert settings("ExecStartPre") == []


def test_a_stop_is_given_longer_than_requests_in_flight():
    assert settings("TimeoutStopSec") == ["45s"]


def test_a_reload_asks_the_daemon_and_needs_no_config_for_it():
    folder = settings("RuntimeDirectory")[0]
    assert settings("ExecReload") == [f"{PROGRAM} reload --socket %t/{folder}/notifier.sock"]


def test_the_folder_that_the_unit_needs_is_made():
    folder = settings("LoadCredential")[0].partition(":")[2]
    assert f"d {folder} 0700 root root" in (FOLDER / "notifier.tmpfiles.conf").read_text()


def test_the_daemon_opens_no_port_itself_and_has_one_opened_for_it():
    assert (settings("SocketBindDeny"), settings("SocketBindAllow")) == (["any"], [])
    assert settings("ListenStream", "notifier-http.socket") == ["127.0.0.1:9480", "[::1]:9480"]
    assert settings("Service", "notifier-http.socket") == ["notifier.service"]


def test_this_machine_reaches_the_socket_and_nobody_else_does():
    assert settings("IPAddressDeny", "notifier-http.socket") == ["any"]
    assert settings("IPAddressAllow", "notifier-http.socket") == ["localhost"]


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.iterdir()))
def test_every_file_says_where_it_goes(file):
    assert re.match(rf"#( Optional\.)? Goes to \S+/({re.escape(file)}|notifier.conf)\b", (FOLDER / file).read_text())
