"""record × where it goes → one line: for a person at a terminal, for the systemd journal, or as JSON.

A line is a fixed word and its fields: `log.info("announced", extra={"fields": {"source": "posts"}})`. With a list of
such fields a record is as many lines that say the same word: a busy daemon writes thousands a second. What comes from
outside, and that is any field, is cut and cannot break out of its line.
"""

import hashlib
import json
import logging
import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

from notifier.core.render import iso
from notifier.core.text import span, visible

LONGEST_FIELD = 500
"""Characters of a field that are shown."""
LONGEST_TEXT = 100_000
"""Of a message or a trace, in characters, and of a journal field, in bytes: one datagram carries about 200 kB."""
MOMENTS = frozenset({"next"})
"""Fields that hold a moment to come, in seconds since 1970."""
JOURNAL = Path("/run/systemd/journal/socket")
WHERE = logging._srcfile  # noqa: SLF001
"""Whose callers `logging` looks for: its own."""

COLOURS = {logging.DEBUG: "2", logging.INFO: "32", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "1;31"}
PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Of syslog(3)."""


class Form(StrEnum):
    """How a line is written."""

    CONSOLE = "console"
    JOURNAL = "journal"
    JSON = "json"


def setup(
    level: int = logging.INFO,
    form: Form | None = None,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
    journal: Path = JOURNAL,
) -> logging.Handler:
    """Send every line of the process to `stream`, by default stderr, or to the journal behind it.

    `level` is for our own lines; what libraries say is shown from WARNING on.
    """
    stream = stream or sys.stderr
    handler = _handler(form or fitting(stream, environ), stream, environ, journal)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("notifier").setLevel(level)
    logging.captureWarnings(capture=True)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # not shown, so not gathered
    logging._srcfile = WHERE if isinstance(handler, Journal) else None  # noqa: SLF001  # nor who calls: see its HOWTO
    return handler


def fitting(stream: TextIO, environ: Mapping[str, str]) -> Form:
    """The form that suits a stream: systemd tells in JOURNAL_STREAM which device and inode lead to the journal."""
    if stream.isatty():
        return Form.CONSOLE
    try:
        there = os.fstat(stream.fileno())
    except OSError:  # no file behind it
        return Form.JSON
    is_journal = environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"
    return Form.JOURNAL if is_journal else Form.JSON


def _handler(form: Form, stream: TextIO, environ: Mapping[str, str], journal: Path) -> logging.Handler:
    if form is Form.JOURNAL:
        return Journal(journal)
    handler = logging.StreamHandler(stream)
    coloured = stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    handler.setFormatter(Console(coloured=coloured) if form is Form.CONSOLE else JsonLines())
    return handler


# --- what a record says


def shown(value: object) -> object:
    """A field's value as the outputs may hold it: None and finite numbers as they are, all else as text, cut."""
    if isinstance(value, str):
        return visible(value[:LONGEST_FIELD])
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    return visible(str(value)[:LONGEST_FIELD])


def lines(record: logging.LogRecord) -> list[dict[str, Any]]:
    """The fields of each line, each fit to be shown."""
    said: Mapping[str, Any] | Sequence[Mapping[str, Any]] = record.__dict__.get("fields", {})
    return [
        {name: value if type(value) is int else shown(value) for name, value in one.items()}
        for one in ((said,) if isinstance(said, Mapping) else said)
    ]


def message(record: logging.LogRecord) -> str:
    """What is said, in one line."""
    return visible(record.getMessage()[:LONGEST_TEXT])


def trace(record: logging.LogRecord) -> list[str]:
    """The lines of the trace, the last call last."""
    if record.exc_info is None or record.exc_info[0] is None:
        return []
    text = logging.Formatter().formatException(record.exc_info)
    return [visible(line) for line in text[:LONGEST_TEXT].split("\n")]


def spoken(record: logging.LogRecord, fields: Mapping[str, Any]) -> str:
    """Message and fields for a person: `announced source=posts type=upload.completed`; what is None is left out."""
    said = ((name, _told(name, value, record.created)) for name, value in fields.items() if value is not None)
    return " ".join([message(record), *(f"{name}={_quoted(text)}" for name, text in said)])


def _told(name: str, value: object, now: float) -> str:
    """A moment as what is left until then: `+5m`."""
    return f"+{span(value - now)}" if name in MOMENTS and isinstance(value, int | float) else str(value)


def _quoted(text: str) -> str:
    return text if text and not set(text) & set(' "=') else json.dumps(text, ensure_ascii=False)


@cache
def message_id(word: str) -> str:
    """What the journal knows all lines of one kind by: 128 bits made of their fixed word."""
    return hashlib.sha256(f"notifier: {word}".encode()).hexdigest()[:32]


# --- the three forms


class Console(logging.Formatter):
    """Time, level, message and fields; a trace is folded in below."""

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        """The lines, and one more for each of the trace."""
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = f"{record.levelname.lower():8}"
        if self._coloured:
            level = f"\033[{COLOURS.get(record.levelno, '0')}m{level}\033[0m"
        head = f"{time}.{int(record.msecs):03d} {level}"
        return "\n".join("\n    ".join([f"{head} {spoken(record, one)}", *trace(record)]) for one in lines(record))


class JsonLines(logging.Formatter):
    """One object a line: `at` (UTC), `level`, `logger`, `message`, the fields, and `trace` where there is one."""

    _encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def format(self, record: logging.LogRecord) -> str:
        """The objects; a field never displaces one of the names above."""
        named: dict[str, Any] = {
            "at": _at(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message(record),
        }
        if told := trace(record):
            named["trace"] = "\n".join(told)
        head = self._encode(named)[:-1]
        own = ({name: one[name] for name in one if name not in named} for one in lines(record))
        return "\n".join(f"{head},{self._encode(one)[1:]}" if one else head + "}" for one in own)


def _at(moment: float) -> str:
    """`iso`, to the millisecond: a busy daemon writes many lines in a second."""
    second, milliseconds = divmod(round(moment * 1000), 1000)
    return f"{_second(second)}.{milliseconds:03d}Z"


@lru_cache(maxsize=2)
def _second(moment: int) -> str:
    return iso(float(moment)).removesuffix("Z")


class Journal(logging.Handler):
    """The journal's native protocol, so that `journalctl NOTIFIER_ENDPOINT=app` finds what it should.

    See https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. A journal that is full or away never holds the program up: the line
    is dropped and counted, and the lines after it carry the count.
    """

    def __init__(self, path: Path = JOURNAL) -> None:
        super().__init__()
        self.dropped = 0
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def emit(self, record: logging.LogRecord) -> None:
        """Send the lines, or count them as dropped."""
        try:
            for one in lines(record):
                self._send(b"".join(framed(name, str(value)) for name, value in self._entry(record, one)))
        except Exception:  # noqa: BLE001  # as every handler of `logging`: a faulty line ends nothing
            self.handleError(record)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
        super().close()

    def _send(self, entry: bytes) -> None:
        try:
            self._socket.sendto(entry, self._path)
        except OSError:
            self.dropped += 1

    def _entry(self, record: logging.LogRecord, fields: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
        yield "MESSAGE", "\n".join([spoken(record, fields), *trace(record)])
        yield "PRIORITY", PRIORITIES.get(record.levelno, 6)
        yield "SYSLOG_IDENTIFIER", "notifier"
        yield "LOGGER", record.name
        yield "CODE_FILE", record.pathname
        yield "CODE_LINE", record.lineno
        yield "CODE_FUNC", record.funcName
        if record.name.startswith("notifier."):  # the words of libraries are not fixed
            yield "MESSAGE_ID", message_id(record.msg)
        for name, value in fields.items():
            if value is not None:
                yield f"NOTIFIER_{name.upper()}", value
        if self.dropped:
            yield "NOTIFIER_DROPPED", self.dropped


def dropped() -> int:
    """Lines that the journal did not take."""
    return sum(one.dropped for one in logging.getLogger().handlers if isinstance(one, Journal))


def framed(name: str, value: str) -> bytes:
    """One field as the journal reads it: a value of several lines goes with its length in front."""
    data = value.encode(errors="backslashreplace")[:LONGEST_TEXT].decode(errors="ignore").encode()
    if b"\n" in data:
        return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
    return name.encode() + b"=" + data + b"\n"
