"""The daemon with fuses at its seams: it ends itself, by SIGKILL, at the n-th passage of a named point.

Nothing of this is in the product. Run as a program, this loads the product once and then forks a daemon for each line
of JSON that it reads, one after the other; of each it prints the pid, and the exit code once it has ended. In the
daemon it wraps what the layers have to join them: transactions, requests, the reload, the stop, a migration's steps;
and, so that a test can spoil them, the clock and the names of the machine. SIGUSR1 fills what Python keeps unused.
"""

import inspect
import json
import os
import signal
import socket
import sys
from collections import Counter
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

from clocks import CLOCK  # isort: skip  # before anybody takes the real one for its own
from aiohttp import ThreadedResolver
from aiohttp.client_proto import ResponseHandler

from notifier import cli, housekeeping
from notifier.app import App
from notifier.cli import run as _run  # noqa: F401  # so that every fork has it, and all that it needs
from notifier.core.health import State
from notifier.providers import PROVIDERS
from notifier.providers.http import LONGEST, Api
from notifier.reloads import Reloads
from notifier.sender import Sender
from notifier.store import Store, database
from notifier.store.database import Database
from notifier.webhook import Receiver, Receivers
from notifier.webhook.names import OwnThread
from notifier.wiring import Parts

SIZES, UNUSED = range(1, 21), 2000
"""Python keeps unused tuples of these sizes, so many of each at most: some 5 MB."""
TICK = 40
"""Steps of SQLite's machine from one passage within a migration to the next."""


WITHIN = ContextVar("within", default="")
"""What is being done, the innermost of what has a name."""


def within(name, method):
    """The same method; while it runs, `WITHIN` has its name."""

    async def named(*args, **more):
        before = WITHIN.set(name)
        try:
            return await method(*args, **more)
        finally:
            WITHIN.reset(before)

    return named


def is_ours(member):
    """Whether it is an asynchronous method, and of an instance."""
    return inspect.isfunction(member) and inspect.iscoroutinefunction(member)


class Fuses:
    """Counts who passes which point, and notes it in the file `trace`; `burn` names the one that is the last."""

    def __init__(self, trace, burn=None):
        self._burn = burn and tuple(burn)
        self._trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._passed = Counter()

    def __call__(self, name):
        self._passed[name] += 1
        os.write(self._trace, f"{name}\n".encode())
        if (name, self._passed[name]) == self._burn:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner, method, name):
        """Before and after an asynchronous method."""
        real = within(name, getattr(owner, method))

        async def wrapped(*args, **more):
            self(f"before {name}")
            result = await real(*args, **more)
            self(f"after {name}")
            return result

        setattr(owner, method, wrapped)

    def install(self):
        """At every seam."""
        self._pauses()
        self._commits()
        self._migrations()
        self._requests()
        self._reload()
        self.around(Database, "alone", "writing back the log")
        self.around(Sender, "stop", "the last results of a stop")
        self.around(Database, "close", "closing the database")
        stop = App.stop

        def stopped(app):
            self("before a stop")
            stop(app)
            self("after a stop was asked for")

        App.stop = stopped

    def _commits(self):
        for name, method in inspect.getmembers(Store, is_ours):
            setattr(Store, name, within(name, method))
        for kind in (Database.write, Database.write_unsynced):
            setattr(Database, kind.__name__, self._committing(kind))

    def _committing(self, write):
        async def fused(database, work, *args):
            name = WITHIN.get()  # the method of the store that asks for it

            def done(db):
                result = work(db, *args)
                self(f"before the commit of {name}")
                return result

            result = await write(database, done)
            self(f"after the commit of {name}")
            return result

        return fused

    def _pauses(self):
        record = Store.record

        async def recorded(store, results, standings=(), *more):
            pauses = any(one.health.state is State.PAUSED for one in standings)
            if not pauses:
                return await record(store, results, standings, *more)
            self("before a pause is written")
            overtaken = await within("a pause", record)(store, results, standings, *more)
            self("after a pause is written")
            return overtaken

        Store.record = recorded

    def _migrations(self):
        migrate = database._migrate

        async def migrated(connection, scripts, version):
            def tick():
                self("within a migration")

            for number in range(version, len(scripts)):
                self("before a migration")
                await connection.set_progress_handler(tick, TICK)
                await migrate(connection, scripts[: number + 1], number)
                await connection.set_progress_handler(None, TICK)
                self("after a migration")

        database._migrate = migrated

    def _requests(self):
        read = ResponseHandler.read

        async def answer(protocol):
            what = WITHIN.get()  # a POST, or a request to a provider
            self(f"between {what} and its answer")
            head = await read(protocol)
            self(f"at the head of the answer to {what}")
            return head

        ResponseHandler.read = answer
        self.around(Api, "_asked", "a request")
        self.around(Receiver, "post", "a POST")

    def _reload(self):
        ready, use = Parts.ready, Receivers.use

        async def made_ready(parts, settings):
            self("before a reload is made ready")
            swap, warnings = await ready(parts, settings)

            def swapped():
                self("before a reload is put in force")
                swap()
                self("after a reload is put in force")

            return swapped, warnings

        def used(receivers, clients):
            self("before keys are rotated")
            use(receivers, clients)
            self("after keys are rotated")

        Parts.ready, Receivers.use = made_ready, used
        self.around(Reloads, "reload", "a reload")


def resolve_by(path):
    """Names are found while the file is there, all of them on this machine."""
    look_up, resolve = socket.getaddrinfo, ThreadedResolver.resolve

    def meant(host):
        if not host.endswith(".example"):
            return host
        if not path.exists():
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return "127.0.0.1"

    # The former is the receivers', the latter the providers'.
    OwnThread.__init__.__defaults__ = (lambda host, *more, **by: look_up(meant(host), *more, **by), None)

    async def resolved(resolver, host, *more, **by):
        return await resolve(resolver, meant(host), *more, **by)

    ThreadedResolver.resolve = resolved


def pick_ids():
    """Let every provider have a say in what its ids are, though it takes any."""
    for name, provider in PROVIDERS.items():
        PROVIDERS[name] = replace(provider, is_id=bool)


def hurry(seconds):
    """Give a look no more than so many, instead of half a minute."""
    Api.__init__.__defaults__ = (seconds,)


def fill_what_is_kept(*_):
    """Have as many unused tuples as Python keeps: from then on memory grows by what is in use alone."""
    for size in SIZES:
        unused = [tuple([None] * size) for _ in range(UNUSED)]
        unused.clear()


def be(job):
    """Be `notifier run` as the job says, on a machine whose clock and names are as it says."""
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.environ.update(job["environ"])
    Fuses(job["trace"], job.get("burn")).install()
    if more := job["migrations"]:
        real = database.migrations()
        database.migrations = lambda: [*real, *more]
    CLOCK.follow(job["clock"])
    resolve_by(Path(job["names"]))
    pick_ids()
    hurry(job.get("look_within", LONGEST))
    database.BUSY_SECONDS = job.get("busy", database.BUSY_SECONDS)
    signal.signal(signal.SIGUSR1, fill_what_is_kept)
    housekeeping.EVERY = housekeeping.SHORTEST = job["kept"]
    sys.argv = ["notifier", "run", "--log-format", "json", "--config", job["config"]]
    cli.main()


def main():
    """A daemon for each line."""
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            be(json.loads(line))
        print(pid, flush=True)  # noqa: T201  # it is asked for
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
