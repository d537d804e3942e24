"""What the tests of the real process share: a config for it, a place where systemd would listen, receivers."""

import asyncio
import base64
import json
import socket
from contextlib import suppress

from aiohttp import web
from standardwebhooks import Webhook

from notifier.demo.local import LocalServer

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEY = "xf_a_key_that_nobody_may_see"
SECRETS = {"KEY": KEY, "SECRET": SECRET}


def config(source_url, endpoints, *, listen="", server="", timeout="20s", events="*", more=""):
    """A config for one XenonFlare source and endpoints by name and URL; `server` and `more` are further lines."""
    head = f"""
[store]
url = "sqlite:notifier.db"
[server]
listen = "{listen}"
{server}
[delivery]
schedule = ["0s", {", ".join(['"1s"'] * 40)}]
timeout = "{timeout}"
allow_http = true
allow_networks = ["127.0.0.0/8"]
[[sources]]
name = "media"
provider = "xenonflare"
base_url = "{source_url}"
api_key = {{ env = "KEY" }}
budget = "6000/m"
reserve = 0
baseline = "announce"
{more}
"""
    tables = [
        f'[[endpoints]]\nname = "{name}"\nurl = "{url}"\nsecrets = [{{ env = "SECRET" }}]\nevents = ["{events}"]\n'
        for name, url in endpoints.items()
    ]
    return "\n".join([head, *tables])


class Hooks(LocalServer):
    """A receiver: verifies, keeps every body, and answers what it is told to."""

    def __init__(self):
        super().__init__()
        self.bodies = []
        """Of every verified request that was answered with 2xx."""
        self.asked = []
        """The id of every verified request, whatever the answer."""
        self.headers = {}
        """Of the last request."""
        self.came = asyncio.Event()
        """Set by every request."""
        self.hold = None
        """An event to be waited for before an answer; None: answer at once."""
        self.answer = lambda: 204
        self.app.router.add_post("/", self._receive)

    @property
    def url(self):
        return f"{self.origin}/"

    @property
    def events(self):
        return [json.loads(body) for body in self.bodies]

    async def _receive(self, request):
        body = await request.read()
        self.headers = dict(request.headers)
        Webhook(SECRET).verify(body, self.headers)
        self.asked.append(self.headers["webhook-id"])
        status = self.answer()
        if status < 300:
            self.bodies.append(body)
        self.came.set()
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(status=status)

    async def got(self, count):
        """Until so many bodies are there."""
        while len(self.bodies) < count:
            self.came.clear()
            await self.came.wait()


class Systemd:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.environ = {"NOTIFY_SOCKET": str(path)}
        self.said = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    async def hears(self, word):
        """Until a datagram begins with `word`; answers it."""
        loop = asyncio.get_running_loop()
        while True:
            for said in self.said:
                if said.startswith(word):
                    return said
            self.said.append((await loop.sock_recv(self._socket, 4096)).decode())

    def heard(self):
        """All that has arrived."""
        with suppress(BlockingIOError):
            while True:
                self.said.append(self._socket.recv(4096).decode())
        return self.said
