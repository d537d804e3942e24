"""A world with `POST /encoding`, and one who asks there as the programs of Encoding.com's users do."""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import aiohttp
from world import world

from notifier.config.settings import EncodingAccount
from notifier.core.secret import Secret
from notifier.server.access import Guard
from notifier.server.encoding import facade
from notifier.server.encoding.facade import Facade
from notifier.server.listening import start

USER, KEY = "85296", "encoding-key-that-nobody-may-see"
OUTPUTS = {"posts": "mp4"}
ACCOUNT = EncodingAccount(USER, Secret(KEY))


@dataclass
class Asker:
    """What it asks has its credential; every answer must have status 200, and the type of the question's field."""

    session: aiohttp.ClientSession
    user: str = USER
    key: str = KEY
    path: str = "/encoding"

    async def xml(self, action, **query):
        """The <response>."""
        root = Element("query")
        for name, text in self._whole(action, query).items():
            SubElement(root, name).text = text
        return fromstring(await self.form(xml=tostring(root, encoding="unicode")))

    async def json(self, action, **query):
        """What the response holds."""
        return json.loads(await self.form(json=json.dumps({"query": self._whole(action, query)})))["response"]

    async def error(self, action, **query):
        """The one error of the answer, which is the same in both dialects."""
        (said,) = (await self.xml(action, **query)).findall("errors/error")
        assert await self.json(action, **query) == {"errors": {"error": said.text}}
        return said.text

    async def form(self, **fields):
        """The document that such a form is answered with."""
        type_ = "application/json" if "json" in fields else "text/xml"
        return await self.post(aiohttp.FormData(fields), type_)

    async def post(self, body, type_="text/xml", **more):
        async with self.session.post(self.path, data=body, **more) as response:
            assert (response.status, response.headers["Content-Type"]) == (200, type_)
            return await response.text()

    def _whole(self, action, query):
        return {"userid": self.user, "userkey": self.key, "action": action, **query}


@asynccontextmanager
async def encoding_world(path, outputs=OUTPUTS, **more):
    """A world, and one who asks over TCP, and another over the control socket; neither has a token."""
    async with world(path, **more) as w:
        asked = Facade(w.store, ACCOUNT, outputs, w.clock)
        socket = path / "notifier.sock"
        guard = Guard(Secret("a-token"), "127.0.0.1", w.clock)
        server = await start(facade.routes(asked), guard, socket, ("127.0.0.1", 0))
        try:
            async with (
                aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as remote,
                aiohttp.ClientSession("http://notifier", connector=aiohttp.UnixConnector(str(socket))) as local,
            ):
                yield w, Asker(remote), Asker(local)
        finally:
            await server.close()
