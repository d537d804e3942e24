"""How commands ask the daemon, and what they say where it is not there, does not answer, or says no."""

import socket
import threading
from contextlib import contextmanager

import pytest

from notifier.cli import control as controls
from notifier.cli.control import Control

NOBODY = "is it running? (systemctl status notifier)\n"


@contextmanager
def answering(path, *answers):
    """Something at a socket that says these bytes, one to each who asks, and hangs up."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def answer():
            for said in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            thread.join()


@pytest.fixture
def asked(program, tmp_path):
    """What `notifier endpoints` makes of an answer."""

    def asked(*answers):
        with answering(tmp_path / "s", *answers):
            return program("endpoints", "--socket", tmp_path / "s")

    return asked


def http(body, status="200 OK", kind="application/json"):
    head = f"HTTP/1.1 {status}\r\nserver: notifier\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


# --- not there


def test_a_daemon_that_is_not_there_is_69_and_a_sentence(program, tmp_path):
    path = tmp_path / "s"
    assert program("endpoints", "--socket", path) == (69, "", f"Error: the daemon does not answer at {path}: {NOBODY}")
    with socket.socket(socket.AF_UNIX) as bound:  # which a kill leaves behind
        bound.bind(str(path))
        code, _, err = program("endpoints", "--socket", path)
    assert (code, err) == (69, f"Error: the daemon does not answer at {path}: {NOBODY}")


def test_the_config_leads_to_the_socket(program, tmp_path):
    (tmp_path / "config.toml").write_text('[server]\nsocket = "s"\n')
    code, _, err = program("endpoints", "--config", tmp_path / "config.toml")
    assert (code, err) == (69, f"Error: the daemon does not answer at {tmp_path / 's'}: {NOBODY}")
    code, _, err = program("endpoints", "--config", tmp_path / "nowhere.toml")
    assert (code, err) == (
        78,
        f"Error: {tmp_path / 'nowhere.toml'}: the config cannot be read: No such file or directory\n",
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "you may not use /s: you are not in the group of it"),
        (TimeoutError(), "the daemon at /s has not answered for 70 s; what was asked for may be done all the same"),
        (ConnectionResetError(), "the daemon at /s has gone away; what was asked for may be done all the same"),
        (OSError(24, "Too many open files"), "the daemon cannot be reached at /s: Too many open files"),
    ],
)
def test_each_way_of_not_being_reached_has_its_sentence(error, said):
    assert controls._why(error, "/s") == said


def test_a_path_that_no_socket_can_have_is_told(program):
    code, out, err = program("endpoints", "--socket", "/" + "x" * 200)
    assert (code, out) == (69, "")
    assert err.endswith(": AF_UNIX path too long\n")


def test_a_daemon_that_hangs_is_not_waited_for_without_end(program, tmp_path, monkeypatch):
    monkeypatch.setattr(controls, "PATIENCE", 0.1)
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(tmp_path / "s"))
        hanging.listen()
        code, _, err = program("endpoints", "--socket", tmp_path / "s")
    assert code == 69
    assert "has not answered for 0.1 s" in err


# --- odd answers


@pytest.mark.parametrize("answer", [b"", http(b'{"items": []}')[:-3]])
def test_a_daemon_that_goes_away_is_69(asked, answer):
    code, out, err = asked(answer)
    assert (code, out) == (69, "")
    assert err.endswith("has gone away; what was asked for may be done all the same\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0\r\n",
        *(http(body) for body in (b"<html>", b"[]", b'"\xff"', b"[" * 100_000)),
        *(http(b'{"items": []}', status).replace(b"notifier", b"nginx") for status in ("200 OK", "404 Not Found")),
    ],
)
def test_something_else_at_the_socket_is_not_taken_for_the_daemon(asked, answer):
    code, out, err = asked(answer)
    assert (code, out) == (69, "")
    assert err.endswith("is not notifier\n")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"title": "Conflict", "detail": "there is one \\u001b[2J"}', "there is one \\x1b[2J"),
        (b'{"title": "Conflict"}', "Conflict"),
        (b"{}", "the daemon answers with status 409"),
    ],
)
def test_a_no_is_one_line_and_a_failure(asked, body, said):
    assert asked(http(body, "409 Conflict")) == (1, "", f"Error: {said}\n")


# --- page by page


def test_a_list_is_read_page_by_page_until_there_is_enough(tmp_path):
    pages = [http(b'{"items": [{"n": 1}], "next": "1"}'), http(b'{"items": [{"n": 2}], "next": "2"}')]
    with answering(tmp_path / "s", *pages):
        page = Control(tmp_path / "s", 0.0).items("events", limit=2)
    assert page == {"items": [{"n": 1}, {"n": 2}], "next": "2"}


def test_a_list_may_end_before(tmp_path):
    pages = [http(b'{"items": [{"n": 1}], "next": "1"}'), http(b'{"items": [{"n": 2}], "next": null}')]
    with answering(tmp_path / "s", *pages):
        page = Control(tmp_path / "s", 0.0).items("events", limit=2000)
    assert page == {"items": [{"n": 1}, {"n": 2}], "next": None}
