"""status or exception → outcome and a note; the answer's body → a text that is safe to show.

A note says what failed and what would cure it. It names the host, and nothing else of the URL or the request.
"""

import errno
import json
import os
import re
import socket
from collections.abc import Iterable
from socket import gaierror
from ssl import SSLCertVerificationError, SSLError

from aiohttp import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientResponseError,
    ServerDisconnectedError,
)
from yarl import URL

from notifier.core.model import Command, Outcome
from notifier.core.text import visible
from notifier.core.url import UrlRule
from notifier.webhook.course import Leg, OutOfTime
from notifier.webhook.guard import RefusedAddress
from notifier.webhook.names import NoThread


class Unsigned(ValueError):
    """No secret of the endpoint of this name is left to sign with."""


LONGEST_EXCERPT = 4096
"""Bytes of an answer's body that are kept, as UTF-8."""
LONGEST_WHY = 200
"""Characters of another program's words in a note."""

_OUTCOMES = {2: Outcome.DELIVERED, 3: Outcome.HTTP_3XX, 4: Outcome.HTTP_4XX, 5: Outcome.HTTP_5XX}
_STATUS_NOTES = {
    101: "switches protocols, which nobody asked for",
    401: "answers 401: check the endpoint's secrets and headers",
    403: "answers 403: check the endpoint's secrets and headers",
    404: "answers 404: check the path of the URL",
    405: "answers 405, it takes no POST: check the URL",
    407: "answers 407: a proxy stands before the receiver and wants credentials",
    410: "answers 410: it does not want webhooks any more",
    413: "answers 413: its limit for the size of a request is too low",
    415: "answers 415: it does not take this content type; check the endpoint's format",
    429: "answers 429: fewer requests at a time; check the endpoint's rate",
}
_CURES: dict[str, str] = {
    "http": "use https, or set the endpoint's allow_http",
    "port": "use 443, 80 or one from 1024 on that no database listens on",
    "own port": "it is where notifier itself listens; one of the two needs another",
    **dict.fromkeys(UrlRule, "check the endpoint's url"),
    UrlRule.CREDENTIALS: "put them into the endpoint's headers",
}
_FAULTS: tuple[tuple[type[Exception], Outcome, str], ...] = (
    (ClientConnectorDNSError, Outcome.DNS, "cannot be resolved: {why}"),
    (ClientConnectorCertificateError, Outcome.TLS, "has a certificate that is not accepted: {why}"),
    (ClientConnectorSSLError, Outcome.TLS, "fails the TLS handshake: {why}"),
    (ClientConnectorError, Outcome.CONNECT, "cannot be connected to: {why}"),
    (ClientConnectionError, Outcome.RESET, "closes the connection before it has answered"),
    (ClientResponseError, Outcome.PROTOCOL, "gives an answer that is not HTTP: {why}"),
    (ValueError, Outcome.PROTOCOL, "cannot be sent to: check the endpoint's URL and headers"),
    (Exception, Outcome.PROTOCOL, "cannot be sent to: {why}"),
)
"""The first that fits; the host goes before the words."""
_LATE = {
    None: "cannot be sent to in time",
    Leg.DNS: "cannot be resolved in time",
    Leg.CONNECT: "cannot be connected to in time: is a firewall in between?",
    Leg.TLS: "does not end the TLS handshake in time: does it speak TLS at this port?",
    Leg.FIRST_BYTE: "does not answer in time: it should answer first and work afterwards",
}
_NO_FILES, _NO_MEMORY = {errno.EMFILE, errno.ENFILE}, {errno.ENOMEM, errno.ENOBUFS}


def judged(status: int, host: str, location: str | None = None) -> tuple[Outcome, str]:
    """What an answer of this status means; decided by the headers alone, whatever the body says."""
    outcome = _OUTCOMES.get(status // 100, Outcome.PROTOCOL)
    if outcome is Outcome.DELIVERED:
        return outcome, ""
    if outcome is Outcome.HTTP_3XX and location is not None:
        return outcome, f"{host} answers a redirect to host {host_of(location) or host}: change the URL"
    if status in {410, 429}:
        outcome = Outcome(f"http_{status}")
    if outcome is Outcome.PROTOCOL and status not in _STATUS_NOTES:
        return outcome, f"{host} answers {status}, which is no HTTP status"
    return outcome, f"{host} {_STATUS_NOTES.get(status, f'answers {status}')}"


def commanded(command: Command, outcome: Outcome, note: str, host: str) -> tuple[Outcome, str]:
    """What an answer means that holds a command besides. One that speaks of the whole endpoint goes on to mean that."""
    if command is Command.ABORT and outcome not in {Outcome.HTTP_410, Outcome.HTTP_429}:
        outcome = Outcome.ABORTED
    return outcome, f"{note or f'{host} takes it'}; its webhook-delivery says {command.value}"


def host_of(url: str) -> str | None:
    """The host that a URL names; None where it names none, or is none."""
    try:
        host = URL(url).host
    except (ValueError, IndexError):  # the latter for brackets with nothing in them
        return None
    return host and visible(host)[:LONGEST_WHY]


def fault(error: Exception, host: str) -> tuple[Outcome, str]:
    """What it means that there was no answer to judge."""
    cause = _cause(error)
    if isinstance(cause, RefusedAddress):
        return Outcome.REFUSED_ADDRESS, f"{host} is refused by the rule: {cause.rule}; {_cure(cause.rule)}"
    if isinstance(error, OutOfTime):
        return _out_of_time(error), f"{host} {_LATE[error.leg]}"
    if isinstance(error, Unsigned):
        return Outcome.LOCAL, f"{host} was sent nothing: every secret of endpoint {error} has ended; add another"
    if (ours := _fault_of_ours(cause)) is not None:
        return Outcome.LOCAL, f"{host} was sent nothing, by a fault of this machine: {ours}"
    outcome, words = next((outcome, words) for kind, outcome, words in _FAULTS if isinstance(error, kind))
    return outcome, f"{host} {words.format(why=_why(error))}"


def rule(error: Exception) -> str | None:
    """The name of the rule by which the address is refused; None where something else is the matter."""
    cause = _cause(error)
    return cause.rule if isinstance(cause, RefusedAddress) else None


def _cause(error: Exception) -> Exception:
    return error.os_error if isinstance(error, ClientConnectorError) else error


def _out_of_time(error: OutOfTime) -> Outcome:
    if error.total:
        return Outcome.TIMEOUT_TOTAL
    return Outcome.TIMEOUT_FIRST_BYTE if error.leg is Leg.FIRST_BYTE else Outcome.TIMEOUT_CONNECT


def _fault_of_ours(cause: BaseException) -> str | None:
    """What this machine lacks and what would cure it; None where the fault is not its own."""
    match cause:
        case MemoryError() | gaierror(errno=socket.EAI_MEMORY):
            return "no memory"
        case gaierror(errno=socket.EAI_SYSTEM):
            return "its resolver failed"
        case NoThread():
            return "no thread, raise its limit of tasks, or of memory"
        case OSError(errno=int(number)) if number in _NO_FILES:
            return "too many open files, raise its limit of them"
        case OSError(errno=int(number)) if number in _NO_MEMORY:
            return "no memory"
    return None


def _cure(rule: str) -> str:
    return _CURES.get(rule, "only public addresses are sent to unless the endpoint's allow_networks has them")


def is_unanswered(error: ClientConnectionError) -> bool:
    """Whether an established connection broke before the first byte of the answer.

    At the end of the stream aiohttp hands over the beginning of the answer, where there is one. After a reset it does
    not tell; a beginning is then very unlikely, because receivers write their headers at once.
    """
    if isinstance(error, ServerDisconnectedError):
        return isinstance(error.message, str)
    return not isinstance(error, ClientConnectorError)


def is_turned_away(error: ClientConnectionError) -> bool:
    """Whether nobody let us connect, and said so: a receiver that restarts, mostly. Nothing of the request was sent."""
    return isinstance(error, ClientConnectorError) and isinstance(
        error.os_error, ConnectionRefusedError | ConnectionResetError
    )


_BYTES = re.compile(r""":|\n| (?:b|bytearray\(b)?['"]""")
"""Where aiohttp's own words end and it quotes the answer, which may echo the request."""


def _why(error: Exception) -> str:
    """Another program's words, where they hold nothing of the request and no address."""
    match error:
        case ClientConnectorError(os_error=SSLCertVerificationError(verify_message=str(words))):
            pass
        case ClientConnectorError(os_error=SSLError(reason=str(words))):
            words = words.replace("_", " ").lower()
        case ClientConnectorDNSError(os_error=OSError(strerror=str(words))):
            pass
        case ClientConnectorError(os_error=OSError(errno=int(number))):
            words = os.strerror(number)
        case ClientResponseError(message=words):
            words = _BYTES.split(words)[0]
        case ClientConnectorError(os_error=cause):
            words = type(cause).__name__
        case _:
            words = type(error).__name__
    return visible(words)[:LONGEST_WHY]


# --- the answer's body


def mask(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """What finds any of these in an answer that echoes its request, as JSON or as it is; longest first."""
    wanted = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
    return re.compile("|".join("".join(map(_spelt, secret)) for secret in wanted)) if wanted else None


def _spelt(char: str) -> str:
    """A character as JSON may spell it: any but a letter or digit is escaped by one library or another."""
    if char.isascii() and char.isalnum():
        return char
    escaped = re.escape(json.dumps(char)[1:-1])
    return rf"(?:\\?{re.escape(char)}|(?i:{escaped}|\\u{ord(char):04x}))"


def excerpt(body: bytes, hidden: re.Pattern[str] | None) -> str:
    """The beginning of a body as text of one line, what `hidden` finds replaced by `***`."""
    text = body.decode(errors="replace")
    if hidden is not None:
        text = hidden.sub("***", text)
    shown = visible(text[:LONGEST_EXCERPT])
    return shown.encode()[:LONGEST_EXCERPT].decode(errors="ignore")
