"""`notifier run`, tied to who started it: it stops when its stdin ends, as it does when the demo is killed."""

import os
import runpy
import signal
import threading


def heed(stdin: int) -> None:
    """Wait until the other end of a pipe is closed, then ask this process to stop."""
    while os.read(stdin, 4096):
        pass  # nobody has anything to say here
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    # Not sys.stdin: its lock, held by a thread, is deadly at the end of the interpreter.
    threading.Thread(target=heed, args=(0,), daemon=True).start()
    runpy.run_module("notifier", run_name="__main__", alter_sys=True)
