"""What a source asks, counted by what was answered, whoever else uses the session."""

import asyncio
from collections import Counter
from contextlib import suppress

from aiohttp import web

from notifier.core.model import StatusClass
from notifier.demo.local import LocalServer
from notifier.providers.base import ProviderError
from notifier.providers.counted import Counted
from notifier.providers.http import Api, open_session


class Provider(LocalServer):
    """Answers with the status that the path names; 0: not at all, and the connection is closed."""

    def __init__(self):
        super().__init__()
        self.app.router.add_get("/{status}", self._answer)
        self.asked = asyncio.Event()

    async def _answer(self, request):
        status = int(request.match_info["status"])
        self.asked.set()
        if status == 1:
            await asyncio.Event().wait()
        if not status:
            request.transport.abort()
        return web.json_response({}, status=status or 200)


async def test_each_request_is_counted_once_by_the_class_of_what_was_answered():
    counted, others = Counter(), Counter()
    async with Provider() as provider, open_session() as session:
        api = Api(Counted(session, lambda answered: counted.update([answered])), provider.origin, {})
        other = Api(Counted(session, lambda answered: others.update([answered])), provider.origin, {})
        for status in (200, 204, 302, 404, 401, 429, 500, 503, 700, 0):
            with suppress(ProviderError):
                await api.get(f"/{status}", {}, 0.0)
        await other.get("/200", {}, 0.0)
    assert counted == {"2xx": 2, "3xx": 1, "4xx": 2, "429": 1, "5xx": 2, "other": 1, "none": 1}
    assert others == {"2xx": 1}


async def test_a_request_that_is_cut_off_was_made_all_the_same():
    counted = []
    async with Provider() as provider, open_session() as session:
        asking = asyncio.create_task(Api(Counted(session, counted.append), provider.origin, {}).get("/1", {}, 0.0))
        await provider.asked.wait()
        asking.cancel()
        await asyncio.wait([asking])
    assert counted == [StatusClass.NONE]
