import json
import logging
import os
import pty
import socket
import struct
import time
import warnings
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.secret import Secret
from notifier.log import Console, Form, Journal, JsonLines, dropped, fitting, framed, setup

EVIL = "\n{}\r\x1b[31mred\x00\u2028\u202e\x7f\ud800"
HOSTILE = st.text([*EVIL, *'aé世 \t\\"=\x85\xa0\u2029\u200f\u2066\U000e0001\U0001f600'])
log = logging.getLogger("notifier.tried")


@pytest.fixture
def untouched():
    """The process's logging, put back as it was."""
    root, ours = logging.getLogger(), logging.getLogger("notifier")
    before = root.handlers, root.level, ours.level
    gathered = logging.logThreads, logging.logProcesses, logging.logMultiprocessing
    yield
    logging.captureWarnings(capture=False)
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    logging.logThreads, logging.logProcesses, logging.logMultiprocessing = gathered


@pytest.fixture
def terminal():
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as stream:
        yield stream
    os.close(leader)


@pytest.fixture
def journal(tmp_path):
    """What journald would be: a socket that receives datagrams."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as here:
        here.bind(str(tmp_path / "journal"))
        yield here


@pytest.fixture
def handler(journal):
    handler = Journal(Path(journal.getsockname()))
    yield handler
    handler.close()


def record(message="announced", *args, level=logging.INFO, fault=None, **fields):
    exc_info = (type(fault), fault, fault.__traceback__) if fault else None
    made = logging.LogRecord("notifier.tried", level, "/src/tried.py", 7, message, args, exc_info, "told")
    made.created, made.msecs = 1_800_000_000.25, 250.0
    if fields:
        made.fields = fields
    return made


def caught(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # it is only made here
        raise ValueError(text)
    return caught.value


def unframed(datagram):
    """The fields of a datagram, read as journald reads them."""
    found = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        if b"=" in name:
            name, _, value = name.partition(b"=")
        else:
            (length,) = struct.unpack_from("<Q", rest)
            value, rest = rest[8 : 8 + length], rest[8 + length :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        found[name.decode()] = value.decode()
        datagram = rest
    return found


def received(journal):
    """All that has arrived."""
    with suppress(BlockingIOError):
        while True:
            yield unframed(journal.recv(200_000))


# --- which form


def test_a_terminal_gets_the_console(terminal):
    assert fitting(terminal, {}) is Form.CONSOLE


def test_a_stream_that_leads_to_the_journal_is_recognised_by_device_and_inode(tmp_path):
    with (tmp_path / "stderr").open("w") as stream:
        there = os.fstat(stream.fileno())
        assert fitting(stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}) is Form.JOURNAL
        assert fitting(stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino + 1}"}) is Form.JSON
        assert fitting(stream, {}) is Form.JSON


def test_a_stream_without_a_file_gets_json():
    assert fitting(StringIO(), {"JOURNAL_STREAM": "1:2"}) is Form.JSON


# --- the set-up


def test_our_lines_are_shown_from_the_level_on_and_those_of_libraries_from_warning(untouched):
    stream = StringIO()
    setup(stream=stream)
    log.debug("unheard")
    logging.getLogger("library").info("unheard")
    log.info("announced")
    logging.getLogger("library").warning("odd")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["announced", "odd"]


def test_without_a_word_stderr_it_is(untouched, capsys):
    setup(form=Form.JSON)
    log.info("announced")
    assert json.loads(capsys.readouterr().err)["message"] == "announced"


def test_warnings_of_the_language_become_lines(untouched):
    stream = StringIO()
    setup(stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("it is late", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "it is late" in json.loads(stream.getvalue())["message"]


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_is_coloured_unless_it_asks_not_to_be(untouched, terminal, environ, coloured):
    line = setup(stream=terminal, environ=environ).format(record())
    assert ("\033[32minfo" in line) is coloured


def test_a_console_that_is_no_terminal_is_not_coloured(untouched):
    assert "\033" not in setup(form=Form.CONSOLE, stream=StringIO(), environ={}).format(record())


def test_the_journal_can_be_asked_for(untouched, journal):
    handler = setup(form=Form.JOURNAL, journal=Path(journal.getsockname()))
    log.info("announced", extra={"fields": {"source": "posts"}})
    handler.close()
    assert unframed(journal.recv(1000))["NOTIFIER_SOURCE"] == "posts"


# --- text from outside


def test_text_is_cut_and_what_is_not_plainly_seen_is_escaped():
    told = json.loads(JsonLines().format(record(title="Grüße, 世界", long="x" * 600, many=["x" * 600], evil=EVIL)))
    assert told["title"] == "Grüße, 世界"
    assert told["long"] == "x" * 500
    assert told["many"] == "['" + "x" * 498
    assert told["evil"] == "\\n{}\\r\\x1b[31mred\\x00\\u2028\\u202e\\x7f\\ud800"


@given(HOSTILE)
def test_no_text_breaks_out_of_its_line(text):
    for formatter in (Console(coloured=False), JsonLines()):
        line = formatter.format(record("%s", text, note=text, fault=caught("plain")))
        first = line.split("\n    ")[0]
        assert first.isprintable()
        line.encode()


@given(
    st.dictionaries(
        st.sampled_from(["source", "upload", "note", "ms"]),
        st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(), HOSTILE, st.lists(HOSTILE)),
    )
)
def test_every_json_line_is_json(fields):
    def fail(constant):
        raise AssertionError(constant)

    told = json.loads(JsonLines().format(record(**fields)), parse_constant=fail)
    assert set(told) == {"at", "level", "logger", "message", *fields}


def test_a_secret_is_never_told(handler, journal):
    told = record("attempted with %s", Secret("hunter2"), key=Secret("hunter2"), keys=[Secret("hunter2")])
    handler.emit(told)
    for line in (Console(coloured=True).format(told), JsonLines().format(told), journal.recv(10_000).decode()):
        assert "hunter2" not in line
        assert "***" in line


# --- several lines that say the same word


def several(*lines, **more):
    made = record("attempted", **more)
    made.fields = lines
    return made


def test_a_line_for_each_of_several_is_what_it_would_be_by_itself(handler, journal):
    both = {"endpoint": "app", "next": 1_800_000_300.25}, {"endpoint": "\n", "at": 0}
    alone = [several(one) for one in both]
    for form in (Console(coloured=True), JsonLines()):
        assert form.format(several(*both)).split("\n") == [form.format(one) for one in alone]
    for one in (several(*both), *alone):
        handler.emit(one)
    told = list(received(journal))
    assert told[:2] == told[2:]
    assert [one["NOTIFIER_ENDPOINT"] for one in told[:2]] == ["app", "\\n"]


class Written(StringIO):
    """Counts the writes."""

    count = 0

    def write(self, text):
        self.count += 1
        return super().write(text)


def test_several_lines_are_one_write(untouched):
    """A write lets other threads in, and whoever writes waits: with one for each line that took as long as the rest."""
    stream = Written()
    setup(form=Form.JSON, stream=stream)
    log.info("attempted", extra={"fields": [{"delivery": number} for number in range(3)]})
    assert [json.loads(line)["delivery"] for line in stream.getvalue().splitlines()] == [0, 1, 2]
    assert stream.count == 1


# --- the console


def test_the_console_shows_time_level_message_and_fields():
    line = Console(coloured=False).format(
        record(source="posts", status=None, ms=1.5, note="", text='a "b"', pair="a=b", level=logging.WARNING)
    )
    at = time.strftime("%H:%M:%S", time.localtime(1_800_000_000))
    assert line == rf'{at}.250 warning  announced source=posts ms=1.5 note="" text="a \"b\"" pair="a=b"'


def test_a_person_is_told_in_how_long_the_next_attempt_follows():
    # It was a number of ten digits once.
    console = Console(coloured=False)
    assert console.format(record(next=1_800_000_300.25)).endswith(" announced next=+5m")
    assert console.format(record(next=1_799_999_999.0)).endswith(" announced next=+0s")
    assert console.format(record(next="never")).endswith(" announced next=never")
    assert json.loads(JsonLines().format(record(next=1_800_000_300.25)))["next"] == 1_800_000_300.25


def test_a_person_is_told_nothing_of_what_is_not_there():
    # The events of a source came with an upload=- once.
    assert Console(coloured=False).format(record(upload=None, sequence=1)).endswith(" announced sequence=1")


def test_the_console_folds_a_trace_in_below():
    lines = Console(coloured=False).format(record(fault=caught("no\nERROR: forged \x1b[31m"))).split("\n")
    assert lines[0].endswith("announced")
    assert all(line.startswith("    ") for line in lines[1:])
    assert lines[-2:] == ["    ValueError: no", "    ERROR: forged \\x1b[31m"]


def test_a_level_of_somebody_else_has_no_colour_of_its_own(handler, journal):
    told = record(level=35)
    assert "\033[0m" in Console(coloured=True).format(told)
    handler.emit(told)
    assert unframed(journal.recv(1000))["PRIORITY"] == "6"


# --- JSON


def test_a_json_line_tells_when_how_bad_who_what_and_the_fields():
    line = JsonLines().format(
        record("%s", "announced", source="posts", ms=1.5, status=None, ok=True, seen=float("inf"))
    )
    assert line == (
        '{"at":"2027-01-15T08:00:00.250Z","level":"info","logger":"notifier.tried","message":"announced",'
        '"source":"posts","ms":1.5,"status":null,"ok":true,"seen":"inf"}'
    )


def test_a_field_does_not_displace_what_every_line_has():
    told = json.loads(JsonLines().format(record(at=0, logger="x")))
    assert (told["at"], told["logger"]) == ("2027-01-15T08:00:00.250Z", "notifier.tried")


def test_a_json_line_may_have_no_fields():
    assert JsonLines().format(record(at=0)) == JsonLines().format(record())


def test_a_json_line_has_its_trace():
    told = json.loads(JsonLines().format(record(fault=caught("no"))))
    assert told["trace"].startswith("Traceback")
    assert told["trace"].endswith("\nValueError: no")


def test_an_exception_asked_for_where_there_is_none_is_no_trace():
    told = record()
    told.exc_info = (None, None, None)
    assert "trace" not in json.loads(JsonLines().format(told))


# --- the journal


def test_the_journal_gets_fields_that_can_be_asked_for(handler, journal):
    handler.emit(record(source="posts", attempt=3, status=None, level=logging.ERROR))
    assert unframed(journal.recv(10_000)) == {
        "MESSAGE": "announced source=posts attempt=3",
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "notifier",
        "LOGGER": "notifier.tried",
        "CODE_FILE": "/src/tried.py",
        "CODE_LINE": "7",
        "CODE_FUNC": "told",
        "MESSAGE_ID": "44a1911643c799c92f37c01d64e849fb",
        "NOTIFIER_SOURCE": "posts",
        "NOTIFIER_ATTEMPT": "3",
    }


def test_the_journal_knows_our_lines_by_their_words_whatever_is_in_them_and_no_line_of_a_library(handler, journal):
    library = record()
    library.name = "aiohttp.client"
    for one in (record(source="posts"), record(level=logging.ERROR), record("delivered"), library):
        handler.emit(one)
    first, second, other, theirs = (said.get("MESSAGE_ID") for said in received(journal))
    assert first == second == "44a1911643c799c92f37c01d64e849fb"
    assert other not in {None, first}
    assert theirs is None


def test_the_journal_gets_a_trace_of_many_lines_whole(handler, journal):
    handler.emit(record(fault=caught("no")))
    said = unframed(journal.recv(10_000))["MESSAGE"].split("\n")
    assert (said[0], said[1], said[-1]) == ("announced", "Traceback (most recent call last):", "ValueError: no")


def test_a_journal_message_is_cut_to_what_a_datagram_carries(handler, journal):
    handler.emit(record("世" * 100_000))
    said = unframed(journal.recv(200_000))["MESSAGE"]
    assert set(said) == {"世"}
    assert 99_990 < len(said.encode()) <= 100_000


def test_a_value_of_several_lines_goes_with_its_length_in_front():
    assert framed("A", "b=c") == b"A=b=c\n"
    assert framed("A", "b\nc") == b"A\n\x03\0\0\0\0\0\0\0b\nc\n"
    assert framed("A", "\udcff") == b"A=\\udcff\n"


def test_a_full_journal_drops_lines_and_holds_nobody_up(handler, journal):
    while not handler.dropped:
        handler.emit(record())
    handler.emit(record())
    assert handler.dropped == 2
    assert "NOTIFIER_DROPPED" not in list(received(journal))[-1]
    handler.emit(record())
    assert [said["NOTIFIER_DROPPED"] for said in received(journal)] == ["2"]


def test_a_missing_journal_drops_lines(tmp_path):
    handler = Journal(tmp_path / "nobody")
    handler.emit(record())
    handler.close()
    assert handler.dropped == 1


def test_lines_that_were_dropped_are_counted_for_who_asks(tmp_path):
    assert dropped() == 0
    handler = Journal(tmp_path / "nobody")
    logging.getLogger().addHandler(handler)
    try:
        handler.emit(record())
        assert dropped() == 1
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def test_a_faulty_line_ends_nothing(handler, capsys):
    handler.emit(record("%d", "no number"))
    assert "TypeError" in capsys.readouterr().err
