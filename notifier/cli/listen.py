"""`notifier listen`: a receiver on this machine, which says of each webhook whether it is right, and if not, why."""

import asyncio
import json
import os
import random
import re
import secrets
import signal
import time
from collections.abc import Callable, Sequence

import click
from aiohttp import web

from notifier.cli.receiver import Arrival, Listener, Misbehaviour, shown
from notifier.core.moments import rfc_3339, seconds
from notifier.core.signing import HALF, parse_lock, shared_secret
from notifier.core.text import visible
from notifier.core.url import url_refusal

HOST = "127.0.0.1"


def _fails(_context: click.Context, _option: click.Parameter, given: Sequence[str]) -> list[tuple[int, float]]:
    """STATUS or STATUS:CHANCE, all chances together at most 1."""
    found = []
    for text in given:
        status, _, chance = text.partition(":")
        try:
            one = int(status), float(chance or 1)
        except ValueError:
            one = 0, 0.0
        if 200 <= one[0] <= 299:  # noqa: PLR2004  # every 2xx
            raise click.BadParameter(
                f"{text!r}: {status} is a success; expected a status from 300 to 599, like 503:0.2"
            )
        if not (300 <= one[0] <= 599 and 0 < one[1] <= 1):  # noqa: PLR2004  # what an answer can be
            raise click.BadParameter(f"{text!r}: expected a status and its chance, like 503:0.2")
        found.append(one)
    if sum(chance for _, chance in found) > 1:
        raise click.BadParameter("expected chances that are 1 together at most")
    return found


def _url(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given is not None and url_refusal(given) is not None:
        raise click.BadParameter("expected a URL like http://127.0.0.1:3000/hooks")  # it may hold a token
    return given


def _delay(_context: click.Context, _option: click.Parameter, given: str) -> float:
    try:
        return int(given.removesuffix("ms")) / 1000 if re.fullmatch("[0-9]{1,9}ms", given) else seconds(given)
    except ValueError as error:
        raise click.BadParameter(f'{error}, or "100ms"') from None


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=9481, show_default=True, help="0: any that is free.")
@click.option(
    "--secret",
    metavar="S",
    envvar="NOTIFIER_SECRET",
    show_envvar=True,
    help="whsec_…, or whpk_… for v1a; without one a fresh whsec_ is made and told.",
)
@click.option("--forward", metavar="URL", callback=_url, help="Hand everything on to it, and give its answer back.")
@click.option(
    "--fail", "fails", multiple=True, callback=_fails, metavar="STATUS:CHANCE", help="Fail at times, like 503:0.2."
)
@click.option(
    "--delay", default="0s", callback=_delay, metavar="D", help='Take so long over every answer, like "2s" or "100ms".'
)
@click.option("--json", "json_", is_flag=True, help="A line of JSON for each.")
def listen(
    port: int, secret: str | None, forward: str | None, fails: list[tuple[int, float]], delay: float, *, json_: bool
) -> None:
    """Be a receiver on this machine until Ctrl-C: show each webhook, and why it is not verified where it is not.

    An endpoint reaches it with allow_http = true and allow_networks = ["127.0.0.0/8"].

    \b
    Examples:
      notifier listen
      notifier listen --secret whsec_… --fail 503:0.2 --delay 2s
    """  # noqa: D301  # \b is click's: keep these lines
    if secret is None:
        secret = shared_secret(secrets.token_bytes(HALF))
        click.echo(f"secret: {secret}", err=True)
    try:
        lock = parse_lock(secret)
    except ValueError as error:  # it shows nothing of the text
        raise click.BadParameter(str(error), param_hint="--secret") from None
    tell = _tell_json if json_ else _tell
    misbehaviour = Misbehaviour(fails, delay)
    asyncio.run(_serve(lambda told: Listener(lock, told, time.time, random.random, misbehaviour, forward), tell, port))


Tell = Callable[[Arrival], None]


async def _serve(listening: Callable[[Tell], Listener], tell: Tell, port: int) -> None:
    """Until SIGINT, which ends the program as it ends every other, SIGTERM, or until nobody reads what is told."""
    over = asyncio.Event()
    unread: list[OSError] = []

    def told(arrival: Arrival) -> None:
        try:
            tell(arrival)
        except OSError as error:
            unread.append(error)
            over.set()

    listener = listening(told)
    runner = web.AppRunner(listener.app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise click.ClickException(f"--port {port}: {why}") from None
        click.echo(f"listening: http://{HOST}:{runner.addresses[0][1]}/", err=True)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        await over.wait()
    finally:
        await runner.cleanup()
    if unread:
        raise unread[0]


def _tell_json(arrival: Arrival) -> None:
    click.echo(json.dumps(shown(arrival) | {"at": rfc_3339(arrival.at)}))


def _tell(arrival: Arrival) -> None:
    """A line, and the body below it."""
    document = arrival.document
    type_ = document.get("type") if isinstance(document, dict) else None
    judged = "unsigned, as Encoding.com called" if arrival.is_call else "verified"
    if arrival.fault is not None:
        judged = f"NOT VERIFIED: {arrival.fault}"
    words = [rfc_3339(arrival.at), type_, arrival.headers.get("webhook-id"), judged, f"→ {arrival.answer}"]
    click.echo(visible("  ".join(str(word) for word in words if word)))
    if arrival.warning is not None:
        click.echo(f"warning: {arrival.warning} by receivers", err=True)
    body = document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False)
    click.echo("\n".join(visible(line) for line in body.splitlines()))
