"""Status or exception to outcome and note; an answer's body to a safe text."""

import errno
import json
import socket

import pytest
from aiohttp import ClientConnectorDNSError, ClientConnectorError
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.model import Outcome
from notifier.webhook.names import NoThread
from notifier.webhook.verdict import excerpt, fault, host_of, judged, mask, rule


@given(st.integers(-1000, 100_000), st.none() | st.text())
def test_every_status_has_an_outcome_and_a_note_that_is_safe_to_show(status, location):
    outcome, note = judged(status, "receiver.example", location)
    assert (outcome is Outcome.DELIVERED) == (200 <= status < 300) == (note == "")
    assert note.isprintable()
    assert len(note) < 300


@given(st.text() | st.from_regex(r"https?://.{0,20}(:.{0,5})?/?", fullmatch=True))
def test_whatever_names_a_host_is_safe_to_show(url):
    host = host_of(url)
    assert host is None or (host.isprintable() and len(host) <= 200)


@given(st.binary(max_size=20_000))
def test_whatever_a_body_is_it_is_kept_short_and_in_one_line(body):
    kept = excerpt(body, None)
    assert kept.isprintable()
    assert len(kept.encode()) <= 4096


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.booleans(), st.text("xyz"))
def test_a_secret_is_found_however_json_spells_it(secret, ascii_only, around):
    spelt = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    hidden = mask([secret])
    if hidden.search(around) is None:
        assert hidden.sub("***", f"{around}{spelt}{around}") == f"{around}***{around}"


def test_the_longest_secret_is_hidden_first():
    assert excerpt(b"abcdef abc", mask(["abc", "abcdef", ""])) == "*** ***"


def test_where_nothing_is_secret_nothing_is_looked_for():
    assert mask([""]) is None


def test_a_secret_at_the_edge_of_what_is_kept_is_hidden_whole():
    assert excerpt(b"x" * 4090 + b"secret-word", mask(["secret-word"])) == "x" * 4090 + "***"


@pytest.mark.parametrize("error", [ZeroDivisionError("hidden"), ValueError("hidden"), OSError(99, "hidden")])
def test_what_is_said_by_a_bug_is_not_repeated(error):
    outcome, note = fault(error, "receiver.example")
    assert outcome is Outcome.PROTOCOL
    assert "hidden" not in note
    assert rule(error) is None


@pytest.mark.parametrize(
    ("fault_of_ours", "words"),
    [
        (OSError(errno.EMFILE, "hidden"), "too many open files, raise its limit of them"),
        (OSError(errno.ENFILE, "hidden"), "too many open files, raise its limit of them"),
        (OSError(errno.ENOMEM, "hidden"), "no memory"),
        (OSError(errno.ENOBUFS, "hidden"), "no memory"),
        (socket.gaierror(socket.EAI_MEMORY, "hidden"), "no memory"),
        (socket.gaierror(socket.EAI_SYSTEM, "hidden"), "its resolver failed"),
        (NoThread(None, "hidden"), "no thread, raise its limit of tasks, or of memory"),
    ],
)
def test_a_fault_of_ours_is_not_the_receivers(fault_of_ours, words):
    told = (Outcome.LOCAL, f"receiver.example was sent nothing, by a fault of this machine: {words}")
    assert fault(ClientConnectorError(None, fault_of_ours), "receiver.example") == told
    assert fault(ClientConnectorDNSError(None, fault_of_ours), "receiver.example") == told


def test_no_memory_is_a_fault_of_ours():
    told = (Outcome.LOCAL, "receiver.example was sent nothing, by a fault of this machine: no memory")
    assert fault(MemoryError(), "receiver.example") == told


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL])
def test_what_stands_between_us_and_the_receiver_is_no_fault_of_ours(number):
    assert fault(ClientConnectorError(None, OSError(number, "")), "receiver.example")[0] is Outcome.CONNECT


def test_a_name_server_that_fails_is_no_fault_of_ours():
    error = ClientConnectorDNSError(None, socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"))
    told = (Outcome.DNS, "receiver.example cannot be resolved: Temporary failure in name resolution")
    assert fault(error, "receiver.example") == told
