"""A fake of an API that nobody has a module for: jobs, newest first, as docs/http-json.md shows them."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from notifier.demo.local import LocalServer

PATH = "/v2"
KEY = "tk-that-nobody-may-see"
Fault = Callable[[web.Request], Awaitable[web.Response]]


class FakeTranscoder(LocalServer):
    """Its list can be paged in every way there is; each fault in `faults` answers one request in its place."""

    def __init__(self, *, accepted: str = KEY, size: int = 100) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.hidden: set[str] = set()
        """Members of a job that the list does not show."""
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.size = size
        self._accepted = accepted
        self.app.router.add_get(f"{PATH}/jobs", self._list)
        self.app.router.add_get(f"{PATH}/jobs/{{id}}", self._one)

    @property
    def base_url(self) -> str:
        return f"{self.origin}{PATH}"

    def put(self, id_: object, state: str | None, **more: Any) -> None:
        self.jobs[str(id_)] = {**self.jobs.get(str(id_), {}), "id": id_, "state": state, **more}

    async def _refused(self, request: web.Request) -> web.Response | None:
        self.requests.append(request.path_qs)
        if self.faults:
            return await self.faults.pop(0)(request)
        if request.headers.get("Authorization") != f"Bearer {self._accepted}":
            return web.json_response({"error": "bad token"}, status=401)
        return None

    async def _one(self, request: web.Request) -> web.Response:
        refused = await self._refused(request)
        if refused is not None:
            return refused
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return web.json_response({"error": "no such job"}, status=404)
        return web.json_response({"data": job})

    async def _list(self, request: web.Request) -> web.Response:
        refused = await self._refused(request)
        if refused is not None:
            return refused
        query = request.query
        start = int(query.get("offset", query.get("after", (int(query.get("page", "1")) - 1) * self.size)))
        newest_first = list(reversed(self.jobs.values()))
        page = newest_first[start : start + self.size]
        end = start + len(page)
        more = end < len(newest_first)
        rows = [{name: told for name, told in job.items() if name not in self.hidden} for job in page]
        data = {"jobs": rows, "has_more": more, "next": str(end) if more else None}
        link = f'<?offset={end}>; rel="next"' if more else f'<?offset={start}>; rel="last"'
        return web.json_response({"data": data}, headers={"Link": link})
