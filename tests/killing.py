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
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import verdict
from aiohttp import web
from daemons import KEY, SECRETS, Hooks, Systemd, config
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from verdict import Drop, Receipt

from notifier.config.units import rate
from notifier.demo.provider import server_error
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
ENDPOINTS = {"app": "strict", "crm": "strict", "any": "none", "now": "latest", "spare": "strict"}
"""By name, in which order each wants its webhooks. `spare` is paused, is gone, and has things taken away."""
TROUBLE = ("endpoint.paused", "source.failing")
"""Operators' events that another one is to follow, in the end, where they are about one of these."""
ENDING = ("endpoint spare", "source media")
"""Callbacks are resumed by nobody."""


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
        """What came to the endpoint and was answered with 2xx."""
        self.called = []
        """The same of the callbacks that share its host."""
        self.answers = Counter()
        """How often it answered with each status."""
        self.misnamed = []
        """Each `webhook-id` that is not the id which the body has."""
        self.answered = {}
        """By the number of a receipt, how many there were when it was answered."""

    @property
    def events(self):
        return [verdict.read(one.body) for one in self.receipts]

    async def _receive(self, request):
        body = await request.read()
        try:
            Webhook(SECRETS["SECRET"]).verify(body, dict(request.headers))
        except WebhookVerificationError:
            Webhook(OTHER_SECRET).verify(body, dict(request.headers))
        if (id_ := request.headers["webhook-id"]) != json.loads(body)["id"]:
            self.misnamed.append(id_)
        status = self.answer()
        self.answers[status] += 1
        came = self.called if request.query_string else self.receipts
        number = len(came)
        if status < 300:
            self.bodies.append(body)
            came.append(Receipt(body, request.headers.get("notifier-replay") == "true"))
        self.came.set()
        await asyncio.sleep(self._draw.uniform(0, 0.03))
        if status < 300 and came is self.receipts:
            self.answered[number] = len(came)
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

    def __init__(self, folder, start, media, requests, receivers, draw):
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
        """How many receipts each had of all who were killed, up to each kill."""
        self.budget = "6000/m"
        self.requests = requests
        """When the provider was asked, in all lives."""
        self.troubles = 0.0
        """The share of lives in which the provider begins to fail."""
        self.well_until = 0
        """And until so many requests have come it does not."""
        self.causes = Counter()
        """How often there was a cause for an operator's event, by its type."""
        self.drops = []
        """What people asked to give up of what is owed to `spare`."""
        self.takes_all = True
        """Whether in each life they ask that all of it be given up, and not one alone."""

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
        wishes = f'secrets = {signs}\nevents = ["*"]\n'
        tables = [
            f'[[endpoints]]\nname = "{name}"\nurl = "{url}"\norder = "{ENDPOINTS[name]}"\n{wishes}'
            for name, url in urls.items()
        ]
        url = self.media.base_url.replace("127.0.0.1", "upstream.example")
        text = config(url, {}, server=server).replace("[store]", f'[store]\nkeep = "{KEPT:g}s"') + "\n".join(tables)
        text = text.replace('budget = "6000/m"', f'budget = "{self.budget}"')
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
            marks.extend([len(self.receivers[name].receipts)] * (self.kills - len(marks)))

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
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._conversation() as session:
                await self._asked(session)
                self.configure()
                process.kill(signal.SIGHUP)
                await process.lasts(0.4)
                await self._dropped(session)

    def _conversation(self):
        connector = aiohttp.UnixConnector(str(self.folder / "notifier.sock"))
        patience = aiohttp.ClientTimeout(total=5)  # one without memory may answer nothing, and live
        return aiohttp.ClientSession("http://notifier", connector=connector, timeout=patience)

    async def _asked(self, session):
        spare = self.receivers["spare"]
        await self._resumes(session)
        if len(self.requests) >= self.well_until and self.draw.random() < self.troubles:
            self.well_until = len(self.requests) + 20  # else it is hardly asked any more
            self.source_fails()
            self.media.faults.extend([server_error] * 2)  # be it in two lives
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

    def source_fails(self):
        """It cannot be asked for a while: there is a cause for telling so, and that it is over."""
        self.causes.update(["source.failing", "source.recovered"])

    async def _dropped(self, session):
        waiting = await self._deliveries(session, "waiting")
        uploads = Counter(one["upload"] for one in waiting)
        for one in sorted(waiting, key=lambda one: -uploads[one["upload"]])[:1]:  # where most is to be left alone
            await self._drops(session, one["event"], delivery=one["id"])
        if self.takes_all:
            await self._drops(session, None, endpoint="spare")

    async def _deliveries(self, session, phase):
        """Those to `spare`, as the daemon says it."""
        async with session.get(f"/v1/deliveries?endpoint=spare&phase={phase}") as response:
            return (await self._said(response))["items"]

    async def _drops(self, session, event, **what):
        try:
            await self._post(session, "/v1/drop", **what)
        finally:  # be it that it ended before it said so
            self.drops.append(Drop(time.time(), event))

    async def _resumes(self, session):
        self.causes["endpoint.resumed"] += 1
        await self._post(session, "/v1/endpoints/spare/resume")

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
        self.media.faults.clear()
        async with self.living() as process:
            async with self._conversation() as session:
                await self._resumes(session)
                replay = asyncio.create_task(self._replays(session))
                await self._everything_arrives()
                replay.cancel()
            process.kill(signal.SIGTERM)
            assert await process.ended() == 0
        self.judge()
        return self

    async def _replays(self, session):
        """What `spare` has got in this life by now, and was kept, comes again, without a kill between."""
        spare = self.receivers["spare"]
        while not await self._deliveries(session, "delivered"):
            spare.came.clear()
            await spare.came.wait()
        await self._post(session, "/v1/replay", endpoint="spare", phase="delivered")

    async def _everything_arrives(self):
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while waiting := [name for name in self.receivers if self._awaited(name)]:
                    hooks = self.receivers[waiting[0]]
                    while self._awaited(waiting[0]):
                        hooks.came.clear()
                        await hooks.came.wait()

    def _awaited(self, name):
        """What has not come to an endpoint, and must."""
        got = {one.id for one in self.receivers[name].receipts}
        if name in STRICT:
            wanted = {id_: STATUSES[lives[-1]] for id_, lives in self.upstream.was.items()}
            lanes = verdict.lanes(self.receivers[name].events)
            troubled = [about for about in ENDING if about in lanes and lanes[about][-1]["type"] in TROUBLE]
            others = {one.id for strict in STRICT for one in self.receivers[strict].receipts}
            return troubled or others - got or verdict.differing(wanted, settled(self.receivers[name]))
        events = self._owed_to(name)
        if name == "now":
            events = [lane[-1] for lane in verdict.lanes(events).values()]
        missing = [event for event in events if event["id"] not in got]
        return verdict.not_dropped(missing, self.drops) if name == "spare" else missing

    def _owed_to(self, name):
        """All that was announced, as `app` has got it, but for what is about the endpoint itself."""
        events = verdict.firsts("app", self.receivers["app"].receipts)
        return [event for event in events if verdict.about(event) != f"endpoint {name}"]

    def judge(self):
        """All that came, and when the provider was asked."""
        self.judge_politeness()
        verdict.firsts("callbacks", self.receivers["spare"].called)
        for name in STRICT:
            self.judge_strict(name)
        for name in self.receivers:
            self.judge_by_order(name)

    def judge_politeness(self):
        """No window of the budget holds more requests than may go, whoever was killed in it."""
        budget = rate(self.budget)
        verdict.is_polite("media", self.requests, budget.count, budget.seconds)

    def judge_strict(self, name):
        """Each event once but for what was on its way at a kill, in order, the same bytes, and none without a cause."""
        verdict.nothing_is_replayed(name, self.receivers[name].receipts)
        events = verdict.firsts(name, self.receivers[name].receipts)
        verdict.is_complete(name, events)
        uploads = [event for event in events if event["type"].startswith("upload.")]
        passing = [event for event in uploads if verdict.about(event).startswith("passing")]
        assert {event["data"]["upload"]["status"] for event in passing} <= {"unknown"}
        uploads = [event for event in uploads if event not in passing]
        shown = {id_: [STATUSES[word] for word in words] for id_, words in self.upstream.shown.items()}
        verdict.is_as_shown(name, uploads, shown)
        verdict.has_arrived(name, uploads, {id_: STATUSES[words[-1]] for id_, words in self.upstream.was.items()})
        self._judge_trouble(name, verdict.lanes(event for event in events if event not in uploads + passing))

    def _judge_trouble(self, name, lanes):
        causes = {**self.causes, "endpoint.paused": self.receivers["spare"].answers[410]}
        for about, lane in lanes.items():
            begins, ends = ("endpoint.paused", "endpoint.resumed")
            if about.startswith("source"):
                begins, ends = ("source.failing", "source.recovered")
            verdict.takes_turns(name, lane, begins, ends, causes, is_over=about in ENDING)

    def judge_by_order(self, name):
        """The same once more by the order that an endpoint wants, and by what people took away from it."""
        hooks, owed = self.receivers[name], self._owed_to(name)
        repeats = verdict.repeats_only_what_was_on_its_way(
            name, hooks.receipts, self.marks[name], hooks.answered, is_sound=self.is_sound
        )
        events = verdict.firsts(name, hooks.receipts)
        print(f"{name}: {len(events)} webhooks, {repeats} repeats over {self.kills} kills, {self.starts} at a start")  # noqa: T201
        verdict.tells_nothing_else(name, events, owed)
        if ENDPOINTS[name] == "none":
            verdict.is_complete(name, events, ordered=False)
        else:
            verdict.is_ordered(name, events)
        if ENDPOINTS[name] == "latest":
            verdict.lacks_only_what_was_replaced(name, events, owed)
        else:
            verdict.lacks_only_what_was_dropped(name, events, owed, self.drops if name == "spare" else ())


def settled(hooks):
    """The settled statuses that have arrived."""
    uploads = [event["data"]["upload"] for event in hooks.events if event["type"].startswith("upload.")]
    return {upload["id"]: upload["status"] for upload in uploads if upload["status"] in ENDS}


@asynccontextmanager
async def world(folder, seed, names=tuple(ENDPOINTS)):
    """A world that moves, with nobody in it yet, and with these of the endpoints."""
    draw = random.Random(seed)
    async with AsyncExitStack() as opened:
        start = await opened.enter_async_context(launcher())
        media, requests = FakeXenonFlare([], time.time, key=KEY), []

        @web.middleware
        async def counts(request, handler):
            requests.append(time.monotonic())
            return await handler(request)

        media.app.middlewares.insert(0, counts)
        await opened.enter_async_context(media)
        receivers = {name: await opened.enter_async_context(Receiver(draw)) for name in names}
        for name in receivers.keys() - {"spare"}:
            receivers[name].answer = lambda: 503 if draw.random() < 0.2 else 204
        one = World(folder, start, media, requests, receivers, draw)
        moving = asyncio.create_task(one.upstream.move())
        try:
            yield one
        finally:
            moving.cancel()
