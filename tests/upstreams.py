"""Upstream, as a story of any provider has it: how an upload is put there, how the rows of its lists are changed."""

import copy
import json
from xml.etree import ElementTree as ET

import encoding_service
from encoding_service import EncodingService, Format
from living import HOUR
from providing import KEY
from transcoders import FakeTranscoder

from notifier.demo.xenonflare import FakeXenonFlare, Media

STATUSES = ("queued", "processing", "completed", "failed")
JOBS = dict(zip(STATUSES, ("waiting", "running", "done", "error"), strict=True))
WORDS = dict(zip(STATUSES, ("Waiting for encoder", "Processing", "Finished", "Error"), strict=True))
ROWS = 3
"""On a page: most lists have several, between which uploads move while they are read."""


class Json:
    """What answers in JSON."""

    key = KEY
    rotten = ({}, None, 7)
    """Rows of which nobody can make anything."""
    whole_sweep = 6 * HOUR
    """After which a list is read to its end whatever its pages hold: what a page has kept back is seen then, and what
    moved again after it had settled."""

    @property
    def base_url(self):
        return self.fake.base_url

    @staticmethod
    def own(id_):
        """Its id in the story."""
        return id_

    def changed(self, body, change):
        """A list whose rows are others, or in another order; an answer about a single upload stays."""
        document = json.loads(body)
        if isinstance(document.get("data"), dict) and (rows := self.rows(document["data"])) is not None:
            rows[:] = change(rows)
        return json.dumps(document).encode()


class XenonFlare(Json):
    """Two lists by pages, and singles."""

    provider = "xenonflare"

    def __init__(self, clock):
        self.fake = FakeXenonFlare([], clock, key=KEY)

    def put(self, id_, status):
        word = "pending" if status == "queued" else status
        part = {"completed": "published"}.get(word, word)
        collection = "videos" if int(id_, 16) % 2 else "images"
        self.fake.put(Media(id_, collection, word, parts={"youtube": part}))

    @staticmethod
    def rows(data):
        return data.get("videos", data.get("images"))


class Transcoder(Json):
    """An API that is described, whose list tells only whether there is more."""

    provider = "http_json"

    def __init__(self, _clock):
        self.fake = FakeTranscoder(accepted=KEY, size=ROWS)

    def put(self, id_, status):
        self.fake.put(id_, JOBS[status])

    @staticmethod
    def rows(data):
        return data.get("jobs")


class EncodingCom:
    """One list in two orders, and singles, several at once; all of it in XML, at one address."""

    provider, key = "encoding_com", encoding_service.KEY
    rotten = tuple(map(ET.fromstring, ("<media/>", "<media>no</media>", "<media><id>x</id></media>")))
    whole_sweep = 24 * HOUR

    def __init__(self, clock):
        self.fake = EncodingService(clock)

    @property
    def base_url(self):
        return self.fake.origin

    def put(self, id_, status):
        number = str(int(id_, 16) + 1)
        media = self.fake.put(encoding_service.Media(number, formats=[Format(f"9{number}", "mp4")]))
        word = WORDS[status]
        self.fake.move(media, word, word)

    @staticmethod
    def own(id_):
        return f"{int(id_) - 1:024x}"

    def changed(self, body, change):
        """A list, or an answer about several, whose rows are others; they end what they stand in."""
        root = ET.fromstring(body)
        rows = root.findall("media") or root.findall("job")
        for row in rows:
            root.remove(row)
        root.extend([copy.deepcopy(row) for row in change(rows)])
        return ET.tostring(root)
