"""What the recorded answers of a described API cannot show: origins, headers, and what is not described."""

import pytest
from aiohttp import web
from providing import AT, ID, KEY, described, discreet, source

from notifier.core.description import Auth, Description
from notifier.core.model import Answer, Look, LookKind
from notifier.demo.local import LocalServer
from notifier.providers import PROVIDERS
from notifier.providers.base import Malformed
from notifier.providers.http import open_session
from notifier.providers.http_json import PROVIDER, Client
from notifier.providers.http_json_pages import filled, next_link

GET = Look(LookKind.GET, id=ID)
PAGE = Look(LookKind.LIST, "media")
BY_LINK = {"url": "/jobs", "paging": "link"}


class Server(LocalServer):
    """Answers a list without rows and with a link, and remembers who asked for what."""

    def __init__(self, link: str = "") -> None:
        super().__init__()
        self.asked: list[tuple[str, str | None]] = []
        self._link = link
        self.app.router.add_get("/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path_qs, request.headers.get("Authorization")))
        return web.json_response([], headers={"Link": self._link.replace("ORIGIN", self.origin)})


async def ask(look: Look, server: Server, api: Description | None) -> Answer:
    async with open_session() as session:
        return await Client(session, source("http_json", f"{server.origin}/v2", api=api)).observe(look, AT)


# --- the next page by its link


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", None),
        ('<https://a.example/2>; rel="next"', "https://a.example/2"),
        ("</2>; rel=next", "/2"),
        ("</2> ; REL = Next", "/2"),
        ('</1>; rel="prev", </3>; rel="next", </9>; rel="next"', "/3"),
        ('</3>; rel="last next"', "/3"),
        ('</3>; title="a, b; rel=\\"next\\""; rel="last"', None),
        ('</3?a=1,2;b>; title="x; y, z"; rel="next"', "/3?a=1,2;b"),
        ('</3>; rel="nextish"', None),
        ("</3>", None),
        ("rel=next", None),
        ("< /3 >; rel=next", "/3"),
    ],
)
def test_the_next_page_is_the_first_link_that_says_so(header, target):
    assert next_link(header) == target


@pytest.mark.parametrize(
    ("link", "cursor"),
    [("ORIGIN/v2/jobs?p=2", "/v2/jobs?p=2"), ("jobs?p=2", "/v2/jobs?p=2"), ("//HOST/x y?q=ü", "/x%20y?q=%C3%BC")],
)
async def test_a_link_within_the_origin_is_followed(link, cursor):
    async with Server() as server:
        server._link = f'<{link.replace("HOST", server.origin.removeprefix("http://"))}>; rel="next"'
        answer = await ask(PAGE, server, described(list=BY_LINK))
        assert (answer.more, answer.cursor) == (True, cursor)
        server._link = ""
        await ask(Look(LookKind.LIST, "media", 2, cursor), server, described(list=BY_LINK))
        assert server.asked == [("/v2/jobs", f"Bearer {KEY}"), (cursor, f"Bearer {KEY}")]


@pytest.mark.parametrize(
    "link",
    [
        "https://127.0.0.1:PORT/",
        "http://localhost:PORT/",
        "http://127.0.0.1/",
        "//127.0.0.1.evil.example/",
        "mailto:a@b",
    ],
)
async def test_a_link_to_another_origin_is_a_fault_and_not_followed(link):
    async with Server() as server:
        server._link = f'<{link.replace("PORT", server.origin.rpartition(":")[2])}>; rel="next"'
        with pytest.raises(Malformed, match="the link to the next page") as caught:
            await ask(PAGE, server, described(list=BY_LINK))
        assert "evil" not in str(discreet(caught.value))
        assert len(server.asked) == 1


# --- templates


@pytest.mark.parametrize(
    ("template", "value", "path"),
    [
        ("/jobs/{x}", "a/b", "/jobs/a%2Fb"),
        ("/jobs?x={x}&y={x}", "1", "/jobs?x=1&y=1"),
        ("/jobs?x={x}", "", "/jobs?x="),
        ("/jobs?x={x}&y=2", None, "/jobs?y=2"),
        ("/jobs?x={x}", None, "/jobs"),
        ("/jobs/{x}?y=2", None, "/jobs/?y=2"),
        ("/jobs/{x}", "{x}", "/jobs/%7Bx%7D"),
    ],
)
def test_a_template_is_filled_and_what_has_no_value_is_left_out(template, value, path):
    assert filled(template, "x", value) == path


# --- the credential


async def test_the_secret_stands_where_the_description_says(caplog):
    api = described(list={"url": "/jobs"}, auth={"header": "X-Key", "value": "k={secret}", "secret": "stand-in"})
    async with Server() as server, open_session() as session:
        client = Client(session, source("http_json", server.origin, api=api))
        assert client._api.headers == {"X-Key": f"k={KEY}"}
        assert KEY not in repr(client._api)
        await client.observe(PAGE, AT)
    assert KEY not in caplog.text


async def test_without_auth_nothing_is_sent():
    async with Server() as server:
        assert await ask(PAGE, server, described(list={"url": "/jobs"}, auth=None)) == Answer()
        assert server.asked == [("/v2/jobs", None)]


# --- what is not described


@pytest.mark.parametrize(
    ("look", "api"),
    [
        (GET, described(single=None)),
        (PAGE, described(list=None)),
        (Look(LookKind.BATCH, ids=(ID,)), described()),
        (GET, None),
        (PAGE, None),
    ],
)
async def test_what_is_not_described_is_not_asked(look, api):
    async with Server() as server:
        with pytest.raises(Malformed, match="the config describes no"):
            await ask(look, server, api)
        assert server.asked == []


@pytest.mark.parametrize(
    ("api", "single", "listings"),
    [
        (described(), True, [("media", 30, 300, 21600)]),
        (described(single=None), False, [("media", 30, 300, 3600)]),
        (described(list=None), True, []),
        (Description(auth=Auth("X-Key", "{secret}")), False, []),
        (None, False, []),
    ],
)
def test_what_can_be_asked_is_what_is_described(api, single, listings):
    fitted = PROVIDERS["http_json"].of(source("http_json", "https://api.example.com", api=api))
    assert fitted.single is single
    assert [(one.collection, one.active, one.idle, one.through) for one in fitted.listings] == listings
    assert (fitted.name, fitted.budget, fitted.limit) == (PROVIDER.name, PROVIDER.budget, PROVIDER.limit)


def test_other_providers_are_the_same_for_every_source():
    fitted = PROVIDERS["xenonflare"].of(source("xenonflare", "https://api.example.com"))
    assert fitted is PROVIDERS["xenonflare"]
