"""The real process is killed at random moments while uploads move and receivers fail: nothing is lost or disordered."""

import asyncio
import json
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from itertools import accumulate

from daemons import KEY, SECRETS, Hooks, Systemd, config

from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media

KILLS = 20
UPLOADS = 200
MAX_IN_FLIGHT = 8
LIFE = ("pending", "processing")
ENDS = ("completed", "failed")
STATUSES = {"pending": "queued", "processing": "processing", "completed": "completed", "failed": "failed"}
FAST = {"NOTIFIER_DEMO_PACE": "100"}
"""A list is read every 0.3 s, a single upload every 0.6 s."""


class Life:
    """200 uploads, each on its way from pending to an end, moved one step at a time."""

    def __init__(self, media, draw):
        self._media = media
        self._draw = draw
        self.was = {f"{number:024x}": ["pending"] for number in range(UPLOADS)}
        for id_ in self.was:
            self._put(id_)

    def step(self):
        """One upload moves; False where all have come to their ends."""
        moving = [id_ for id_, lives in self.was.items() if lives[-1] not in ENDS]
        if not moving:
            return False
        id_ = self._draw.choice(moving)
        here = LIFE.index(self.was[id_][-1])
        self.was[id_].append(LIFE[here + 1] if here + 1 < len(LIFE) else self._draw.choice(ENDS))
        self._put(id_)
        return True

    def _put(self, id_):
        # Halves in the two collections: a list shows all of its uploads on one page.
        collection = "videos" if int(id_, 16) % 2 else "images"
        status = self.was[id_][-1]
        part = {"completed": "published"}.get(status, status)
        self._media.put(Media(id_, collection, status, platforms=("youtube",), parts={"youtube": part}))


async def test_twenty_kills_at_random_moments_lose_nothing(tmp_path):
    draw = random.Random(20)
    async with FakeXenonFlare([], time.time, key=KEY) as media, Hooks() as app, Hooks() as crm:
        life = Life(media, draw)
        for hooks in (app, crm):
            hooks.answer = lambda: 503 if draw.random() < 0.2 else 204
        text = config(media.base_url, {"app": app.url, "crm": crm.url})
        marks = {app: [], crm: []}
        moving = asyncio.create_task(move(life))
        for _ in range(KILLS):
            async with Daemon(tmp_path, text, {**SECRETS, **FAST}) as daemon:
                with suppress(TimeoutError):
                    async with asyncio.timeout(draw.uniform(0.2, 1.8)):
                        await daemon.wait()
                assert daemon.ended is None, daemon.last_words()
                daemon.send_signal(signal.SIGKILL)
                await daemon.wait()
            for hooks, mark in marks.items():
                mark.append(len(hooks.bodies))
        await moving
        with Systemd(tmp_path / "notify") as systemd:
            async with Daemon(tmp_path, text, {**SECRETS, **FAST, **systemd.environ}) as daemon:
                await systemd.hears("READY=1")
                await everything_arrived(life, app, crm)
                assert await daemon.stop() == 0
    for hooks, mark in marks.items():
        check(hooks, life, mark)


async def move(life):
    """Some 50 steps a second, as long as there is anything to move."""
    loop = asyncio.get_running_loop()
    at = loop.time()
    while life.step():
        at += 0.02
        await asyncio.sleep(at - loop.time())


async def everything_arrived(life, *receivers):
    """Until each receiver knows how each upload has ended."""
    wanted = {id_: STATUSES[lives[-1]] for id_, lives in life.was.items()}
    for hooks in receivers:
        while ends(hooks) != wanted:
            hooks.came.clear()
            await hooks.came.wait()


def ends(hooks):
    """The settled statuses that have arrived."""
    uploads = [event["data"]["upload"] for event in hooks.events]
    return {upload["id"]: upload["status"] for upload in uploads if upload["status"] in ENDS}


def check(hooks, life, mark):
    """Each event once but for what was on its way at a kill, in order, the same bytes, and nothing that was not so."""
    bodies, runs = {}, Counter()
    for number, body in enumerate(hooks.bodies):
        event = json.loads(body)
        if bodies.setdefault(event["id"], body) != body:
            raise AssertionError(f"{event['id']} has changed")
        if bodies[event["id"]] is not body:
            runs[sum(number >= ended for ended in mark)] += 1
    print(f"{len(bodies)} webhooks, {sum(runs.values())} repeats over {KILLS} kills")  # noqa: T201
    # A run that ends before it has sent all again leaves that to the next: what counts is all kills up to then.
    repeats = accumulate(runs[run] for run in range(KILLS + 1))
    assert all(so_far <= MAX_IN_FLIGHT * kills for kills, so_far in enumerate(repeats)), runs
    lanes = {}
    for event in map(json.loads, bodies.values()):
        if event["type"].startswith("upload."):
            lanes.setdefault(event["data"]["upload"]["id"], []).append(event["data"])
    for id_, lives in life.was.items():
        assert [data["sequence"] for data in lanes[id_]] == list(range(1, len(lanes[id_]) + 1))
        told = [data["upload"]["status"] for data in lanes[id_]]
        truth = iter(STATUSES[word] for word in lives)
        assert all(any(word == true for true in truth) for word in told), (told, lives)
        assert told[-1] == STATUSES[lives[-1]]
