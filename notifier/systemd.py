"""What systemd hands over, and is told: ready, how it goes, and, as long as both loops make progress, that we live."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FIRST = 3
"""The number of the first descriptor that is handed over: SD_LISTEN_FDS_START."""


class Notify:
    """The sd_notify protocol; silent where NOTIFY_SOCKET is not set.

    See sd_notify(3) and sd_watchdog_enabled(3). A datagram that cannot be sent at once is logged, the first of its kind
    only, and ends nothing.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._heard = True
        is_ours = environ.get("WATCHDOG_PID") in {None, str(os.getpid())}
        self.watchdog = int(environ.get("WATCHDOG_USEC", "0")) / 1e6 if is_ours else 0.0
        """Seconds within which systemd wants a sign of life; 0: it wants none."""

    def ready(self, status: str = "") -> None:
        """All that serves is there, or is there again: `systemctl start` returns, or `systemctl reload`."""
        self._send(READY="1", **({"STATUS": status} if status else {}))

    def status(self, text: str) -> None:
        """The line that `systemctl status` shows."""
        self._send(STATUS=text)

    def reloading(self) -> None:
        """The config is read again; `ready` follows, whatever comes of it.

        Without the moment, in microseconds of the monotonic clock, systemd 253 and newer ends or mistimes a reload.
        """
        self._send(RELOADING="1", MONOTONIC_USEC=str(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000))

    def alive(self) -> None:
        """Begin the watchdog's time anew."""
        self._send(WATCHDOG="1")

    def stopping(self) -> None:
        """No new work is taken."""
        self._send(STOPPING="1")

    def _send(self, **said: str) -> None:
        if not self._address:
            return
        lines = (f"{name}={value}".replace("\n", " ") for name, value in said.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as to_systemd:
                to_systemd.connect(self._address)
                to_systemd.send("\n".join(lines).encode(errors="backslashreplace"))
        except OSError as error:
            if self._heard:
                log.warning("not heard by systemd", extra={"fields": {"reason": str(error)}})
            self._heard = False
        else:
            self._heard = True


def passed(environ: MutableMapping[str, str] = os.environ) -> list[socket.socket]:
    """The sockets that systemd opened for this process, to be served as `server.listen` is; see sd_listen_fds(3).

    The variables that tell of them are taken away. Raises `ValueError` where one is no TCP socket that listens: a UNIX
    socket that everybody may connect to would be taken for the control socket.
    """
    ours, count, _ = (environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES"))
    if ours != str(os.getpid()):
        return []
    if not count.isdecimal():
        raise ValueError("LISTEN_FDS: expected the number of sockets")
    return [_taken(number) for number in range(FIRST, FIRST + int(count))]


def _taken(number: int) -> socket.socket:
    with suppress(OSError):  # it is no socket at all
        found = socket.socket(fileno=number)
        os.set_inheritable(number, False)
        listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if listens and found.family in {socket.AF_INET, socket.AF_INET6}:
            return found
        found.close()
    raise ValueError("the socket unit: expected ListenStream= with an address and a port, and nothing else")


class Marks:
    """When each loop last ended a pass; `clock` is monotonic, in seconds."""

    def __init__(self, loops: Iterable[str], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = dict.fromkeys(loops, float("-inf"))

    @property
    def loops(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._at)

    def stamp(self, loop: str) -> None:
        """A pass of this loop has just ended."""
        self._at[loop] = self._clock()

    def ages(self) -> dict[str, float]:
        """Seconds since each loop last ended a pass; infinite where it has not yet."""
        now = self._clock()
        return {loop: now - at for loop, at in self._at.items()}

    def late(self, within: float) -> list[str]:
        """The loops that ended no pass in the last `within` seconds."""
        return [loop for loop, age in self.ages().items() if age > within]


async def watch(
    notify: Notify,
    marks: Marks,
    loops: Mapping[str, asyncio.Task[Any]],
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Give signs of life while no loop is late: an event loop that merely turns is no progress.

    Late is half the watchdog's time, so a loop that stands still ends the process before one and a half times have
    passed. Where it stands is logged once, for systemd will not ask. Returns at once where no sign is wanted.
    """
    known: set[str] = set()
    while notify.watchdog:
        await sleep(notify.watchdog / 4)
        late = marks.late(notify.watchdog / 2)
        if not late:
            notify.alive()
        for loop in set(late) - known:
            log.error("late", extra={"fields": {"loop": loop, "where": where(loops[loop])}})
        known = set(late)


def where(task: asyncio.Task[Any]) -> str:
    """The lines that a suspended task waits on, outermost first: `app.py:40 send > locks.py:213 wait`.

    `Task.get_stack()` knows the outermost alone.
    """
    awaited: Any = task.get_coro()
    lines = []
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            lines.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return " > ".join(lines)
