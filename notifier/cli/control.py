"""The daemon, as commands see it: a question over its control socket → the document, or an error in a sentence.

`http.client` and nothing heavier: a command is to be there at once.
"""

import functools
import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

import click

from notifier.cli.options import config_option
from notifier.cli.socket_path import socket_path
from notifier.core.text import visible

UNREACHABLE = 69
"""EX_UNAVAILABLE of sysexits.h."""
PATIENCE = 70.0
"""Seconds without a sign of the daemon: a ping that nobody answers takes a minute at most."""
LONG = 3600.0
"""The same where what is asked for may take long."""
PAGE = 1000
"""Items that the daemon gives at once, at most."""
BAD = 400
"""The first status of HTTP that says no."""
PAUSE = 2.0
"""Seconds until a daemon that has gone away is looked for again."""
NOTHING: Mapping[str, None] = MappingProxyType({})
Document = dict[str, Any]


class Unreachable(click.ClickException):
    """The daemon was not there, or is there no more."""

    exit_code = UNREACHABLE


class Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: Path, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path
        self._patience = patience

    def connect(self) -> None:
        """As HTTP's, but to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._patience)
        self.sock.connect(os.fspath(self._path))


class Refused(click.ClickException):
    """The daemon has something against it; `document` says what, as it was answered."""

    def __init__(self, document: Document) -> None:
        said = document.get("detail") or document.get("title") or "the daemon answers with an error"
        super().__init__(visible(str(said)))
        self.document = document


class Misspelt(Refused):
    """The daemon does not know a word that the command line gave."""

    exit_code = click.UsageError.exit_code


@dataclass(frozen=True, slots=True)
class Control:
    """The daemon at a socket; `now` is the moment of the command, in Unix seconds.

    Each method raises `Unreachable`, or `Refused` with what the daemon has against it.
    """

    socket: Path
    now: float

    def get(self, *parts: str, **query: str | int | None) -> Document:
        """What is at `/v1/<parts>`; a part may hold anything."""
        return self._ask("GET", _target(parts, query))

    def items(self, *parts: str, limit: int, **query: str | None) -> Document:
        """As much of a list as is wanted, page by page, as one page."""
        items: list[Document] = []
        cursor = None
        while len(items) < limit:
            page = self.get(*parts, **query, limit=min(PAGE, limit - len(items)), cursor=cursor)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        return {"items": items, "next": cursor}

    def post(self, *parts: str, **body: Any) -> Document:
        """What came of it; what is None is left out of the body."""
        return self._ask("POST", _target(parts), {key: value for key, value in body.items() if value is not None})

    def wait(self, *parts: str, **body: Any) -> Document:
        """As `post`, for what may take long."""
        return self._ask("POST", _target(parts), body, LONG)

    def delete(self, *parts: str, **body: Any) -> None:
        """It is no more; what is None is left out of the body."""
        self._ask("DELETE", _target(parts), {key: value for key, value in body.items() if value is not None} or None)

    def follow(self, lost: Callable[[], None], **query: str | None) -> Iterator[Document]:
        """Each event as it is announced, without end.

        A daemon that goes away is waited for, looked for every `PAUSE` seconds, and nothing is missed; `lost` is called
        then. Raises `Unreachable` where it is not there to begin with.
        """
        after, is_there = None, True
        while True:
            try:
                with self._reached(), closing(Connection(self.socket, PATIENCE)) as connection:
                    answer = self._opened(connection, query | {"after": after})
                    is_there = True
                    for message in _messages(answer):
                        after = message.get("id", after)
                        if "data" in message:
                            yield json.loads(message["data"])
                    raise ConnectionResetError
            except Unreachable:
                if after is None:
                    raise
            if is_there:
                lost()
            is_there = False
            time.sleep(PAUSE)

    def _opened(self, connection: Connection, query: Mapping[str, str | None]) -> http.client.HTTPResponse:
        connection.request("GET", _target(("stream",), query))
        answer = connection.getresponse()
        if answer.status >= BAD or not is_ours(answer):
            self._understood(answer, answer.read())
        return answer

    def _ask(self, method: str, target: str, body: Document | None = None, patience: float | None = None) -> Document:
        content = None if body is None else json.dumps(body)
        headers = {} if body is None else {"content-type": "application/json"}
        with closing(Connection(self.socket, patience or PATIENCE)) as connection, self._reached():
            connection.request(method, target, content, headers)
            answer = connection.getresponse()
            text = answer.read()
        return self._understood(answer, text)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(_why(error, self.socket)) from None

    def _understood(self, answer: http.client.HTTPResponse, text: bytes) -> Document:
        document = _document(text)
        if document is None or not is_ours(answer):
            raise Unreachable(f"what answers at {self.socket} is not notifier")
        if answer.status >= BAD:
            refused = Misspelt if answer.status == HTTPStatus.BAD_REQUEST else Refused
            raise refused({"title": f"the daemon answers with status {answer.status}", **document})
        return document


def _messages(lines: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """Server-sent events, each as its fields; what has come of one that is not at its end is none."""
    message: dict[str, str] = {}
    for line in lines:
        name, is_field, value = line.decode().rstrip("\n").partition(": ")
        if is_field:
            message[name] = value
        elif not name:
            yield message
            message = {}


def client(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command a client of the daemon: options that say where it is, and a `Control` as the first argument."""

    @config_option
    @click.option(
        "--socket",
        "given",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The control socket of the daemon; else that of the config.",
    )
    @functools.wraps(function)
    def command(given: Path | None, path: Path | None, **options: Any) -> None:
        function(Control(socket_path(given, path, os.environ), time.time()), **options)

    return command


def _target(parts: tuple[str, ...], query: Mapping[str, str | int | None] = NOTHING) -> str:
    given = urlencode({key: value for key, value in query.items() if value is not None})
    return "/" + "/".join(quote(part, safe="") for part in ("v1", *parts)) + ("?" + given if given else "")


def _why(error: OSError | http.client.HTTPException, path: Path) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"the daemon does not answer at {path}: is it running? (systemctl status notifier)"
    if isinstance(error, PermissionError):
        return f"you may not use {path}: you are not in the group of it"
    if isinstance(error, TimeoutError):
        return f"the daemon at {path} has not answered for {PATIENCE:g} s; what was asked for may be done all the same"
    if isinstance(error, ConnectionError | http.client.IncompleteRead):
        return f"the daemon at {path} has gone away; what was asked for may be done all the same"
    if isinstance(error, http.client.HTTPException):
        return f"what answers at {path} is not notifier"
    return f"the daemon cannot be reached at {path}: {error.strerror or error}"


def is_ours(answer: http.client.HTTPResponse) -> bool:
    """Whether it is a daemon of ours that answers."""
    return answer.getheader("server") == "notifier"


def _document(text: bytes) -> Document | None:
    """An object of JSON, an empty one where there is nothing; None: something else."""
    try:
        document = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
