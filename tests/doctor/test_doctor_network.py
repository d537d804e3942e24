"""Providers are greeted, endpoints connected to, all at once; the clock is held to theirs, and nobody sees a key."""

import asyncio
import socket
import ssl
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web
from receiving import nothing, serving
from things import NOW

from notifier.config import load
from notifier.demo.local import LocalServer
from notifier.doctor.findings import Grade
from notifier.doctor.network import of_clock, of_network
from notifier.webhook.connections import tls

CERTIFICATES = Path(__file__).parent.parent / "webhook" / "certificates"
KEY, TOKEN, HEADER, WORD = "xf_key-of-ours", "t0ken-in-a-url", "header-of-ours", "pass-word-of-ours"
WHSEC = "whsec_c2VjcmV0IHRoYXQgc2lnbnMgb3VyIHdlYmhvb2tz"
SECRETS = (KEY, TOKEN, HEADER, WORD, WHSEC, WHSEC[6:])


class Provider(LocalServer):
    """Answers any request with the status and the clock that a test wants."""

    def __init__(self, status=401, at=NOW):
        super().__init__()
        self.status, self.at = status, at
        self.asked = []
        self.app.router.add_route("*", "/{tail:.*}", self._answer)

    async def _answer(self, request):
        self.asked.append((request.method, request.path_qs, dict(request.headers)))
        date = {} if self.at is None else {"Date": formatdate(self.at, usegmt=True)}
        response = web.Response(status=self.status, headers=date)
        if self.at is None:
            response.headers["Date"] = "yesterday"
        return response


def config(folder, *sources, endpoints=()):
    """Settings with a source at each URL, and an endpoint at each."""
    text = '[store]\nurl = "sqlite:n.db"\n[delivery]\nallow_http = true\nallow_networks = ["127.0.0.0/8"]\n'
    for number, url in enumerate(sources):
        text += f'[[sources]]\nname = "s{number}"\nprovider = "xenonflare"\napi_key = "{KEY}"\nbase_url = "{url}"\n'
    for number, url in enumerate(endpoints):
        text += f'[[endpoints]]\nname = "e{number}"\nurl = "{url}?token={TOKEN}"\nsecrets = ["{WHSEC}"]\n'
        text += f'headers = {{ x-key = "{HEADER}" }}\nbasic = {{ user = "u", password = "{WORD}" }}\n'
    (folder / "config.toml").write_text(text)
    return load(folder / "config.toml", {})


def look_up(host, port, *_):
    """As `getaddrinfo` of a machine that knows one name."""
    if host != "receiver.example":
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


async def findings(settings, **more):
    found = await of_network(settings, lambda: NOW, **{"look_up": look_up, **more})
    assert not [secret for secret in SECRETS if secret in repr(found)]
    return {one.about: one for one in found}


async def test_a_provider_is_greeted_once_without_a_key_and_tells_the_time(tmp_path):
    async with Provider() as provider:
        found = await findings(config(tmp_path, provider.origin, provider.origin))
    assert (found["source s0, s1"].grade, found["source s0, s1"].text) == (Grade.GOOD, "127.0.0.1 answers")
    assert (found["clock"].grade, found["clock"].text) == (Grade.GOOD, "within 1 second of that of s0")
    ((method, path, headers),) = provider.asked
    assert (method, path) == ("HEAD", "/")
    assert KEY not in str(headers)
    assert "X-API-Key" not in headers


async def test_whatever_it_answers_it_is_there_but_for_trouble_of_its_own(tmp_path):
    for status, grade in ((200, Grade.GOOD), (302, Grade.GOOD), (404, Grade.GOOD), (503, Grade.DOUBT)):
        async with Provider(status) as provider:
            found = await findings(config(tmp_path, provider.origin))
        assert found["source s0"].grade is grade


async def test_a_provider_that_is_not_there_is_told_with_its_host(tmp_path):
    async with Provider() as provider:
        url = provider.origin
    found = await findings(config(tmp_path, url, "https://unknown.example/api"))
    assert found["source s0"].text == "127.0.0.1: no answer: connection refused"
    assert found["source s1"].text.startswith("unknown.example: no answer: its host cannot be resolved: ")
    assert {one.grade for one in found.values()} == {Grade.FAULT, Grade.DOUBT}
    assert found["clock"].text == "no source has told the time"


async def test_a_provider_whose_certificate_nobody_knows_is_told_with_that_cure(tmp_path):
    identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    identity.load_cert_chain(CERTIFICATES / "self_signed.pem")
    async with serving(nothing, tls=identity) as server:
        found = await findings(config(tmp_path, f"https://127.0.0.1:{server.port}"))
    assert found["source s0"].text.startswith("127.0.0.1: no answer: its certificate is not accepted: self-signed")
    assert "ca-certificates" in found["source s0"].cure


async def test_without_a_source_there_is_no_word_of_the_clock(tmp_path):
    assert await findings(config(tmp_path)) == {}


async def test_an_endpoint_is_connected_to_and_sent_nothing(tmp_path):
    trust = tls.__wrapped__()
    trust.load_verify_locations(CERTIFICATES / "ca.pem")
    identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    identity.load_cert_chain(CERTIFICATES / "good.pem")
    async with serving(nothing, tls=identity) as server:
        url = f"https://receiver.example:{server.port}/hooks"
        found = await findings(config(tmp_path, endpoints=[url]), trust=trust)
        await server.left.wait()
    assert (found["endpoint e0"].grade, found["endpoint e0"].text) == (
        Grade.GOOD,
        "receiver.example can be connected to",
    )
    assert server.requests == []


async def test_an_endpoint_that_cannot_be_sent_to_is_told_with_the_cure(tmp_path):
    urls = ["https://unknown.example/", "https://10.0.0.1/", "https://127.0.0.1:9999/"]
    found = await findings(config(tmp_path, endpoints=urls))
    cures = [found[f"endpoint e{number}"].cure for number in range(3)]
    assert [one.grade for one in found.values()] == [Grade.FAULT] * 3
    assert "name servers" in cures[0]
    assert "allow_networks" in cures[1]
    assert "firewall" in cures[2]


async def test_a_file_that_is_there_no_more_is_told(tmp_path):
    settings = config(tmp_path, endpoints=["https://127.0.0.1:9999/"])
    gone = replace(settings.endpoints[0], ca_file=str(tmp_path / "none.pem"))
    found = await findings(replace(settings, endpoints=(gone,)))
    assert found["endpoint e0"].cure == "see its url and its files"


def test_a_name_server_that_hangs_holds_up_neither_the_others_nor_the_end(tmp_path):
    """`asyncio.run` waits for the threads of its executor, which would be minutes here.

    A late answer to a question that was given up once ended its thread with a trace.
    """
    answers, before = threading.Event(), set(threading.enumerate())

    def hangs(*_):
        answers.wait()

    urls = [f"https://h{number}.example/" for number in range(20)]
    began = time.monotonic()
    found = asyncio.run(findings(config(tmp_path, *urls, endpoints=urls), look_up=hangs, within=0.2))
    assert time.monotonic() - began < 5
    assert [one.grade for one in found.values()] == [Grade.FAULT] * 40 + [Grade.DOUBT]
    assert "in time" in found["source s0"].text
    answers.set()
    for thread in set(threading.enumerate()) - before:
        thread.join()


# --- the clock


@pytest.mark.parametrize(
    ("skews", "grade", "words"),
    [
        ({"a": 0.4}, Grade.GOOD, "within 1 second of that of a"),
        ({"a": 7.0, "b": -900.0}, Grade.GOOD, "within 7 seconds of that of a"),
        ({"a": 45.0}, Grade.DOUBT, "ours is 45 s behind that of a"),
        ({"a": -45.0}, Grade.DOUBT, "ours is 45 s ahead of that of a"),
        ({"a": 400.0, "b": 301.0}, Grade.FAULT, "ours is 301 s behind that of b: receivers refuse what is signed so"),
    ],
)
def test_where_all_clocks_but_ours_agree_ours_is_wrong(skews, grade, words):
    assert (of_clock(skews).grade, of_clock(skews).text) == (grade, words)
    assert ("timedatectl" in of_clock(skews).cure) == (grade is not Grade.GOOD)


async def test_a_clock_that_is_wrong_by_an_hour_is_told(tmp_path):
    async with Provider(at=NOW + 3600) as provider:
        found = await findings(config(tmp_path, provider.origin))
    assert found["clock"].grade is Grade.FAULT
    assert "ours is 3600 s behind that of s0" in found["clock"].text


async def test_a_date_that_is_none_tells_no_time(tmp_path):
    async with Provider(at=None) as provider:
        found = await findings(config(tmp_path, provider.origin))
    assert found["clock"].grade is Grade.DOUBT
