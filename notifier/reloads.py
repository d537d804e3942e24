"""the config as it is now × as it is in force → all of it in force, or none of it; and a verdict that says which.

RELOADING=1 ──► read, check, resolve ──► compare ──► make ready ──► swap ──► READY=1
                         │ every fault, and the old config stays        no step of it can fail
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from notifier.config import ConfigError, Reading, Settings
from notifier.config.changes import changes
from notifier.systemd import Notify

log = logging.getLogger(__name__)

LONGEST = 10.0
"""Seconds that a reload may take until nothing of it can fail any more: secrets may lie on a disk that hangs."""


class TooLong(Exception):
    """The config was not read in time; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has changed, in words, and what is worth a second look."""

    changes: tuple[str, ...]
    warnings: tuple[str, ...]


Swap = Callable[[], None]
Prepare = Callable[[Settings], Awaitable[tuple[Swap, tuple[str, ...]]]]
"""Make all ready for other settings; answers what puts them in force, and what to warn of."""


class Reloads:
    """The config in force, and how it becomes another: one at a time."""

    def __init__(
        self,
        reading: Reading,
        read: Callable[[Settings], Reading],
        prepare: Prepare,
        notify: Notify,
        clock: Callable[[], float],
        longest: float = LONGEST,
    ) -> None:
        """`read` reads the config again for a daemon that runs with these settings, in a thread; `clock` is UTC."""
        self.reading = reading
        self.succeeded_at = clock()
        """When the config in force was read."""
        self.is_refused = False
        """Whether the last reload was."""
        self._read = read
        self._prepare = prepare
        self._notify = notify
        self._clock = clock
        self._longest = longest
        self._reloading = asyncio.Lock()

    async def reload(self) -> Verdict:
        """Put the config as it is now in force; raises `ConfigError`, `TooLong` or `StoreError`: all stays as it was.

        Who asks meanwhile waits, and gets a verdict of its own.
        """
        async with self._reloading:
            self._notify.reloading()
            try:
                verdict = await self._reloaded()
            except ConfigError as error:
                for fault in error.faults:
                    log.error("config refused", extra={"fields": {"fault": str(fault)}})  # noqa: TRY400  # no bug
                self.is_refused = True
                raise
            except BaseException as error:
                log.error("not reloaded", extra={"fields": {"reason": str(error) or type(error).__name__}})  # noqa: TRY400
                self.is_refused = True
                raise
            finally:
                self._notify.ready()
        self.is_refused = False
        for warning in verdict.warnings:
            log.warning("config warning", extra={"fields": {"warning": warning}})
        log.info("reloaded", extra={"fields": {"changes": "; ".join(verdict.changes) or "none"}})
        return verdict

    async def _reloaded(self) -> Verdict:
        try:
            async with asyncio.timeout(self._longest):
                reading = await asyncio.to_thread(self._read, self.reading.settings)
                swap, warnings = await self._prepare(reading.settings)
        except TimeoutError:
            words = f"the config was not read and made ready within {self._longest:g} s; the old one stays"
            raise TooLong(words) from None
        verdict = Verdict(tuple(changes(self.reading, reading)), (*reading.settings.warnings, *warnings))
        swap()
        self.reading, self.succeeded_at = reading, self._clock()
        return verdict
