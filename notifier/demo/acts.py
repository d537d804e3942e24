"""The demo in three acts: everything is looked at once, everything changes, everything owed arrives."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from notifier.demo.daemon import TETHERED, Daemon
from notifier.demo.report import Report
from notifier.demo.stage import Stage
from notifier.demo.timeline import script
from notifier.demo.view import View

TICK = 0.05
PATIENCE = 15.0
"""Seconds that are waited at most: for the first looks, and in the end for all that is owed."""


class DaemonEnded(Exception):
    """The daemon is gone although nobody asked it to go; the message has the end of its log."""


async def play(seconds: float, port: int | None, view: View, clock: Callable[[], float]) -> Report:
    """Play it, drawn out over so many seconds; on `port`, if one is given, the daemon's own server listens.

    Whatever happens, nothing is left running or lying about. Raises `DaemonEnded`.
    """
    stage = Stage(script(seconds), clock, view)
    with tempfile.TemporaryDirectory(prefix="notifier-demo-") as folder:
        async with stage:
            config = stage.config("" if port is None else f"127.0.0.1:{port}")
            async with Daemon(Path(folder), config, stage.secrets, TETHERED) as daemon:
                await three_acts(seconds, stage, daemon, view, clock)
                exit_ = await daemon.stop()
                log = daemon.last_words()
                stage.perform(clock())  # what arrived in the meantime
                view.frame()
    requests = {"posts": len(stage.posts.requests), "media": len(stage.media.requests)}
    return Report(seconds, stage.ledger.verdict(), requests, stage.posts.overruns, exit_, log)


async def three_acts(seconds: float, stage: Stage, daemon: Daemon, view: View, clock: Callable[[], float]) -> None:
    """Have all looked at, all changed, all delivered, with a limit to the patience for each; raises `DaemonEnded`."""

    async def until(done: Callable[[], bool], at_most: float) -> None:
        deadline = clock() + at_most
        while True:
            if daemon.ended is not None:
                raise DaemonEnded(f"the daemon ended with {daemon.ended}; its last words:\n{daemon.last_words()}")
            over = done() or clock() >= deadline
            stage.perform(clock())  # once more when it is over: nothing is left out where the clock has jumped
            view.frame()
            if over:
                return
            await asyncio.sleep(TICK)

    await until(stage.ledger.all_shown, PATIENCE)
    stage.begin(clock())
    view.begin(seconds)
    await until(lambda: False, seconds)
    await until(lambda: not stage.ledger.verdict().lost, PATIENCE)
