"""A service that speaks as Encoding.com does: one form, XML both ways, every error with status 200."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring
from xml.sax.saxutils import escape

from aiohttp import web

from notifier.demo.local import LocalServer

NEVER = "0000-00-00 00:00:00"
USER, KEY = "85296", "encoding-key"


@dataclass
class Format:
    """One output; `places` are destinations with their statuses."""

    id: str
    output: str
    status: str = "New"
    places: tuple[tuple[str, str], ...] = ()
    description: str = ""


@dataclass
class Media:
    """One media, as it is at this moment."""

    id: str
    status: str = "New"
    formats: list[Format] = field(default_factory=list)
    created: float = 0.0
    finished: float | None = None
    description: str = ""
    deleted: bool = False


class EncodingService(LocalServer):
    """What is in `media` is true; what was asked is in `requests`, the credential left out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.media: dict[str, Media] = {}
        self.requests: list[str] = []
        self.faults: deque[web.Response] = deque()
        """The next questions are answered by these, one each, instead of the truth."""
        self._clock = clock
        self.app.router.add_post("/", self._answer)

    def put(self, media: Media) -> Media:
        media.created = media.created or self._clock()
        return self.media.setdefault(media.id, media)

    def move(self, media: Media, status: str, *formats: str, description: str = "") -> None:
        """The media's word and its formats', in their order."""
        media.status, media.description = status, description
        for one, word in zip(media.formats, formats, strict=False):
            one.status = word
        media.finished = self._clock() if status == "Finished" else None

    async def _answer(self, request: web.Request) -> web.Response:
        query = {one.tag: one.text or "" for one in fromstring(dict(await request.post())["xml"])}
        credential = (query.pop("userid"), query.pop("userkey"))
        self.requests.append(" ".join(f"{name}={value}" for name, value in query.items()))
        if credential != (USER, KEY):
            return error("Wrong user id or key!")
        if self.faults:
            return self.faults.popleft()
        return self._list(query) if query["action"] == "GetMediaList" else self._status(query)

    def _status(self, query: dict[str, str]) -> web.Response:
        if query.get("extended") != "yes":
            media = self.media.get(query["mediaid"])
            return error("Media not found") if media is None or media.deleted else answer(self._told(media, whole=True))
        found = [self.media[id_] for id_ in reversed(query["mediaid"].split(",")) if id_ in self.media]
        if not found:
            return error("Media not found")
        return answer("".join(f"<job>{self._told(media, whole=False)}</job>" for media in found))

    def _told(self, media: Media, *, whole: bool) -> str:
        formats = "".join(f"<format>{_format(one, whole=whole)}</format>" for one in media.formats)
        gone = {"deleted": "yes"} if media.deleted else {}
        return elements({**self._head(media), "progress": "100.0", "time_left": "50", **gone}) + formats

    def _head(self, media: Media) -> dict[str, str]:
        return {
            "id": media.id, "userid": USER, "sourcefile": f"https://cdn.example.com/in/{media.id}.mov",
            "status": media.status, "created": date(media.created), "started": date(media.created),
            "finished": date(media.finished), "description": media.description,
        }  # fmt: skip

    def _list(self, query: dict[str, str]) -> web.Response:
        by_finish = query["sort"] == "finished"
        rows = sorted(
            self.media.values(), key=lambda one: (one.finished or 0.0) if by_finish else one.created, reverse=True
        )
        page, size = int(query["page"]), int(query["per_page"])
        shown = rows[(page - 1) * size : page * size]
        paging = {
            "per_page": size,
            "page": page,
            "count": len(shown),
            "total": len(rows),
            "pages": -(-len(rows) // size),
        }
        told = "".join(f"<media>{elements(self._head(one))}</media>" for one in shown)
        return answer(f"<pagination>{elements(paging)}</pagination>{told}")


def _format(one: Format, *, whole: bool) -> str:
    output = {"output": one.output, "size": "0x1080"} if whole else {"convertedsize": "0"}
    places = "".join(elements({"destination": url, "destination_status": saved}) for url, saved in one.places)
    return elements({"id": one.id, "status": one.status, **output, "description": one.description}) + places


def elements(told: dict[str, object]) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in told.items())


def date(moment: float | None) -> str:
    return NEVER if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def answer(inside: str) -> web.Response:
    return web.Response(text=f'<?xml version="1.0"?>\n<response>{inside}</response>', content_type="text/xml")


def error(text: str) -> web.Response:
    return answer(f"<errors><error>{text}</error></errors>")
