"""SchedPilot as a story has it: two kinds of media and posts, in lists alone, with sixty reads a clock hour for all."""

import json

from living import HOUR
from providing import KEY
from schedpilots import FakeSchedPilot, Media, Post
from upstreams import SETTLED, STATUSES, Json

from notifier.core.model import Rate

VIDEOS = dict(
    zip(
        STATUSES,
        (("", "unknown"), ("pending", "processing"), ("processed", "completed"), ("failed", "unknown")),
        strict=True,
    )
)
"""SchedPilot's: a transcoding has no failure, so that the last is a word that nobody knows."""
POSTS = dict(zip(STATUSES, ("scheduled", "pending_approval", "posted", "failed"), strict=True))
PLANNED = dict(zip(STATUSES, ("scheduled", "action_required", "completed", "failed"), strict=True))


class SchedPilot(Json):
    """Lists alone, of which nobody knows the order: videos, images, posts. What is not on them is gone."""

    provider = "schedpilot"
    recovery = 30 * HOUR  # images are listed once a day, and where others used up an hour less may go for some hours
    whole_sweep = 8 * HOUR  # what had settled is missed for the second time six hours after the first
    allowed = Rate(45, 3600)
    hourly = True
    is_shared = True

    def __init__(self, clock):
        self.fake = FakeSchedPilot(clock, key=KEY)
        self._there = set()

    @staticmethod
    def theirs(id_):
        number = int(id_, 16)
        return str(number) if number % 2 else f"video-{number}" if number % 8 else f"image-{number}"

    @staticmethod
    def own(id_):
        return f"{int(id_.rpartition('-')[2]):024x}"

    @staticmethod
    def is_named(id_):
        return int(id_, 16) % 5 == 0

    def put(self, id_, status):
        theirs = self.theirs(id_)
        self._there.add(id_)
        if theirs.startswith("image"):
            self.fake.put(Media(theirs))
            return "completed"
        if theirs.startswith("video"):
            word, ours = VIDEOS[status]
            self.fake.put(Media(theirs, word))
            return ours
        return self._post(int(theirs), status)

    def _post(self, number, status):
        """One of two accounts may fare otherwise than its post's word says."""
        word, accounts = POSTS[status], ((7, "linkedin"), (9, "x"))[: 1 + number % 4 // 2]
        fates, ours = {}, PLANNED[status]
        if ours in SETTLED:
            fates = {id_: (word, "No." if word == "failed" else None) for id_, _ in accounts}
        if ours == "completed" and len(accounts) > 1:
            ours = "partial"
            fates[9] = ("failed", "No.")
        self.fake.put(Post(number, word, None, accounts=accounts, fates=fates))
        return ours

    def remove(self, id_):
        """Never the last image: an empty list is doubted until it was read three times, which here takes three days."""
        if id_ not in self._there or self.neighbours(id_) == {id_} == self._part("image"):
            return None
        self._there.remove(id_)
        theirs = self.theirs(id_)
        if theirs.startswith("image"):
            self.whole_sweep = 24 * HOUR  # but its list is read once a day
        self.fake.remove(int(theirs) if theirs.isdecimal() else theirs)
        return "gone"

    def listed(self, request):
        """The uploads that stand in the list that is asked for."""
        return self._part(request.query.get("type", ""))

    def neighbours(self, id_):
        return self._part(self.theirs(id_).rpartition("-")[0])

    def _part(self, name):
        return {id_ for id_ in self._there if self.theirs(id_).rpartition("-")[0] == name}

    def others_ask(self, count):
        self.fake.read_elsewhere(count)

    @staticmethod
    def rows(document):
        return document if isinstance(document, list) else document.get("posts")

    def told(self, _request, response):
        rows = self.rows(json.loads(response.body))
        return [str(row.get("media_id", row.get("id"))) for row in rows]
