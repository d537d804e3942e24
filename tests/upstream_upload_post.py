"""Upload-Post as a story has it: with the cache that it documents, and a limit that others use up."""

import json
from math import ceil

from aiohttp import web
from living import HOUR
from providing import KEY
from upstreams import SETTLED, STATUSES, Json, Upstream

from notifier.core.model import Rate
from notifier.demo.upload_post import FakeUploadPost, Post

UPLOAD_POST = dict(zip(STATUSES, ("queued", "in_progress", "completed", "failed"), strict=True))
KEPT = {"pending": 2.0, "queued": 2.0, "processing": 3.0, "in_progress": 3.0, "completed": 300.0, "failed": 300.0}
"""Seconds for which an answer of Upload-Post's status call stands."""
DUE_AFTER = 3600
"""Seconds from the moment a job is put to its time."""


class CachingUploadPost(FakeUploadPost):
    """With a cache before the status call, answers that expire, and others who use up its limit."""

    def __init__(self, clock):
        super().__init__([], clock, key=KEY, limit=60)
        self._kept = {}
        self.expired = set()
        """Uploads that the history tells of, and nothing else any more."""

    async def _status(self, request):
        asked, denial = UploadPost.denial(request)
        if asked in self.expired:
            return denial
        until, body = self._kept.get(request.query_string, (0.0, b""))
        if self._clock() < until:
            kept = web.Response(body=body, content_type="application/json")
            kept["is_kept"] = True
            return kept
        response = await super()._status(request)
        if response.status == web.HTTPOk.status_code:
            seconds = KEPT[json.loads(response.body)["status"]]
            self._kept[request.query_string] = (self._clock() + seconds, response.body)
        return response

    def others_ask(self, count):
        self._seen += count


class UploadPost(Json):
    """Singles, the jobs to come, and the history of what is finished. Of three uploads one is named by its program, one
    is a job, and one is in the history alone. An id that was named may be given to another: its program chose it.
    """

    provider = "upload_post"
    is_shared = True
    whole_sweep = 24 * HOUR
    allowed = Rate(45, 60)

    def __init__(self, clock):
        self.fake = CachingUploadPost(clock)
        self._clock = clock
        self._was = {}
        """Of each that is there, the statuses that it had."""
        self._due = {}
        """When jobs that have not begun are to."""
        self._over = set()
        """Jobs that were taken away: their ids are the provider's, which gives none twice."""

    @staticmethod
    def is_named(id_):
        return int(id_, 16) % 3 == 0

    @staticmethod
    def is_job(id_):
        return int(id_, 16) % 3 == 1

    def put(self, id_, status):
        job, is_new = self.is_job(id_), id_ not in self._was
        if id_ in self._over or (status == "queued" and id_ in self._due):
            return None
        self.fake.expired.discard(id_)
        was = self._was.setdefault(id_, [])
        was.append(status)
        if job and is_new and status == "queued":
            self._due[id_] = ceil(self._clock()) + DUE_AFTER
            self.fake.put(Post(id_, "pending", job=True, scheduled_at=self._due[id_]))
            return "scheduled"
        self._due.pop(id_, None)
        if status == "failed" and int(id_, 16) % 9 == 0 and "completed" not in was:
            self.fake.put(Post(id_, "failed", total=2, message="It seems to have failed (no activity for over 1 hour)"))
            return "failed"
        rows, word = self._rows(int(id_, 16), status)
        self.fake.put(Post(id_, UPLOAD_POST[status], rows, total=2, job=job))
        return word

    @staticmethod
    def _rows(number, status):
        """Its rows by the status, and what these make of it: `success` means nothing while it goes on."""
        whole = {"request_total_platforms": 1 + number % 2} if number % 4 < 2 else {}
        ok = {"platform": "x", "success": True, "message": "Published", **whole}
        if number % 5:
            ok["post_url"] = f"https://x.example.com/{number}"
        ill = {"platform": "linkedin", "success": False, "error": "Token expired", **whole}
        if status == "completed":
            return ((ok, ill), "partial") if number % 2 else ((ok,), "completed")
        if status == "failed":
            return ({**ill, "platform": "x"}, ill)[: 1 + number % 2], "failed"
        waits = {"platform": "x", "success": bool(number % 2), "message": "Queued"}
        return ((waits,) if status == "processing" else ()), status

    def remove(self, id_):
        """A job is cancelled; what goes on is gone; what has settled stays in the history, and answers about it expire.

        Not where the history tells too little, so that it would be asked for.
        """
        if id_ not in self._was:
            return None
        if (last := self._was[id_][-1]) in {"completed", "failed"}:
            number = int(id_, 16)
            if number % 4 >= 2 or number % 9 == 0:
                return None
            self.fake.expired.add(id_)
            return self._rows(number, last)[1]
        self.fake.remove(id_)
        del self._was[id_]
        if self.is_job(id_):
            self._over.add(id_)
        return "gone" if self._due.pop(id_, None) is None else "cancelled"

    def by_now(self):
        late = [id_ for id_, due_at in self._due.items() if due_at <= self._clock()]
        for id_ in late:
            del self._due[id_]
        return [(id_, "queued") for id_ in late]

    def others_ask(self, count):
        self.fake.others_ask(count)

    @staticmethod
    def rows(document):
        return document.get("history", document.get("scheduled_posts"))

    @staticmethod
    def denial(request):
        named = [(name, request.query[name]) for name in ("request_id", "job_id") if name in request.query]
        if not named:
            return None
        answer = {**dict(named), "status": "not_found", "message": "No upload request found with this ID"}
        return named[0][1], web.json_response(answer, status=404)

    @staticmethod
    def told(request, response):
        """Of a look at one, unless its answer is of an earlier moment."""
        names = () if "is_kept" in response else ("request_id", "job_id")
        return [request.query[name] for name in names if name in request.query]

    @staticmethod
    def suffices(life, told, *, named):
        """What has settled is in the history, what is to come in the schedule. What goes on is shown by nothing but a
        look at it: nobody looks at what nobody has named or seen, nor again at what was completed.
        """
        if Upstream.suffices(life, told, named=named):
            return True
        if life[-1] in {"completed", "partial", "failed", "scheduled"}:
            return False
        if not told:
            return not named
        return told[-1] == "completed" or (life[-1] in {"gone", "cancelled"} and told[-1] in SETTLED)
