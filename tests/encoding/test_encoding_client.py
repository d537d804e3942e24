"""The real daemon, an upload of each provider, and programs that others wrote: their client polls, their receivers ask.

The client is `encodingcom` of PyPI. It is of 2015 and knows nothing of us; only the address that it asks is set.
"""

import asyncio
import json
import socket
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from aiohttp import web
from daemons import SECRET, Hooks
from encoding_asking import KEY, USER, Asker
from encoding_service import KEY as SERVICE_KEY
from encoding_service import USER as SERVICE_USER
from encoding_service import EncodingService, Format
from encoding_service import Media as Encoding
from encodingcom.encoding import Encoding as Service
from encodingcom.exception import EncodingErrors
from encodingcom.poller import Poller
from encodingcom.response_helper import get_response
from schedpilots import FakeSchedPilot
from schedpilots import Media as Film
from transcoders import FakeTranscoder

from notifier.demo.daemon import Daemon
from notifier.demo.local import LocalServer
from notifier.demo.upload_post import FakeUploadPost, Post
from notifier.demo.xenonflare import FakeXenonFlare, Media

TRANSCODER_KEY = "tk-that-nobody-may-see"
SECRETS = {
    "UP": "up-key", "XF": "xf-key", "SP": "smm_key", "EC": SERVICE_KEY, "TK": TRANSCODER_KEY,
    "SECRET": SECRET, "KEY": KEY,
}  # fmt: skip
WORKING = {"platform": "x", "success": True, "message": "Queued"}
LIVE = {"platform": "x", "success": True, "message": "Published", "post_url": "https://x.example/1"}
IDS = {"posts": "post-1", "media": "film-1", "library": "video-1", "encodings": "92369973", "jobs": "job-1"}


@dataclass
class Providers:
    """One upload at each of the five, at first under way."""

    posts: FakeUploadPost
    media: FakeXenonFlare
    library: FakeSchedPilot
    encodings: EncodingService
    jobs: FakeTranscoder

    @classmethod
    async def started(cls, stack):
        made = (
            FakeUploadPost([], time.time), FakeXenonFlare([], time.time), FakeSchedPilot(time.time),
            EncodingService(time.time), FakeTranscoder(),
        )  # fmt: skip
        return cls(*[await stack.enter_async_context(one) for one in made])

    def begin(self):
        self.posts.put(Post(IDS["posts"], "in_progress", (WORKING,)))
        self.media.put(Media(IDS["media"], status="processing"))
        self.library.put(Film(IDS["library"], "pending"))
        media = self.encodings.put(Encoding(IDS["encodings"], "New", [Format("2107", "mp4"), Format("2108", "flv")]))
        self.encodings.move(media, "Processing", "Processing", "New")
        self.jobs.put(IDS["jobs"], "running")

    def end(self):
        self.posts.put(Post(IDS["posts"], "completed", (LIVE,)))
        self.media.put(Media(IDS["media"], status="completed", parts={"youtube": "published"}))
        self.library.put(Film(IDS["library"], "processed"))
        media = self.encodings.media[IDS["encodings"]]
        for one in media.formats:
            one.places = ((f"https://cdn.example.com/out/{one.id}.{one.output}", "Saved"),)
        self.encodings.move(media, "Finished", "Finished", "Finished")
        self.jobs.put(IDS["jobs"], "done", output={"url": "https://cdn.example.com/out/job-1.mp4"})

    def config(self, port, endpoints):
        described = """
auth = { header = "Authorization", value = "Bearer {secret}", secret = { env = "TK" } }
list = { url = "/jobs?limit=100&page={page}", items = "data.jobs", paging = "page", more = "data.has_more" }
single = { url = "/jobs/{id}", item = "data" }
fields = { id = "id", status = "state", url = "output.url" }
statuses = { running = "processing", done = "completed" }"""
        sources = {
            "posts": ("upload_post", self.posts.base_url, f'api_key = {{ env = "UP" }}\nuploads = ["{IDS["posts"]}"]'),
            "media": ("xenonflare", self.media.base_url, 'api_key = { env = "XF" }'),
            "library": ("schedpilot", self.library.base_url, 'api_key = { env = "SP" }\nkinds = ["media"]'),
            "encodings": (
                "encoding_com",
                self.encodings.origin,
                f'user_id = "{SERVICE_USER}"\nuser_key = {{ env = "EC" }}',
            ),
            "jobs": ("http_json", self.jobs.base_url, described),
        }
        tables = [
            f'[[sources]]\nname = "{name}"\nprovider = "{provider}"\nbase_url = "{url}"\nbaseline = "announce"\n{more}'
            for name, (provider, url, more) in sources.items()
        ]
        return f"""
[store]
url = "sqlite:notifier.db"
[server]
listen = "127.0.0.1:{port}"
[server.encoding]
user_id = "{USER}"
user_key = {{ env = "KEY" }}
[delivery]
allow_http = true
allow_networks = ["127.0.0.0/8"]
{chr(10).join(tables + endpoints)}
"""


# --- receivers that ask again


async def then_status(asker, called):
    """PWR: the task that the callback starts asks GetStatus, and takes the destinations from there."""
    if called.findtext("status") != "Finished":
        return None
    answer = await asker.xml("GetStatus", mediaid=called.findtext("mediaid"))
    return answer.findtext("status"), [one.text for one in answer.findall("format/destination")]


async def then_formats(asker, called):
    """ETR: nothing is wrong with any format, so what each has made is asked for."""
    if "Error" in [one.text for one in called.findall("format/status")]:
        return None
    answer = await asker.xml("getstatus", mediaid=called.findtext("mediaid"), extended="yes")
    parts = answer.findall("job/format")
    return {part.findtext("id"): part.findtext("status") for part in parts}


async def then_info(asker, called):
    """JR: how long the film is; it can live with not knowing."""
    return (await asker.xml("GetMediaInfo", mediaid=called.findtext("mediaid"))).findtext("duration")


async def then_json(asker, called):
    """PUB: asks in the extended form for one media, whose job is an object, and looks by taskid."""
    job = (await asker.json("GetStatus", mediaid=called["mediaid"], extended="yes"))["job"]
    parts = job["format"] if isinstance(job["format"], list) else [job["format"]]
    return {part["id"]: part["status"] for part in parts}


RECEIVERS = {
    "pwr": ("xml", then_status),
    "etr": ("xml", then_formats),
    "jr": ("xml", then_info),
    "pub": ("json", then_json),
}


@dataclass
class Asking(LocalServer):
    """Called at a path of its own by each endpoint, it asks at once, before it answers."""

    asker: Asker | None = None
    learned: dict[tuple[str, str], tuple[object, object]] = field(default_factory=dict)
    """What was called and what was answered, by receiver and media id."""
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self):
        super().__init__()
        self.app.router.add_post("/{receiver}", self._called)

    async def _called(self, request):
        receiver = request.match_info["receiver"]
        name, ask = RECEIVERS[receiver]
        text = (await request.post())[name]
        called = json.loads(text)["result"] if name == "json" else ET.fromstring(text)
        mediaid = called["mediaid"] if name == "json" else called.findtext("mediaid")
        self.learned[receiver, mediaid] = (called, await ask(self.asker, called))
        self.came.set()
        return web.Response(text="OK")

    async def got(self, count):
        while len(self.learned) < count:
            self.came.clear()
            await self.came.wait()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@asynccontextmanager
async def everything(path):
    """The daemon between five providers and five receivers; what it is asked has a session of its own."""
    async with AsyncExitStack() as stack:
        providers, port = await Providers.started(stack), free_port()
        hooks, asking = await stack.enter_async_context(Hooks()), await stack.enter_async_context(Asking())
        providers.begin()
        app = f'[[endpoints]]\nname = "app"\nurl = "{hooks.url}"\nsecrets = [{{ env = "SECRET" }}]\n'
        legacy = [
            f'[[endpoints]]\nname = "{name}"\nurl = "{asking.origin}/{name}"\n'
            f'format = "encoding_com"\nbody = "{body}"\n'
            for name, (body, _) in RECEIVERS.items()
        ]
        session = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))
        asking.asker = Asker(session)
        await stack.enter_async_context(Daemon(path, providers.config(port, [app, *legacy]), SECRETS))
        yield providers, hooks, asking, f"http://127.0.0.1:{port}/encoding"


def client(url):
    service = Service(USER, KEY, https=False)
    service.url = url
    return service


def spoken(part):
    """A format of a callback, as of an answer: what both tell of it."""
    return {"output": part.findtext("output"), "status": part.findtext("status"),
            "places": [one.text for one in part.findall("destination")]}  # fmt: skip


async def test_an_upload_of_each_provider_is_followed_by_programs_that_others_wrote(tmp_path):
    async with everything(tmp_path) as (providers, hooks, asking, url):
        await hooks.got(len(IDS))
        known = {one["data"]["upload"]["id"]: str(one["data"]["upload"]["media_id"]) for one in hooks.events}
        assert known.keys() == set(IDS.values())
        assert known[IDS["encodings"]] == IDS["encodings"]

        async with polled(client(url), known.values()) as ends:
            providers.end()
            answers = await ends
        await asking.got(len(IDS) * len(RECEIVERS))
        assert {one["id"]: one["status"] for one in answers} == dict.fromkeys(known.values(), "Finished")
        await asks_all(client(url), known)
        agreed(asking.learned, known.values())
        await agrees_with_what_was_called(asking)
    log = (tmp_path / "daemon.log").read_text()
    assert KEY not in log
    assert "wrong-key" not in log
    assert log.count("/encoding") == 1  # the wrong key


@asynccontextmanager
async def polled(service, media_ids):
    """The client's own poller for each, once it has seen its upload under way; what they end with."""
    loop, under_way, waiting = asyncio.get_running_loop(), asyncio.Event(), set(media_ids)

    def told(media_id, status, response):
        assert status == response["status"]
        waiting.discard(media_id)
        if status == "Processing" and not waiting:
            loop.call_soon_threadsafe(under_way.set)

    polls = [asyncio.to_thread(Poller.poll_status, service, one, told, interval=0.2) for one in media_ids]
    ends = asyncio.gather(*polls)
    await under_way.wait()
    yield ends


async def asks_all(service, known):
    """What else the client can ask: several at once, the list, a media it may not know, with a key that is wrong."""
    _, several = await asyncio.to_thread(service.get_status, mediaid=list(known.values()))
    assert {job["id"] for job in get_response(several)["job"]} == set(known.values())
    _, listed = await asyncio.to_thread(service.get_media_list)
    assert {row["mediaid"]: row["mediastatus"] for row in get_response(listed)["media"]} == dict.fromkeys(
        known.values(), "Finished"
    )
    _, info = await asyncio.to_thread(service.get_media_info, False, mediaid=known[IDS["posts"]])
    assert get_response(info) == {}
    for asked, media_id, said in ((service, "999999", "There is no media"), (stranger(service), "1", "Wrong user id")):
        with pytest.raises(EncodingErrors, match=said):
            await asyncio.to_thread(asked.get_status, mediaid=media_id)


def stranger(service):
    other = Service(USER, "wrong-key", https=False)
    other.url = service.url
    return other


def agreed(learned, media_ids):
    """What each receiver learned by asking again, beside what it was called with."""
    for media_id in media_ids:
        called, (status, places) = learned["pwr", media_id]
        assert (status, places) == ("Finished", [one.text for one in called.findall("format/destination")])
        tasks = {part.findtext("taskid"): part.findtext("status") for part in called.findall("format")}
        assert learned["etr", media_id][1] == learned["pub", media_id][1] == tasks
        assert learned["jr", media_id][1] == ""


async def agrees_with_what_was_called(asking):
    """Field by field, for an upload of each provider."""
    for (receiver, media_id), (called, _) in asking.learned.items():
        if receiver != "pwr":
            continue
        answer = await asking.asker.xml("GetStatus", mediaid=media_id)
        assert called.findtext("source") == answer.findtext("sourcefile")
        assert called.findtext("status") == answer.findtext("status")
        assert [spoken(part) for part in called.findall("format")] == [
            spoken(part) for part in answer.findall("format")
        ]
