"""`notifier events --follow`: what it shows, and that it misses nothing where the daemon goes and comes."""

import json
import socket
import threading
from contextlib import contextmanager

import pytest

from notifier.cli import control as controls

HEAD = b"HTTP/1.1 200 OK\r\nserver: notifier\r\ncontent-type: text/event-stream\r\n\r\n"
AT = "2026-11-21T12:00:00.000Z"
UPLOAD = {
    "id": "evt_1",
    "type": "upload.failed",
    "timestamp": AT,
    "data": {
        "source": "posts",
        "upload": {"id": "u\x1b1"},
        "changes": [{"field": "status", "from": None, "to": "failed"}],
    },
}
ENDPOINT = {"id": "evt_2", "type": "endpoint.paused", "timestamp": AT, "data": {"endpoint": "crm"}}
SOURCE = {"id": "evt_3", "type": "source.failing", "timestamp": AT, "data": {"source": "posts"}}


def message(position, event=None):
    said = f"id: {position}\n" + ("" if event is None else f"event: {event['type']}\ndata: {json.dumps(event)}\n")
    return said.encode() + b"\n"


@contextmanager
def streaming(path, *answers):
    """A daemon that says these bytes, one to each who asks, and hangs up; it remembers what it was asked."""
    asked = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def answer():
            for said in answers:
                connection, _ = listening.accept()
                with connection:
                    asked.append(connection.recv(65536).split()[1].decode())
                    connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield asked
        finally:
            thread.join()


@pytest.fixture
def followed(program, tmp_path, monkeypatch):
    """What `notifier events --follow` makes of answers, the last of which ends it; and what it asked."""
    monkeypatch.setattr(controls, "PAUSE", 0.0)

    def followed(*answers, more=()):
        with streaming(tmp_path / "s", *answers, NO) as asked:
            told = program("events", "--follow", *more, "--socket", tmp_path / "s")
        return *told, asked

    return followed


NO = b'HTTP/1.1 404 Not Found\r\nserver: notifier\r\n\r\n{"detail": "enough"}'


def test_each_event_is_a_line(followed):
    code, out, _, asked = followed(HEAD + message(0) + message(1, UPLOAD) + message(2, ENDPOINT) + message(3, SOURCE))
    assert out == (
        f"{AT}  upload.failed           posts  u\\x1b1  status – → failed\n"
        f"{AT}  endpoint.paused         crm\n"
        f"{AT}  source.failing          posts\n"
    )
    assert code == 1
    assert asked[0] == "/v1/stream"


def test_for_programs_each_is_what_the_endpoints_get(followed):
    _, out, _, asked = followed(HEAD + message(0) + message(1, UPLOAD), more=("--json", "--type", "upload.*"))
    assert json.loads(out) == UPLOAD
    assert asked[0] == "/v1/stream?type=upload.%2A"


def test_a_daemon_that_has_gone_is_waited_for_and_nothing_is_missed(followed):
    half = message(2, ENDPOINT)
    code, out, err, asked = followed(
        HEAD + message(7),  # nothing announced, and gone
        HEAD + message(7) + b":\n\n" + message(8, UPLOAD) + half[:-20],  # gone in the middle of a message
        b"",  # not there again yet
        HEAD + message(8) + message(9, SOURCE),
        more=("--source", "posts"),
    )
    assert asked == [
        "/v1/stream?source=posts",
        *(f"/v1/stream?source=posts&after={after}" for after in (7, 8, 8, 9)),
    ]
    assert [line.split()[1] for line in out.splitlines()] == ["upload.failed", "source.failing"]
    assert err == "the daemon has gone away: waiting for it\n" * 3 + "Error: enough\n"
    assert code == 1


def test_one_that_is_not_there_to_begin_with_is_not_waited_for(program, tmp_path):
    code, out, err = program("events", "--follow", "--socket", tmp_path / "s")
    assert (code, out) == (69, "")
    assert "the daemon does not answer at" in err


def test_a_limit_and_no_end_exclude_one_another(program):
    code, out, err = program("events", "--follow", "--limit", "100")
    assert (code, out) == (2, "")
    assert "--follow goes on without --limit" in err


def test_what_is_not_the_daemon_is_not_followed(program, tmp_path):
    with streaming(tmp_path / "s", b"HTTP/1.1 200 OK\r\nserver: nginx\r\n\r\nid: 1\n\n"):
        code, out, err = program("events", "--follow", "--socket", tmp_path / "s")
    assert (code, out) == (69, "")
    assert err.endswith("is not notifier\n")
