"""Whom we do not connect to. No test leaves this machine: names are told by a fake, refusals come before a packet."""

import asyncio
import socket
from ipaddress import ip_network

import pytest
from receiving import OK, Names, answer, endpoint, receiver, serving

from notifier.core.model import Outcome
from notifier.webhook import Limits, Receiver
from notifier.webhook.guard import RefusedAddress, checked_socket

NOBODY = {"allow_networks": ()}
PUBLIC = "93.184.215.14"
"""An address that may be had; nothing here connects to it."""


async def attempt(url, names=None, **more):
    async with receiver(url, names=names or Names(), more=more) as one:
        return await one.post("evt_1", b"{}")


def refused(rule, host):
    cure = "only public addresses are sent to unless the endpoint's allow_networks has them"
    return Outcome.REFUSED_ADDRESS, f"{host} is refused by the rule: {rule}; {cure}"


# --- addresses in the URL itself


@pytest.mark.parametrize(
    ("host", "rule", "shown"),
    [
        ("127.0.0.1", "loopback", "127.0.0.1"),
        ("0.0.0.0", "this network", "0.0.0.0"),
        ("169.254.169.254", "link-local", "169.254.169.254"),
        ("10.1.2.3", "private", "10.1.2.3"),
        ("[::1]", "not public", "::1"),
        ("[::]", "not public", "::"),
        ("[::ffff:127.0.0.1]", "loopback", "::ffff:7f00:1"),
        ("[::ffff:7f00:1]", "loopback", "::ffff:7f00:1"),
        ("[64:ff9b::7f00:1]", "not public", "64:ff9b::7f00:1"),
        ("[2002:7f00:1::]", "6to4", "2002:7f00:1::"),
        ("[fd00:ec2::254]", "not public", "fd00:ec2::254"),
        ("①②⑦.⓪.⓪.①", "loopback", "127.0.0.1"),
        ("127。0。0。1", "loopback", "127.0.0.1"),
    ],
)
async def test_an_address_that_is_not_public_is_refused_before_a_packet_leaves(host, rule, shown):
    names = Names()
    async with serving(answer(OK)) as server:
        found = await attempt(f"http://{host}:{server.port}/", names, **NOBODY)
        assert server.connections == 0
    assert (found.outcome, found.note) == refused(rule, shown)
    assert names.asked == []


@pytest.mark.parametrize("host", ["0x7f.1", "0x7f.0.0.1", "127.0.0.1.example"])
async def test_a_name_that_means_an_inner_address_is_refused_however_it_is_spelt(host):
    names = Names({host: ["127.0.0.1"]})
    async with serving(answer(OK)) as server:
        found = await attempt(f"http://{host}:{server.port}/", names, **NOBODY)
        assert server.connections == 0
    assert (found.outcome, found.note) == refused("loopback", host)


async def test_the_systems_own_resolver_reads_0x7f_1_and_the_guard_refuses_it():
    one = Receiver(endpoint("http://0x7f.1:9000/", **NOBODY))
    found = await one.post("evt_1", b"{}")
    await one.close()
    assert (found.outcome, found.note) == refused("loopback", "0x7f.1")


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0177.0.0.1", "127.0.0.1."])
async def test_half_an_address_is_none(host):
    async with serving(answer(OK)) as server:
        found = await attempt(f"http://{host}:{server.port}/", Names({host: ["127.0.0.1"]}), **NOBODY)
        assert server.connections == 0
    assert found.outcome in {Outcome.PROTOCOL, Outcome.REFUSED_ADDRESS}


async def test_a_zone_is_refused():
    assert (await attempt("http://[fe80::1%25lo]:9000/")).outcome is Outcome.REFUSED_ADDRESS


# --- names


@pytest.mark.parametrize(
    ("host", "rule"),
    [
        ("localhost", "single-label name"),
        ("LOCALHOST.", "single-label name"),
        ("metadata", "single-label name"),
        ("a.localhost", "local name"),
        ("printer.local", "local name"),
        ("metadata.google.internal", "local name"),
        ("metadata.google.internal.", "local name"),
    ],
)
async def test_a_local_name_is_not_even_asked_for(host, rule):
    names = Names({host: [PUBLIC]})
    found = await attempt(f"http://{host}/", names, **NOBODY)
    assert (found.outcome, names.asked) == (Outcome.REFUSED_ADDRESS, [])
    assert f"is refused by the rule: {rule}; " in found.note


@pytest.mark.parametrize(
    "answers",
    [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC] * 999 + ["::1"], ["::ffff:10.0.0.1"], ["nonsense"]],
    ids=["good first", "bad first", "bad last of a thousand", "mapped", "no address"],
)
async def test_a_name_with_one_refused_address_is_refused_whole(answers):
    found = await attempt("http://receiver.example/", Names({"receiver.example": answers}), **NOBODY)
    assert found.outcome is Outcome.REFUSED_ADDRESS
    assert found.note.startswith("receiver.example is refused by the rule: ")
    assert not any(address in found.note for address in answers)


async def test_an_allowed_network_is_allowed_and_no_other():
    async with serving(answer(OK)) as server:
        url = f"http://receiver.example:{server.port}/"
        good = await attempt(url, Names({"receiver.example": ["127.0.0.1"]}))
        mixed = await attempt(url, Names({"receiver.example": ["127.0.0.1", "10.0.0.1"]}))
        assert server.connections == 1
    assert good.outcome is Outcome.DELIVERED
    assert (mixed.outcome, mixed.note) == refused("private", "receiver.example")


async def test_where_a_network_is_allowed_a_local_name_may_be_asked_for():
    async with serving(answer(OK)) as server:
        found = await attempt(f"http://sidecar:{server.port}/", Names({"sidecar": ["127.0.0.1"]}))
    assert found.outcome is Outcome.DELIVERED


async def test_a_mapped_address_is_judged_as_the_address_it_maps():
    allowed = (ip_network("127.0.0.0/8"),)
    found = (socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::ffff:127.0.0.1", 9000, 0, 0))
    with checked_socket(found, allowed) as made:
        assert made.family == socket.AF_INET6
    with pytest.raises(RefusedAddress, match="loopback"):
        checked_socket(found, ())


async def test_the_second_address_is_tried_where_the_first_refuses():
    names = Names({"receiver.example": ["127.0.0.2", "127.0.0.1"]})
    async with serving(answer(OK)) as server:
        found = await attempt(f"http://receiver.example:{server.port}/", names)
    assert found.outcome is Outcome.DELIVERED


async def test_where_no_address_can_be_had_none_of_them_is_told():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        names = Names({"receiver.example": ["127.0.0.1", "127.0.0.2"]})
        found = await attempt(f"http://receiver.example:{nobody.getsockname()[1]}/", names)
    assert found.outcome is Outcome.CONNECT
    assert "127.0" not in found.note


async def test_a_name_that_moves_inside_between_two_looks_is_refused_at_the_second():
    names = Names({"receiver.example": ["127.0.0.1"]})
    clock = iter(range(0, 1000, 61))
    async with (
        serving(answer(OK)) as server,
        receiver(f"http://receiver.example:{server.port}/", names=names, monotonic=lambda: next(clock)) as one,
    ):
        assert (await one.post("evt_1", b"{}")).outcome is Outcome.DELIVERED
        names.known["receiver.example"] = ["169.254.169.254"]
        assert (await one.post("evt_2", b"{}")).outcome is Outcome.REFUSED_ADDRESS
        assert len(server.requests) == 1


# --- what a name cannot be resolved for


async def test_a_name_that_nobody_knows_is_told():
    found = await attempt("http://receiver.example/")
    assert found.outcome is Outcome.DNS
    assert found.note == "receiver.example cannot be resolved: Name or service not known"


async def test_a_name_without_an_address_is_told():
    found = await attempt("http://receiver.example/", Names({"receiver.example": []}))
    assert (found.outcome, found.note) == (Outcome.DNS, "receiver.example cannot be resolved: it has no address")


async def test_a_resolver_that_rests_is_given_up():
    class Resting(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            await asyncio.Event().wait()

    async with receiver("http://receiver.example/", names=Resting(), limits=Limits(resolve=0.01)) as one:
        found = await one.post("evt_1", b"{}")
    assert (found.outcome, found.note) == (Outcome.DNS, "receiver.example cannot be resolved: no answer within 0.01 s")


async def test_where_a_name_takes_all_the_time_there_is_none_left():
    class Resting(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            await asyncio.Event().wait()

    found = await attempt("http://receiver.example/", Resting(), timeout=0.05)
    assert (found.outcome, found.note) == (Outcome.TIMEOUT_TOTAL, "receiver.example cannot be resolved in time")
    assert list(found.phases) == ["dns"]


async def test_a_name_that_is_none_is_told():
    class Strict(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            host.encode("ascii")
            raise UnicodeError("label too long")

    found = await attempt("http://receiver.example/", Strict())
    assert (found.outcome, found.note) == (Outcome.DNS, "receiver.example cannot be resolved: not a host name")


# --- the rest of the URL


@pytest.mark.parametrize("port", [22, 25, 2375, 3306, 5432, 6379, 11211, 1023])
async def test_a_port_that_is_no_receivers_is_refused_at_any_address(port):
    for url in (f"http://127.0.0.1:{port}/", f"http://receiver.example:{port}/"):
        found = await attempt(url, Names({"receiver.example": ["127.0.0.1", "127.0.0.2"]}))
        assert found.outcome is Outcome.REFUSED_ADDRESS
        assert found.note.endswith("port; use 443, 80 or one from 1024 on that no database listens on")


async def test_http_is_refused_where_it_is_not_allowed():
    found = await attempt("http://receiver.example/", allow_http=False)
    assert found.outcome is Outcome.REFUSED_ADDRESS
    assert found.note == ("receiver.example is refused by the rule: http; use https, or set the endpoint's allow_http")


@pytest.mark.parametrize("userinfo", ["someone", "someone:hidden-word", ":hidden-word"])
async def test_credentials_in_a_url_are_refused_and_not_told(userinfo):
    found = await attempt(f"http://{userinfo}@127.0.0.1:9000/")
    assert found.outcome is Outcome.REFUSED_ADDRESS
    assert found.note == (
        "127.0.0.1 is refused by the rule: credentials in the URL; put them into the endpoint's headers"
    )
