"""Can an endpoint be reached? By the rules of every attempt, and with no request."""

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from receiving import Names, endpoint, nothing, serving

from notifier.core.model import Outcome
from notifier.webhook.connections import tls
from notifier.webhook.names import Abandoned, OwnThread
from notifier.webhook.reach import reach

CERTIFICATES = Path(__file__).parent / "certificates"
HOST = "receiver.example"


@pytest.fixture
def trust():
    """What the client trusts by itself, and the test authority."""
    context = tls.__wrapped__()
    context.load_verify_locations(CERTIFICATES / "ca.pem")
    return context


def identity(name):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    return context


async def tried(url, *, names=None, within=5.0, own_port=None, trust=None, **more):
    return await reach(endpoint(url, **more), names or Names(), within=within, own_port=own_port, trust=trust)


async def test_one_that_listens_is_reached_and_nothing_is_sent():
    async with serving(nothing) as server:
        assert await tried(server.port) is None
        await server.left.wait()
    assert (server.connections, server.requests) == (1, [])


@pytest.mark.parametrize("host", [HOST, "127.0.0.1"])
async def test_hands_are_shaken_with_one_that_proves_who_it_is(trust, host):
    names = Names({HOST: ["127.0.0.1"]})
    async with serving(nothing, tls=identity("good")) as server:
        url = f"https://{host}:{server.port}/hooks"
        for believed in ({"trust": trust}, {"ca_file": str(CERTIFICATES / "ca.pem")}):
            server.left.clear()
            assert await tried(url, names=names, **believed) is None
            await server.left.wait()
    assert server.requests == []


async def test_an_address_that_proves_nothing_is_the_end_whatever_the_next_one_is(trust):
    names = Names({HOST: ["127.0.0.1", "127.0.0.1"]})
    async with serving(nothing, tls=identity("other")) as server:
        outcome, _ = await tried(f"https://{HOST}:{server.port}/", names=names, trust=trust)
    assert outcome is Outcome.TLS


@pytest.mark.parametrize(
    ("name", "why"),
    [("other", "Hostname mismatch"), ("expired", "certificate has expired"), ("self_signed", "self-signed")],
)
async def test_one_that_proves_nothing_is_told_with_the_reason(trust, name, why):
    names = Names({HOST: ["127.0.0.1"]})
    async with serving(nothing, tls=identity(name)) as server:
        outcome, note = await tried(f"https://{HOST}:{server.port}/", names=names, trust=trust)
    assert outcome is Outcome.TLS
    assert note.startswith(f"{HOST} has a certificate that is not accepted: {why}")


async def test_one_that_speaks_no_tls_is_told(trust):
    done = asyncio.Event()

    async def plain(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        done.set()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        outcome, note = await tried(f"https://127.0.0.1:{port}/", trust=trust)
        await done.wait()
    assert outcome is Outcome.TLS
    assert note.startswith("127.0.0.1 fails the TLS handshake: ")


async def test_one_that_takes_the_connection_and_says_nothing_is_left_in_time(trust):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = await tried(f"https://127.0.0.1:{port}/", trust=trust, within=0.05)
    assert found == (
        Outcome.TIMEOUT_CONNECT,
        "127.0.0.1 does not end the TLS handshake in time: does it speak TLS at this port?",
    )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def test_where_nobody_listens_is_told():
    assert await tried(free_port()) == (Outcome.CONNECT, "127.0.0.1 cannot be connected to: Connection refused")


async def test_of_several_addresses_one_that_listens_is_enough():
    async with serving(nothing) as server:
        names = Names({HOST: ["127.0.0.2", "127.0.0.1"]})
        assert await tried(f"http://{HOST}:{server.port}/", names=names) is None
        await server.left.wait()
        names = Names({HOST: ["127.0.0.2", "127.0.0.3"]})
        outcome, _ = await tried(f"http://{HOST}:{server.port}/", names=names)
        assert outcome is Outcome.CONNECT


async def test_a_name_that_nobody_knows_is_told():
    assert await tried(f"https://{HOST}/") == (
        Outcome.DNS,
        f"{HOST} cannot be resolved: Name or service not known",
    )


async def test_a_name_server_that_hangs_holds_up_neither_the_answer_nor_the_end():
    answers = asyncio.Event()

    class Hangs(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            await answers.wait()

    outcome, note = await tried(f"https://{HOST}/", names=Hangs(), within=0.05)
    assert outcome in {Outcome.DNS, Outcome.TIMEOUT_CONNECT}
    assert "in time" in note or "no answer within" in note


@pytest.mark.parametrize(
    ("url", "known", "rule"),
    [
        ("https://10.0.0.1/", {}, "private"),
        ("https://[::1]/", {}, "not public"),
        (f"https://{HOST}/", {HOST: ["127.0.0.1"]}, "loopback"),
        ("https://localhost/", {}, "single-label name"),
        ("https://127.0.0.1:6379/", {}, "loopback"),
        ("http://example.com/", {}, "http"),
        ("https://example.com:9480/", {}, "own port"),
        ("https://user@example.com/", {}, "credentials"),
    ],
)
async def test_an_address_that_no_attempt_would_go_to_is_refused_before_a_packet_leaves(url, known, rule):
    outcome, note = await tried(url, names=Names(known), allow_networks=(), allow_http=False, own_port=9480)
    assert outcome is Outcome.REFUSED_ADDRESS
    assert f"the rule: {rule}" in note


async def test_a_file_of_tls_that_cannot_be_used_is_told():
    outcome, note = await tried("https://127.0.0.1:9/", ca_file="/nowhere.pem")
    assert note.startswith("127.0.0.1 ")
    assert outcome is not None


# --- threads that nobody waits for


async def test_a_thread_that_nobody_waits_for_answers_and_fails_as_any_other():
    names = OwnThread(thread=Abandoned())
    ((found,),) = [await names.resolve("127.0.0.1", 80)]
    assert (found["host"], found["port"]) == ("127.0.0.1", 80)

    def unknown(*_):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(socket.gaierror, match="unknown"):
        await OwnThread(unknown, Abandoned()).resolve("x.example", 80)
    await names.close()
