"""The service under a real systemd: what it may do, what others see of it, whom it reaches, and who reaches it."""

import json
import re
import time

import pytest

CREDENTIALS = {"app": "whsec_", "key": "a-key-that-nobody-may-see", "token": "a-token-that-nobody-may-see"}
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534")
SOCKET = "/run/notifier/notifier.sock"
CONNECT = f"import socket; socket.socket(socket.AF_UNIX).connect('{SOCKET}')"
CGROUP = "/sys/fs/cgroup/system.slice/notifier.service/cgroup.procs"
OURS = "/sys/fs/cgroup/cgroup.procs"
INNER = """
[[endpoints]]
name = "inner"
url = "http://10.9.9.9:8000/inner"
secrets = [{ credential = "app" }]
allow_networks = ["10.9.9.0/24"]
timeout = "2s"
"""


# --- secrets


def test_no_secret_is_in_the_environment_the_arguments_the_status_or_the_journal(service):
    told = [service.machine.said("cat", f"/proc/{service.pid}/{name}") for name in ("environ", "cmdline")]
    told += [service.show("StatusText"), *(str(entry) for entry in service.machine.journal.entries)]
    assert len(told) > 50
    assert [text for text in told for secret in CREDENTIALS.values() if secret in text] == []


def test_credentials_are_for_the_service_alone(service):
    there = service.machine.said("ls", "/run/credentials/notifier.service").split()
    assert there == ["notifier_app", "notifier_key", "notifier_token"]
    for path in ("/run/credentials/notifier.service/notifier_app", "/etc/notifier/credentials/app"):
        assert service.machine.run(*NOBODY, "--clear-groups", "cat", path).returncode != 0


def test_a_changed_credential_comes_with_a_restart_and_not_with_a_reload(service):
    def handed_over():
        return service.machine.said("cat", "/run/credentials/notifier.service/notifier_key")

    service.machine.write("/etc/notifier/credentials/key", "another-key")
    assert service.systemctl("reload", "notifier") == 0  # which brings no credential
    assert handed_over() == CREDENTIALS["key"]
    service.restart()
    assert handed_over() == "another-key"
    service.machine.write("/etc/notifier/credentials/key", CREDENTIALS["key"])
    service.restart()


# --- what it may do


def test_it_has_no_capabilities_no_privileges_to_gain_and_few_system_calls(service):
    status = dict(
        re.findall(r"^(\w+):\s+(.*)$", service.machine.said("cat", f"/proc/{service.pid}/status"), re.MULTILINE)
    )
    capabilities = {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    assert capabilities == {"0000000000000000"}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "0" not in status["Uid"].split()


def test_it_needs_no_home(service):
    assert "HOME=" not in service.machine.said("cat", f"/proc/{service.pid}/environ")


def test_the_units_are_understood_and_expose_little(service):
    told = service.machine.run("systemd-analyze", "verify", "--man=no", "notifier.service", "notifier-http.socket")
    about_us = [line for line in told.stderr.splitlines() if "notifier" in line]
    assert [line for line in about_us if "SocketBind" not in line] == []  # which this systemd may not be built for
    told = service.machine.said("systemd-analyze", "security", "--no-pager", "notifier.service")
    assert float(re.search(r"exposure level for \S+: ([0-9.]+)", told)[1]) <= 1.0


# --- whom it reaches


def reached(service, group, patience, *hosts):
    """Which of the hosts a program in this cgroup reaches, and whether it may open a port."""
    python = "/opt/notifier/bin/python"
    return json.loads(service.machine.said(python, "/srv/reaching.py", group, 8000, patience, *hosts))


def test_the_kernel_drops_what_is_not_public(service):
    inside = [
        "127.0.0.1",
        "::1",
        "10.9.9.9",
        "::ffff:10.9.9.9",
        "169.254.169.254",
        "198.51.100.10",
        "100.64.0.9",
        "fd00::9",
    ]
    outside = reached(service, OURS, 30, *inside)
    assert outside == {**dict.fromkeys(inside, True), "a port": True}  # they are there
    found = reached(service, CGROUP, 1, *inside)
    may_open = found.pop("a port")
    assert found == dict.fromkeys(inside, False)
    if "+BPF_FRAMEWORK" in service.machine.said("systemctl", "--version"):
        assert not may_open


def test_the_kernel_lets_through_what_is_public(service):
    found = reached(service, CGROUP, 30, "192.31.196.10", "2a00:1::5")
    assert found["192.31.196.10"]
    assert found["2a00:1::5"]


def ping(service, endpoint):
    return json.loads(service.ask("POST", f"/v1/endpoints/{endpoint}/ping")[1])["outcome"]


def test_what_the_config_allows_is_let_through_once_the_drop_in_is_made_anew(service):
    drop_in = service.machine.said("cat", "/etc/systemd/system/notifier.service.d/10-egress.conf")
    service.configure(service.config + INNER)
    service.restart()
    try:
        assert (ping(service, "app"), ping(service, "inner")) == ("delivered", "timeout_total")
        told = service.machine.said("/opt/notifier/bin/notifier", "systemd", "install")
        assert "10-egress.conf  replaced, the old one beside it" in told
        assert "notifier.service  as it was" in told
        service.restart()
        assert ping(service, "inner") == "delivered"
    finally:
        service.machine.write("/etc/systemd/system/notifier.service.d/10-egress.conf", drop_in)
        service.configure()
        service.restart()


def test_what_the_config_does_not_allow_is_refused_with_its_rule_before_the_kernel_is_asked(service):
    service.configure(service.config + INNER.replace('allow_networks = ["10.9.9.0/24"]\n', ""))
    service.restart()
    since = time.time()
    assert ping(service, "inner") == "refused_address"
    assert "private" in service.happens("pinged", since)["MESSAGE"]


# --- who reaches it


def test_the_control_socket_is_for_its_owner_and_group(service):
    assert service.machine.said("stat", "--format=%a", SOCKET) == "660\n"
    python = "/opt/notifier/bin/python"
    refused = service.machine.run(*NOBODY, "--clear-groups", python, "-c", CONNECT)
    assert "PermissionError" in refused.stderr


@pytest.fixture
def operators(service):
    """The group, as on a machine that has it; answers its number."""
    service.machine.said("groupadd", "--system", "notifier-ops")
    told = service.machine.said("/opt/notifier/bin/notifier", "systemd", "install")
    assert "20-operators.conf  written" in told
    service.restart()
    yield service.machine.said("getent", "group", "notifier-ops").split(":")[2]
    service.systemctl("stop", "notifier")  # whose dynamic user is in it
    service.machine.said("rm", "/etc/systemd/system/notifier.service.d/20-operators.conf")
    service.machine.said("systemctl", "daemon-reload")
    service.machine.said("groupdel", "notifier-ops")


def test_operators_ask_the_daemon_without_sudo_and_others_still_do_not(service, operators):
    ask = ("/opt/notifier/bin/notifier", "endpoints", "--json", "--socket", SOCKET)
    told = service.machine.said(*NOBODY, f"--groups={operators}", *ask)
    assert json.loads(told)["items"][0]["name"] == "app"
    assert service.machine.run(*NOBODY, "--clear-groups", *ask).returncode == 69
