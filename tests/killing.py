"""The real process, killed again and again in a world that moves on; then all is judged by what the world knows.

Upstream knows what its answers showed, receivers what came, and when the process ended; nobody asks the process.
"""

import asyncio
import json
import os
import random
import signal
import struct
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import verdict
from aiohttp import web
from daemons import KEY, SECRETS, Hooks, Systemd, config
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from verdict import Receipt

from notifier.demo.xenonflare import FakeXenonFlare, Media
from notifier.store.examination import examine

FUSES = Path(__file__).with_name("fuses.py")
OTHER_SECRET = "whsec_" + "QUJD" * 11
ENVIRON = {**SECRETS, "OTHER_SECRET": OTHER_SECRET, "NOTIFIER_DEMO_PACE": "100"}
"""A list is read every 0.3 s, a single upload every 0.6 s."""
KEPT = 2.0
"""Seconds for which what is over is kept: a test cannot wait for 30 days."""
PATIENCE = 60.0
"""Seconds that the last life has for all that is owed; no world is larger in the long forms."""
LIFE = ("pending", "processing")
ENDS = ("completed", "failed")
STATUSES = {"pending": "queued", "processing": "processing", "completed": "completed", "failed": "failed"}
STRICT = ("app", "crm")
"""The endpoints of which nobody takes anything away: neither paused, nor dropped, nor sent anything again."""


class Process:
    """A daemon that runs; `ended` is its exit code."""

    def __init__(self, pid, ended):
        self.pid = pid
        self._ended = ended

    async def ended(self):
        return int(await asyncio.shield(self._ended))

    async def lasts(self, seconds):
        """Until so many have passed, or it has ended."""
        await asyncio.wait((self._ended,), timeout=seconds)

    def kill(self, number=signal.SIGKILL):
        if not self._ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


@asynccontextmanager
async def launcher():
    """Starts daemons, one after the other, each forked from a process that has the program loaded."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "NOTIF"))}
    piped = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    program = await asyncio.create_subprocess_exec(sys.executable, str(FUSES), env=environ, **piped)
    processes = []

    async def start(**job):
        program.stdin.write(json.dumps(job).encode() + b"\n")
        pid = int(await program.stdout.readline())
        processes.append(Process(pid, asyncio.ensure_future(program.stdout.readline())))
        return processes[-1]

    try:
        yield start
    finally:
        for one in processes:
            one.kill()
            await one.ended()
        program.stdin.close()
        await program.wait()


class Receiver(Hooks):
    """As `Hooks`, with a secret that is on its way to another, and slow enough to be met with something on its way."""

    def __init__(self, draw):
        super().__init__()
        self._draw = draw
        self.receipts = []
        """What came and was answered with 2xx."""
        self.misnamed = []
        """Each `webhook-id` that is not the id which the body has."""
        self.answered = {}
        """By the number of a body, how many had come when it was answered."""

    async def _receive(self, request):
        body = await request.read()
        try:
            Webhook(SECRETS["SECRET"]).verify(body, dict(request.headers))
        except WebhookVerificationError:
            Webhook(OTHER_SECRET).verify(body, dict(request.headers))
        if (id_ := request.headers["webhook-id"]) != json.loads(body)["id"]:
            self.misnamed.append(id_)
        status = self.answer()
        number = len(self.bodies)
        if status < 300:
            self.bodies.append(body)
            self.receipts.append(Receipt(body, request.headers.get("notifier-replay") == "true"))
        self.came.set()
        await asyncio.sleep(self._draw.uniform(0, 0.03))
        if status < 300:
            self.answered[number] = len(self.bodies)
        return web.Response(status=status)


class Upstream:
    """Uploads on their way from pending to an end, moved one step at a time."""

    def __init__(self, media, draw):
        self.media = media
        self._draw = draw
        media.tell = self._tell
        self.was = {}
        """Of each upload, all that it was."""
        self.shown = {}
        """And as what it was shown, which may be less."""
        self.others = 0
        """Uploads that somebody registers, and then wants to follow no more."""
        self.slow = 0
        """One in so many uploads takes its time, so that what is known already moves, too; 0: none does."""

    def _tell(self, id_):
        shown = self.shown.setdefault(id_, [])
        if not shown or shown[-1] != self.was[id_][-1]:
            shown.append(self.was[id_][-1])

    def add(self, count=1):
        for _ in range(count):
            id_ = f"{len(self.was):024x}"
            self.was[id_] = ["pending"]
            self._put(id_)

    async def move(self):
        """Some 50 steps a second, for as long as somebody looks."""
        while True:
            self.step()
            await asyncio.sleep(0.02)

    def step(self):
        """One upload moves; False where all have come to their ends."""
        moving = [id_ for id_, lives in self.was.items() if lives[-1] not in ENDS]
        if not moving:
            return False
        id_ = self._draw.choice(moving)
        if self.slow and int(id_, 16) % self.slow == 0 and self._draw.random() < 0.9:
            return True
        here = LIFE.index(self.was[id_][-1])
        self.was[id_].append(LIFE[here + 1] if here + 1 < len(LIFE) else self._draw.choice(ENDS))
        self._put(id_)
        return True

    def _put(self, id_):
        # Halves in the two collections: a list shows more of its uploads on one page.
        collection = "videos" if int(id_, 16) % 2 else "images"
        status = self.was[id_][-1]
        part = {"completed": "published"}.get(status, status)
        platforms = ("youtube", "tiktok")[: len(self.was[id_])]  # one more once it moves
        self.media.put(Media(id_, collection, status, platforms=platforms, parts=dict.fromkeys(platforms, part)))


class World:
    """Upstream, receivers, and what people and programs ask of the daemon while it lives."""

    def __init__(self, folder, start, media, receivers, draw):
        self.folder = folder
        self.draw = draw
        self.upstream = Upstream(media, draw)
        self.receivers = receivers
        self.kills = 0
        self.lives = 0
        self.starts = 0
        """How many of the lives ended before they were ready."""
        self.migrations = []
        """What an upgrade brings, beside what the schema has."""
        self.is_sound = True
        """Whether nothing ends the daemon but who is asked to."""
        self._start = start
        self.media = media
        self.clock = folder / "clock"
        self.sets_clock(0.0)
        self.names = folder / "names"
        """While it is there, names are found."""
        self.names.touch()
        (folder / "daemon.log").touch()  # one that is killed at once writes none
        self.marks = {name: [] for name in receivers}
        """How many bodies each receiver had of all who were killed, up to each kill."""

    @property
    def trace(self):
        return self.folder / "trace"

    def sets_clock(self, ahead):
        """The daemon's is ahead by so many seconds."""
        with self.clock.open("r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("d", ahead))

    def configure(self):
        """The keys change from life to life, and within each."""
        self.lives += 1
        first, second = ("SECRET", "OTHER_SECRET") if self.lives % 2 else ("OTHER_SECRET", "SECRET")
        signs = f'[{{ env = "{first}" }}, {{ env = "{second}" }}]'
        spare = self.receivers["spare"].origin
        server = f'notify_urls = ["{spare}/*"]\nnotify_secrets = {signs}'
        urls = {name: one.url.replace("127.0.0.1", f"{name}.example") for name, one in self.receivers.items()}
        tables = [
            f'[[endpoints]]\nname = "{name}"\nurl = "{url}"\nsecrets = {signs}\nevents = ["*"]\n'
            for name, url in urls.items()
        ]
        url = self.media.base_url.replace("127.0.0.1", "upstream.example")
        text = config(url, {}, server=server).replace("[store]", f'[store]\nkeep = "{KEPT:g}s"') + "\n".join(tables)
        (self.folder / "config.toml").write_text(text)

    @asynccontextmanager
    async def living(self, patience=None, **job):
        """A daemon, once it is ready, or which ended before, or after so many seconds of patience with its start."""
        self.trace.unlink(missing_ok=True)
        self.configure()
        (self.folder / "notify").unlink(missing_ok=True)
        with Systemd(self.folder / "notify") as systemd:
            process = await self._start(
                config=str(self.folder / "config.toml"),
                environ={**ENVIRON, **systemd.environ},
                log=str(self.folder / "daemon.log"),
                trace=str(self.trace),
                clock=str(self.clock),
                names=str(self.names),
                kept=KEPT,
                migrations=self.migrations,
                **job,
            )
            self._mark()  # whatever the one before had sent has come by now, and this one is still loading its config
            ready = asyncio.ensure_future(systemd.hears("READY=1"))
            ended = asyncio.ensure_future(process.ended())
            try:
                await asyncio.wait((ready, ended), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                self.starts += not ready.done()
                yield process
            finally:
                process.kill()
                ready.cancel()
                self._over(await ended)

    def _over(self, code):
        """What came of a life."""
        log = (self.folder / "daemon.log").read_text()
        if self.is_sound:
            assert code in {0, -signal.SIGKILL}, log[-3000:]
            assert not [line for line in log.splitlines() if "Traceback" in line or '"critical"' in line]
        assert {name: one.misnamed for name, one in self.receivers.items() if one.misnamed} == {}
        examined = examine(self.folder / "notifier.db")
        assert not examined.schema or examined.flaws == ()  # before its migration nothing is in it
        self.kills += code != 0

    def _mark(self):
        """The one before was killed, if there was one that was; what it sent may come a moment after its end."""
        for name, marks in self.marks.items():
            marks.extend([len(self.receivers[name].bodies)] * (self.kills - len(marks)))

    async def burns(self, point, passage):
        """Whether a daemon ended itself there."""
        self.upstream.add(3)
        async with self.living(burn=(point, passage)) as process:
            await self.lives_through_all(process)
            process.kill(signal.SIGTERM)
            return await process.ended() == -signal.SIGKILL

    async def is_killed(self, after):
        """A daemon lives for so many seconds from its start."""
        self.upstream.add(15)
        began = asyncio.get_running_loop().time()
        async with self.living() as process:
            everything = asyncio.create_task(self.lives_through_all(process))
            await process.lasts(began + after - asyncio.get_running_loop().time())
            process.kill()
            await everything

    async def is_killed_as_it_starts(self, after):
        """A daemon lives for so many seconds from its start, be it ready by then or not; nobody asks it anything."""
        self.upstream.add(15)
        began = asyncio.get_running_loop().time()
        async with self.living(patience=after) as process:
            await process.lasts(began + after - asyncio.get_running_loop().time())
            process.kill()

    async def lives_through_all(self, process):
        """Everything that can be asked of a daemon, each once; it may end at any of it."""
        connector = aiohttp.UnixConnector(str(self.folder / "notifier.sock"))
        patience = aiohttp.ClientTimeout(total=5)  # one without memory may answer nothing, and live
        with suppress(aiohttp.ClientError, TimeoutError):
            async with aiohttp.ClientSession("http://notifier", connector=connector, timeout=patience) as session:
                await self._asked(session)
                self.configure()
                process.kill(signal.SIGHUP)
                await process.lasts(0.4)
                await self._dropped(session)

    async def _asked(self, session):
        spare = self.receivers["spare"]
        await self._post(session, "/v1/endpoints/spare/resume")
        answers = iter([204, 503, 503, 410])
        spare.answer = lambda: next(answers, 204)
        self.upstream.others += 1
        other = f"passing{self.upstream.others}"
        called = {"notify_url": f"{spare.origin}/?for={other}", "notify_format": "standard"}
        await self._post(session, "/v1/uploads", source="media", id=other, kind="video", **called)
        await self._post(session, "/v1/sources/media/poll")
        if spare.events:
            await self._post(session, "/v1/replay", endpoint="spare", event=spare.events[-1]["id"])
        await self._post(session, "/v1/replay", endpoint="spare", latest=True)
        cancelled = await self._post(session, "/v1/replay", endpoint="spare", phase="dead")
        async with session.delete(f"/v1/replays/{cancelled['id']}"):
            pass
        async with session.delete(f"/v1/uploads/media/{other}"):
            pass

    async def _dropped(self, session):
        async with session.get("/v1/deliveries?endpoint=spare&phase=waiting") as response:
            waiting = (await self._said(response))["items"]
        for one in waiting[:1]:
            await self._post(session, "/v1/drop", delivery=one["id"])
        await self._post(session, "/v1/drop", endpoint="spare")

    async def _post(self, session, path, **asked):
        async with session.post(path, json=asked or None) as response:
            return await self._said(response)

    async def _said(self, response):
        """What it answers; one without memory may refuse whatever it is asked, which ends the conversation."""
        if not self.is_sound:
            response.raise_for_status()
        return await response.json()

    # --- the verdict

    async def ends_well(self):
        """A last life, in which all that is owed arrives; then all is judged."""
        while self.upstream.step():
            pass
        for one in self.receivers.values():
            one.answer = lambda: 204
        async with self.living() as process:
            await self._everything_arrives()
            process.kill(signal.SIGTERM)
            assert await process.ended() == 0
        for name in STRICT:
            self.judge(name)
        return self

    async def _everything_arrives(self):
        wanted = {id_: STATUSES[lives[-1]] for id_, lives in self.upstream.was.items()}
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                for name in STRICT:
                    hooks = self.receivers[name]
                    while settled(hooks) != wanted:
                        hooks.came.clear()
                        await hooks.came.wait()
        got = {name: settled(self.receivers[name]) for name in STRICT}
        assert {name: owed for name in STRICT if (owed := verdict.differing(wanted, got[name]))} == {}

    def judge(self, name):
        """Each event once but for what was on its way at a kill, in order, the same bytes, and none without a cause."""
        hooks, upstream = self.receivers[name], self.upstream
        repeats = verdict.repeats_only_what_was_on_its_way(
            name, hooks.receipts, self.marks[name], hooks.answered, is_sound=self.is_sound
        )
        verdict.nothing_is_replayed(name, hooks.receipts)
        events = verdict.firsts(name, hooks.receipts)
        print(f"{name}: {len(events)} webhooks, {repeats} repeats over {self.kills} kills, {self.starts} at a start")  # noqa: T201
        verdict.is_complete(name, events)
        uploads = [event for event in events if event["type"].startswith("upload.")]
        passing = [event for event in uploads if verdict.about(event).startswith("passing")]
        assert {event["data"]["upload"]["status"] for event in passing} <= {"unknown"}
        uploads = [event for event in uploads if event not in passing]
        shown = {id_: [STATUSES[word] for word in words] for id_, words in upstream.shown.items()}
        verdict.is_as_shown(name, uploads, shown)
        verdict.has_arrived(name, uploads, {id_: STATUSES[words[-1]] for id_, words in upstream.was.items()})


def settled(hooks):
    """The settled statuses that have arrived."""
    uploads = [event["data"]["upload"] for event in hooks.events if event["type"].startswith("upload.")]
    return {upload["id"]: upload["status"] for upload in uploads if upload["status"] in ENDS}


@asynccontextmanager
async def world(folder, seed):
    """A world that moves, with nobody in it yet."""
    draw = random.Random(seed)
    async with AsyncExitStack() as opened:
        start = await opened.enter_async_context(launcher())
        media = await opened.enter_async_context(FakeXenonFlare([], time.time, key=KEY))
        receivers = {name: await opened.enter_async_context(Receiver(draw)) for name in (*STRICT, "spare")}
        for name in STRICT:
            receivers[name].answer = lambda: 503 if draw.random() < 0.2 else 204
        one = World(folder, start, media, receivers, draw)
        moving = asyncio.create_task(one.upstream.move())
        try:
            yield one
        finally:
            moving.cancel()
