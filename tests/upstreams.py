"""Upstream, as a story of any provider has it: how an upload is put there, how the rows of its lists are changed."""

import copy
import json
import re
from abc import ABC, abstractmethod
from xml.etree import ElementTree as ET

import encoding_service
from aiohttp import web
from encoding_service import EncodingService, Format
from living import HOUR
from providing import KEY
from shapes_told import SHAPES
from transcoders import FakeTranscoder

from notifier.core.model import Rate
from notifier.demo.xenonflare import FakeXenonFlare, Media

STATUSES = ("queued", "processing", "completed", "failed")
JOBS = dict(zip(STATUSES, ("waiting", "running", "done", "error"), strict=True))
WORDS = dict(zip(STATUSES, ("Waiting for encoder", "Processing", "Finished", "Error"), strict=True))
ROWS = 3
"""On a page: most lists have several, between which uploads move while they are read."""
NOT_FOUND = "unknown: not_found"
"""What an upload is that was named and is not there."""
PLACES = (
    (("ftp://user:secret@cdn.example.com/a", "Error (no such host)"), ("https://cdn.example.com/a", "Saved")),
    (("https://cdn.example.com/a", "Saved"), ("https://cdn.example.com/b", "")),
    (("https://cdn.example.com/a", "Saved"),),
    (),
)
"""Of what was made of a media: its destinations, each with its word; an error makes the whole partial."""
NOBODY_KNOWS = "nobody knows"
"""What it is of which no answer will tell anything any more."""
SETTLED = {"completed", "partial", "failed", "cancelled", "gone"}


class Upstream(ABC):
    """What the stories need of it. An upload's id in a story is a number in 24 digits."""

    key = KEY
    recovery = 2 * HOUR
    """Seconds after which all is told once all is well: more than the longest rest of a source."""
    whole_sweep = 6 * HOUR
    """After which a list is read to its end whatever its pages hold: what a page has kept back is seen then, and what
    moved again after it had settled."""
    allowed = Rate(60, 60)
    """How many requests may go: what the reserve leaves of a limit that is documented, else the budget."""
    hourly = False
    """Whether that is counted from full hour to full hour."""
    is_shared = False
    """Whether programs of the user's own use up the same limit: `others_ask` has them do so."""

    @property
    def base_url(self):
        return self.fake.base_url

    @staticmethod
    def own(id_):
        """Its id in the story."""
        return id_

    @staticmethod
    def theirs(id_):
        return id_

    @staticmethod
    def is_named(_id):
        """Whether its program names it to the daemon."""
        return False

    @abstractmethod
    def put(self, id_, status):
        """Bring it there. Answers what that is in our words; None where it cannot be."""

    def remove(self, _id):
        """Take it away. Answers what it is then, in our words; None where it cannot be, or means nothing."""
        return

    def by_now(self):
        """What has become of uploads since they were put, by the clock alone: the id and the word of each."""
        return ()

    @staticmethod
    def denial(_request):
        """The id of the upload that is asked for alone, and the answer that it is not there; None of any other."""
        return

    def listed(self, _request):
        """The uploads that stand in the list that is asked for, where lists deny."""
        return set()

    def neighbours(self, _id):
        """Those of the list in which this one stands, where lists deny."""
        return set()

    @staticmethod
    def declared(text, _charset):
        """The text of an answer, which says itself in what it is written, if it can."""
        return text

    @staticmethod
    def told(_request, _response):
        """The ids of the uploads of which an answer tells all there is to tell."""
        return []

    @staticmethod
    def suffices(life, told, *, named):
        """Whether this is all that can be told, in the end, of an upload that was all this."""
        if life[-1] in {"gone", "cancelled"} and told in ([], [NOT_FOUND]):  # before anybody saw it
            return named == bool(told)
        return told[-1:] == life[-1:]


class Json(Upstream):
    """What answers in JSON."""

    rotten = ({}, None, 7)
    """Rows of which nobody can make anything."""

    @staticmethod
    @abstractmethod
    def rows(document):
        """Those of a list, to be changed where they are; None of any other answer."""

    def changed(self, body, change):
        """A list whose rows are others, or in another order; an answer about a single upload stays."""
        document = json.loads(body)
        rows = self.rows(document)
        if rows is not None:
            rows[:] = change(rows)
        return json.dumps(document).encode()

    def shaped(self, body, which):
        """The same in other words, in those of `shapes_told`, or of another kind."""
        shapes = SHAPES[self.provider]
        return json.dumps(shapes[which % len(shapes)](json.loads(body))).encode()

    def with_more(self, body, as_json, _as_xml):
        """A member "more", as it is to be written, in each row of a list, or in any other answer."""
        document = json.loads(body)
        rows = self.rows(document)
        for one in [document] if rows is None else rows:
            one["more"] = "@"
        return json.dumps(document).replace('"@"', as_json).encode()


class Enveloped(Json):
    """Two lists by pages, or one, and singles, below `data`."""

    @staticmethod
    def rows(document):
        data = document.get("data")
        lists = [data[name] for name in ("videos", "images", "jobs") if name in data] if isinstance(data, dict) else []
        return lists[0] if lists else None

    @staticmethod
    def denial(request):
        answer = web.json_response({"success": False, "error": "no such media"}, status=404)
        return request.path.rpartition("/")[2], answer

    def told(self, _request, response):
        document = json.loads(response.body)
        rows = self.rows(document)
        return [row["id"] for row in ([document["data"]] if rows is None else rows)]


class XenonFlare(Enveloped):
    """Two lists by pages, and singles."""

    provider = "xenonflare"
    allowed = Rate(30, 60)

    def __init__(self, clock):
        self.fake = FakeXenonFlare([], clock, key=KEY)
        self._there = set()

    def put(self, id_, status):
        """Some are for two platforms, of which one may have been reached when the upload has failed."""
        word = "pending" if status == "queued" else status
        part = {"completed": "published"}.get(word, word)
        number, parts = int(id_, 16), {"youtube": part}
        if number % 3 == 0:
            parts["tiktok"] = "published" if status == "failed" and number % 2 else part
        self.fake.put(Media(id_, self._collection(id_), word, platforms=tuple(parts), parts=parts))
        self._there.add(id_)
        return "partial" if part == "failed" and "published" in parts.values() else status

    @staticmethod
    def _collection(id_):
        return "videos" if int(id_, 16) % 2 else "images"

    def remove(self, id_):
        if id_ not in self._there:
            return None
        self._there.remove(id_)
        self.fake.remove(self._collection(id_), id_)
        return "gone"


class Transcoder(Enveloped):
    """An API that is described, whose list tells only whether there is more."""

    provider = "http_json"

    def __init__(self, _clock):
        self.fake = FakeTranscoder(accepted=KEY, size=ROWS)

    @staticmethod
    def own(id_):
        return f"{int(id_):024x}"

    @staticmethod
    def theirs(id_):
        return str(int(id_, 16))

    def put(self, id_, status):
        """Every other id is a number."""
        number = int(id_, 16)
        self.fake.put(number if number % 2 else str(number), JOBS[status])
        return status

    def remove(self, id_):
        return "gone" if self.fake.jobs.pop(self.theirs(id_), None) else None

    def told(self, request, response):
        """Of a failure a row of the list is half: why, is told by a look at it alone."""
        rows = self.rows(json.loads(response.body)) or ()
        half = [row["id"] for row in rows if row["state"] == "error"]
        return [id_ for id_ in super().told(request, response) if id_ not in half]


class EncodingCom(Upstream):
    """One list in two orders, and singles, several at once; all of it in XML, at one address."""

    provider, key = "encoding_com", encoding_service.KEY
    rotten = tuple(map(ET.fromstring, ("<media/>", "<media>no</media>", "<media><id>x</id></media>")))
    whole_sweep = 24 * HOUR
    allowed = Rate(30, 60)

    def __init__(self, clock):
        self.fake = EncodingService(clock)
        self._named = set()
        """Those of whose formats it was told what they are."""
        self._over = set()
        """What was taken away: their ids are the provider's, which gives none twice."""

    @property
    def base_url(self):
        return self.fake.origin

    def put(self, id_, status):
        if id_ in self._over:
            return None
        number = self.theirs(id_)
        new = encoding_service.Media(number, formats=[Format(f"9{number}", "mp4"), Format(f"8{number}", "flv")])
        media, word, odd = self.fake.put(new), WORDS[status], int(number) % 4
        self.fake.move(
            media, word, word, "New" if status == "failed" else word, description="no" * (status == "failed")
        )
        media.formats[1].places = PLACES[odd] if status == "completed" else (("https://cdn.example.com/a", "Open"),)
        return "partial" if status == "completed" and odd == 0 else status

    def remove(self, id_):
        """One that was deleted is told to be. Ids of what has settled expire, too, and nothing says so of any."""
        number = self.theirs(id_)
        if id_ in self._over or number not in self.fake.media:
            return None
        self._over.add(id_)
        media = self.fake.media[number]
        if int(number) % 3 or media.status not in {"Finished", "Error"}:
            media.deleted = True
            return "gone"
        del self.fake.media[number]
        return NOBODY_KNOWS

    @staticmethod
    def suffices(life, told, *, named):
        return life[-1] == NOBODY_KNOWS or Upstream.suffices(life, told, named=named)

    @staticmethod
    def own(id_):
        return f"{int(id_) - 1:024x}"

    @staticmethod
    def theirs(id_):
        return str(int(id_, 16) + 1)

    def told(self, _request, response):
        """The list has no formats; what they are, the simple form alone tells, without which jobs tell half."""
        root = ET.fromstring(response.body)
        alone = root.findtext("id")
        self._named |= {alone} - {None}
        return [id_ for one in (root, *root.findall("job")) if (id_ := one.findtext("id")) in self._named]

    def changed(self, body, change):
        """A list, or an answer about several, whose rows are others; they end what they stand in."""
        root = ET.fromstring(body)
        rows = root.findall("media") or root.findall("job")
        for row in rows:
            root.remove(row)
        root.extend([copy.deepcopy(row) for row in change(rows)])
        return ET.tostring(root)

    @staticmethod
    def with_more(body, _as_json, as_xml):
        text, row = body.decode(), next(row for row in ("media", "job", "response") if f"</{row}>".encode() in body)
        return text.replace(f"</{row}>", f"<more>{as_xml}</more></{row}>").encode()

    @staticmethod
    def declared(text, charset):
        return re.sub(r"^(<\?xml[^>]*>)?", f'<?xml version="1.0" encoding="{charset}"?>', text, count=1)

    def shaped(self, body, which):
        shapes = SHAPES[self.provider]
        return shapes[which % len(shapes)](body.decode()).encode()
