"""`notifier verify`: one captured request, from files, from stdin, from the daemon itself."""

import io
import json
import sys
import time

import pytest

from notifier.cli import verify
from notifier.core.moments import moment
from notifier.core.signing import headers, pair_of, parse_secret, shared_secret

WHSEC = shared_secret(bytes(range(32)))
WHSK, WHPK = pair_of(bytes(range(32)))
BODY = b'{"id":"evt_1","type":"notifier.ping"}'


@pytest.fixture
def request_of(tmp_path):
    """Write a request that was sent so many seconds ago into files: the body's, and the headers'."""

    def request_of(*secrets, ago=0, body=BODY, more=""):
        signed = headers([parse_secret(secret) for secret in secrets], "evt_1", int(time.time()) - ago, BODY)
        (tmp_path / "body").write_bytes(body)
        (tmp_path / "headers").write_text("".join(f"{name}: {value}\n" for name, value in signed.items()) + more)
        return tmp_path / "body", tmp_path / "headers"

    return request_of


def test_a_request_is_verified_by_its_two_files(program, request_of):
    body, head = request_of(WHSEC, ago=60)
    told = program("verify", "--secret", WHSEC, "--headers", head, body)
    assert told == (0, "verified by v1: evt_1, sent 1 min ago\n", "")


@pytest.mark.parametrize("secret", [WHPK, WHSK])
def test_a_request_is_verified_by_the_public_half(program, request_of, secret):
    body, head = request_of(WHSK)
    code, out, _ = program("verify", "--secret", secret, "--headers", head, body)
    assert (code, out.partition(":")[0]) == (0, "verified by v1a")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_whole_of_a_request_may_stand_in_one_file(program, request_of, tmp_path, end):
    _, head = request_of(WHSEC, more="Accept: */*\naccept: */*\nno header\n\xe9: x\n")
    lines = ["POST /hooks?a=b:c HTTP/1.1", *head.read_text().replace("webhook-", "Webhook-").splitlines()]
    whole = tmp_path / "whole"
    whole.write_bytes(end.join([*lines, "", ""]).encode() + BODY)
    assert program("verify", "--secret", WHSEC, whole)[0] == 0


def test_a_request_is_read_from_stdin(program, request_of, monkeypatch):
    _, head = request_of(WHSEC)
    whole = io.TextIOWrapper(io.BytesIO(head.read_bytes() + b"\n" + BODY))
    monkeypatch.setattr(sys, "stdin", whole)
    assert program("verify", "--secret", WHSEC, "-")[0] == 0


def test_a_body_alone_is_no_request(program, request_of):
    body, _ = request_of(WHSEC)
    code, out, err = program("verify", "--secret", WHSEC, body)
    assert (code, out) == (2, "")
    assert err.endswith("FILE has no empty line between headers and body: is it a body alone? name --headers\n")


def test_an_old_timestamp_is_a_warning_unless_an_age_is_named(program, request_of):
    body, head = request_of(WHSEC, ago=1000)
    code, out, err = program("verify", "--secret", WHSEC, "--headers", head, body)
    assert (code, out) == (0, "verified by v1: evt_1, sent 16 min ago\n")
    assert err.startswith("warning: old timestamp: off by 100")
    code, out, err = program("verify", "--secret", WHSEC, "--headers", head, "--max-age", "10m", body)
    assert (code, out) == (1, "")
    assert err.startswith("Error: not verified: old timestamp: off by 100")
    assert program("verify", "--secret", WHSEC, "--headers", head, "--max-age", "1h", body)[0] == 0


def test_why_it_is_not_verified_is_told_with_status_1(program, request_of):
    body, head = request_of(WHSEC, body=BODY + b"\n")
    code, out, err = program("verify", "--secret", WHSEC, "--headers", head, body)
    assert (code, out) == (1, "")
    assert err.startswith("Error: not verified: altered body: it verifies without the line end behind it")


def test_for_programs_the_verdict_is_a_document_and_the_exit_status(program, request_of):
    body, head = request_of(WHSEC, ago=1000)
    arguments = ("verify", "--secret", WHSEC, "--headers", head, body, "--json")
    code, out, err = program(*arguments)
    good = json.loads(out)
    assert (code, err) == (0, "")
    assert good["warning"].startswith("old timestamp: off by 100")
    assert time.time() - moment(good["sent_at"]) == pytest.approx(1000, abs=10)
    sent = {"id": "evt_1", "scheme": "v1", "sent_at": good["sent_at"]}
    assert good == {"verified": True, "fault": None, "warning": good["warning"], **sent}
    code, out, err = program(*arguments, "--max-age", "10m")
    old = json.loads(out)
    assert (code, old, err) == (1, {"verified": False, "fault": old["fault"], "warning": None, **sent}, "")
    assert old["fault"].startswith("old timestamp: off by 100")
    body.write_bytes(BODY + b"\n")
    code, out, err = program(*arguments)
    bad = json.loads(out)
    unknown = dict.fromkeys(("warning", "id", "scheme", "sent_at"))
    assert (code, bad, err) == (1, {"verified": False, "fault": bad["fault"], **unknown}, "")
    assert bad["fault"].startswith("altered body: it verifies without the line end behind it")


def test_a_header_that_is_there_twice_is_told(program, request_of):
    body, head = request_of(WHSEC, more="Webhook-Id: evt_2\n")
    told = program("verify", "--secret", WHSEC, "--headers", head, body)
    assert told == (1, "", "Error: not verified: the header webhook-id is there twice\n")


def test_what_strangers_wrote_cannot_move_the_cursor(program, request_of):
    body, head = request_of(WHSEC, body=b'{"id":"\\u001b[2J"}')
    assert "\\x1b[2J" in program("verify", "--secret", WHSEC, "--headers", head, body)[2]


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", "whsk_c2hvcnQ=", "whpk_c2hvcnQ=", "c2hvcnQ="])
def test_a_secret_that_is_none_is_a_wrong_command_line_that_does_not_show_it(program, request_of, secret):
    code, out, err = program("verify", "--secret", secret, request_of(WHSEC)[0])
    assert (code, out) == (2, "")
    assert "Invalid value for '--secret' (env var: 'NOTIFIER_SECRET'): expected wh" in err
    assert "c2hvcnQ" not in err


@pytest.mark.parametrize("arguments", [["--max-age", "soon"], ["--max-age", ""], ["another"]])
def test_a_wrong_command_line_is_told(program, request_of, arguments):
    code, out, err = program("verify", "--secret", WHSEC, request_of(WHSEC)[0], *arguments)
    assert (code, out) == (2, "")
    assert "Error: " in err


def test_a_file_that_cannot_be_read_is_told(program, request_of):
    body, head = request_of(WHSEC)
    for files in ((head, "nowhere"), ("nowhere", body)):
        code, out, err = program("verify", "--secret", WHSEC, "--headers", *files)
        assert (code, out) == (2, "")
        assert err.endswith(": 'nowhere': No such file or directory\n")


def test_a_request_longer_than_any_is_not_read_into_memory(program, request_of, monkeypatch):
    monkeypatch.setattr(verify, "LARGEST", 4 << 20)
    body, head = request_of(WHSEC, body=bytes((4 << 20) + 1))
    code, _, err = program("verify", "--secret", WHSEC, "--headers", head, body)
    assert (code, err) == (1, f"Error: {body} is too long: expected at most 4 MiB\n")


def test_the_secret_may_come_by_the_environment_and_is_not_shown_where_it_is_none(program, request_of, monkeypatch):
    body, head = request_of(WHSEC)
    monkeypatch.setenv("NOTIFIER_SECRET", WHSEC)
    assert program("verify", "--headers", head, body)[0] == 0
    monkeypatch.setenv("NOTIFIER_SECRET", "whsec_hush!")
    code, out, err = program("verify", "--headers", head, body)
    assert (code, out) == (2, "")
    assert "hush" not in err


def test_a_file_that_fails_while_it_is_read_is_named(program):
    code, out, err = program("verify", "--secret", WHSEC, "/proc/self/mem")  # nothing can be read at its address 0
    assert (code, out) == (1, "")
    assert err == "Error: Could not open file '/proc/self/mem': Input/output error\n"
