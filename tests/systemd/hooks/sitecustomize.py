"""Faults that the program does not have, for a daemon that is started with this folder as its PYTHONPATH.

SIGUSR1: its main thread hangs, and with it the event loop. SIGUSR2: its sender hangs at the next pass, and the rest
goes on.
"""

import asyncio
import signal
import sys
import threading


def hang_here(*_):
    threading.Event().wait()


async def hang_there(*_):
    await asyncio.Event().wait()


def hang_the_sender(*_):
    sys.modules["notifier.sender"].Sender.send_due = hang_there


signal.signal(signal.SIGUSR1, hang_here)
signal.signal(signal.SIGUSR2, hang_the_sender)
