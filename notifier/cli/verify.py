"""`notifier verify`: is a captured request signed by us, and why is it not?"""

import sys
import time
from typing import BinaryIO

import click

from notifier.cli.tables import show_json
from notifier.core.moments import ago, rfc_3339, seconds
from notifier.core.signing import Lock, parse_lock
from notifier.core.text import visible
from notifier.core.verifying import NAMES, TOLERANCE, Unverified, Verified, age_fault, verified

LARGEST = 16 * 1024 * 1024
"""Bytes of a request: many times what we send."""


def _lock(_context: click.Context, _option: click.Parameter, text: str) -> Lock:
    try:
        return parse_lock(text)
    except ValueError as error:  # it shows nothing of the text
        raise click.BadParameter(str(error)) from None


def _seconds(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("file", type=click.File("rb", lazy=True))
@click.option(
    "--secret",
    "lock",
    required=True,
    callback=_lock,
    metavar="S",
    envvar="NOTIFIER_SECRET",
    show_envvar=True,
    help="whsec_…, or whpk_… (or whsk_…) for v1a; the variable keeps it from those who list processes.",
)
@click.option(
    "--headers",
    type=click.File("rb", lazy=True),
    metavar="FILE",
    help="`name: value` lines; else they stand before the body.",
)
@click.option(
    "--max-age", callback=_seconds, metavar="D", help='Fail where the timestamp is off by more, like "5m"; else warn.'
)
@click.option("--json", "json_", is_flag=True, help="One JSON document.")
def verify(file: BinaryIO, lock: Lock, headers: BinaryIO | None, max_age: float | None, *, json_: bool) -> None:
    """Check one captured request: FILE is its body, byte for byte, or with no --headers the whole of it. `-` is stdin.

    Exit status 0 if a signature fits, 1 if none does; then it says why, as far as that can be told.

    \b
    Examples:
      notifier verify --secret whsec_… --headers headers.txt body.json
      notifier verify --secret whpk_… --max-age 5m --json request.txt
    """  # noqa: D301  # \b is click's: keep these lines
    body = _content(file)
    if headers is None:
        text, body = _parted(body)
    else:
        text = _content(headers)
    now = time.time()
    found = fault = warning = None
    try:
        found = verified(_fields(text), body, lock)
        warning = age_fault(found.timestamp, now, TOLERANCE if max_age is None else max_age)
    except Unverified as error:
        fault = str(error)
    if warning is not None and max_age is not None:
        fault, warning = warning, None
    if json_:
        show_json(_document(found, fault, warning))
        sys.exit(int(fault is not None))
    if found is None or fault is not None:
        raise click.ClickException(visible(f"not verified: {fault}"))
    click.echo(visible(f"verified by {found.scheme}: {found.id}, sent {ago(found.timestamp, now)}"))
    if warning is not None:
        click.echo(f"warning: {warning} by receivers", err=True)


def _document(found: Verified | None, fault: str | None, warning: str | None) -> dict[str, object]:
    """The verdict for a program; of what no signature fits nothing else is told, for anybody may have written it."""
    return {
        "verified": fault is None,
        "fault": fault,
        "warning": warning,
        "id": found and found.id,
        "scheme": found and found.scheme,
        "sent_at": found and rfc_3339(found.timestamp),
    }


def _content(file: BinaryIO) -> bytes:
    try:
        content = file.read(LARGEST + 1)
    except OSError as error:
        raise click.FileError(file.name, error.strerror or str(error)) from None
    if len(content) > LARGEST:
        raise click.ClickException(f"{file.name} is too long: expected at most {LARGEST >> 20} MiB")
    return content


def _parted(request: bytes) -> tuple[bytes, bytes]:
    """Headers and body of a request as it was on the wire."""
    ends = [(request.find(end), len(end)) for end in (b"\r\n\r\n", b"\n\n") if end in request]
    if not ends:
        raise click.UsageError("FILE has no empty line between headers and body: is it a body alone? name --headers")
    at, length = min(ends)
    return request[:at], request[at + length :]


def _fields(text: bytes) -> dict[str, str]:
    """The headers by their names in lower case; the first line of a request is none, and passed over."""
    fields: dict[str, str] = {}
    for line in text.decode(errors="replace").splitlines():
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or " " in name:
            continue
        if name in fields and name in NAMES:
            raise Unverified(f"the header {name} is there twice")
        fields[name] = value.strip()
    return fields
