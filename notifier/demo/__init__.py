"""The whole thing on one machine: fake providers, the real daemon, receivers that verify, and a verdict."""

import asyncio
import json
import os
import signal
import time
from typing import TextIO

from notifier.demo.acts import DaemonEnded, play
from notifier.demo.report import Report
from notifier.demo.stage import WANTED
from notifier.demo.view import Lines, View

NEXT = "Next, with uploads of your own: docs/tutorial.md; what each command does: notifier --help\n"
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run(seconds: float, port: int | None, out: TextIO, err: TextIO, *, as_json: bool) -> int:
    """Play the demo to its end and answer the exit code: 0 only if all of it arrived.

    An interruption ends it at once, with nothing left behind; its code is 128 and the number of the signal.
    """
    task = asyncio.ensure_future(_run(seconds, port, out, err, as_json=as_json))
    caught: list[int] = []

    def interrupt(number: int) -> None:
        if not caught:  # once is enough: what follows is bounded
            task.cancel()
        caught.append(number)

    loop = asyncio.get_running_loop()
    for number in INTERRUPTIONS:
        loop.add_signal_handler(number, interrupt, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not caught:
            raise
        return 128 + caught[0]
    finally:
        for number in INTERRUPTIONS:
            loop.remove_signal_handler(number)


async def _run(seconds: float, port: int | None, out: TextIO, err: TextIO, *, as_json: bool) -> int:
    view = view_for(err if as_json else out, live=not as_json)
    try:
        with view:
            if port is not None:
                view.say(f"the daemon's health: http://127.0.0.1:{port}/readyz?verbose")
            report = await play(seconds, port, view, time.time)
    except DaemonEnded as error:
        err.write(f"{error}\n")
        return 1
    return conclude(report, view, out, err, as_json=as_json)


def conclude(report: Report, view: View, out: TextIO, err: TextIO, *, as_json: bool) -> int:
    """Tell what came of it; where something is wrong, the daemon has the last word. Answers the exit code."""
    view.conclude(report)
    if as_json:
        out.write(json.dumps(report.document(), indent=2) + "\n")
    if report.wrong:
        err.write(f"\nthe daemon's last words:\n{report.log}\n")
        return 1
    if not as_json:
        out.write(NEXT)
    return 0


def view_for(stream: TextIO, *, live: bool) -> View:
    """The live picture for a terminal that can move its cursor and has room for it, plain lines for anything else."""
    if not (live and stream.isatty()) or os.environ.get("TERM", "dumb") in {"dumb", "unknown"}:
        return Lines(stream, time.time)
    from rich.console import Console  # noqa: PLC0415 - a pipe should not wait for what it does not see

    from notifier.demo.board import Board, fits  # noqa: PLC0415 - as above

    console = Console(file=stream)
    return Board(console, time.time, tuple(WANTED)) if fits(console) else Lines(stream, time.time)
