import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "systemd" / "notifier.service"
PROGRAM = "/opt/notifier/bin/notifier"


def settings(name):
    """Every value that the unit gives a setting."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


@pytest.fixture
def analyze(tmp_path):
    """Runs systemd-analyze on the unit, its program replaced by one that is there."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, sys.executable))

    def run(*arguments):
        command = [program, *arguments, str(unit)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_systemd_understands_every_line(analyze):
    told = analyze("verify", "--man=no").stderr.splitlines()
    assert [line for line in told if UNIT.name in line] == []


def test_little_is_exposed(analyze):
    told = analyze("security", "--offline=true", "--no-pager").stdout
    assert float(re.search(r"exposure level for \S+: ([0-9.]+)", told)[1]) <= 1.2


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


def test_no_reload_is_promised():
    assert settings("ExecReload") == []


def test_the_folder_that_the_unit_needs_is_made():
    folder = settings("LoadCredential")[0].partition(":")[2]
    assert f"d {folder} 0700 root root" in (UNIT.parent / "notifier.tmpfiles.conf").read_text()
