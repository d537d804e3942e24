"""The service behind notifier-http.socket, under a real systemd: nobody who connects is turned away."""

import subprocess
import time

import pytest

TIMES = 500
RESTARTS = 3
SOCKET = "notifier-http.socket"


@pytest.fixture
def socket(service):
    """The socket, open, and the service stopped."""
    service.systemctl("stop", "notifier")
    assert service.systemctl("start", SOCKET) == 0
    return service


def knocked(service, host, times=1, **more):
    """What came of asking a place so often: a process that prints a line for each."""
    command = ("/opt/notifier/bin/python", "/srv/knocking.py", host, 9480, times)
    return service.machine.popen(*command, stdout=subprocess.PIPE, **more)


def test_whoever_connects_starts_the_service_and_is_answered(socket):
    assert socket.show("ActiveState") == "inactive"
    with knocked(socket, "127.0.0.1") as asked:
        assert asked.communicate()[0] == "200\n"
    assert socket.is_up()
    with knocked(socket, "::1") as asked:
        assert asked.communicate()[0] == "200\n"


def test_the_service_has_the_port_and_still_reaches_nobody_there(socket):
    with knocked(socket, "127.0.0.1") as asked:
        assert asked.communicate()[0] == "200\n"
    environ = socket.machine.said("cat", f"/proc/{socket.pid}/environ")
    assert "LISTEN_FDS=2" in environ


def test_a_restart_turns_nobody_away(socket):
    socket.systemctl("start", "notifier")
    with knocked(socket, "127.0.0.1", TIMES) as asked:
        told = []
        for _ in range(RESTARTS):
            told += [asked.stdout.readline() for _ in range(20)]
            assert socket.systemctl("restart", "notifier") == 0
        told += asked.stdout.read().splitlines(keepends=True)
    assert len(told) == TIMES
    assert [line for line in told if line != "200\n"] == []


def test_without_a_token_the_service_does_not_start_and_says_why(socket):
    socket.configure(socket.config.replace('token = { credential = "token" }', ""))
    since = time.time()
    assert socket.systemctl("start", "notifier") == 1
    assert socket.show("ExecMainStatus") == "78"
    socket.happens("server.token: missing", since)
