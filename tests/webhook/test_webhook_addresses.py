"""Whom we do not connect to. No test leaves this machine: names are told by a fake, refusals come before a packet."""

import asyncio
import socket
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from receiving import OK, Names, answer, receiver, reset, serving

from notifier.core.model import Outcome
from notifier.webhook import Limits
from notifier.webhook.guard import MOST_ADDRESSES, CheckingResolver, RefusedAddress, checked_socket, checked_url
from notifier.webhook.names import OwnThread

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
    ],
)
async def test_an_address_that_is_not_public_is_refused_before_a_packet_leaves(host, rule, shown):
    names = Names()
    async with serving(answer(OK)) as server:
        found = await attempt(f"http://{host}:{server.port}/", names, **NOBODY)
        assert server.connections == 0
    assert (found.outcome, found.note) == refused(rule, shown)
    assert names.asked == []


async def test_a_name_that_means_an_inner_address_is_refused():
    names = Names({"127.0.0.1.example": ["127.0.0.1"]})
    async with serving(answer(OK)) as server:
        found = await attempt(f"http://127.0.0.1.example:{server.port}/", names, **NOBODY)
        assert server.connections == 0
    assert (found.outcome, found.note) == refused("loopback", "127.0.0.1.example")


async def test_the_systems_own_resolver_reads_0x7f_1_and_the_guard_refuses_it():
    own = OwnThread()
    with pytest.raises(RefusedAddress, match="loopback"):
        await CheckingResolver(own, (), 60.0).resolve("0x7f.1", 9000)
    await own.close()


RANGES = {
    "this network": ["0.0.0.0/8"],
    "private": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
    "shared": ["100.64.0.0/10"],
    "loopback": ["127.0.0.0/8"],
    "cloud host": ["168.63.129.16/32"],
    "link-local": ["169.254.0.0/16"],
    "protocol assignments": ["192.0.0.0/24", "2001::/23"],
    "documentation": ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"],
    "6to4 relay": ["192.88.99.0/24"],
    "benchmarking": ["198.18.0.0/15"],
    "multicast": ["224.0.0.0/4"],
    "reserved": ["240.0.0.0/4"],
    "6to4": ["2002::/16"],
    "AS112": ["2620:4f:8000::/48"],
    "not public": ["::/3", "4000::/2", "8000::/1", "64:ff9b::/96", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"],
}
FORBIDDEN = [(rule, ip_network(text)) for rule, texts in RANGES.items() for text in texts]


@pytest.mark.parametrize(
    ("rule", "address"),
    [(rule, network[place]) for rule, network in FORBIDDEN for place in (0, -1)],
)
async def test_no_range_is_connected_to_from_its_first_address_to_its_last(rule, address):
    literals = [f"[{address}]"] if address.version == 6 else [str(address), f"[::ffff:{address}]"]
    for literal in literals:
        found = await attempt(f"http://{literal}:9000/", **NOBODY)
        assert found.outcome is Outcome.REFUSED_ADDRESS
        assert f" is refused by the rule: {rule}; " in found.note
        assert found.rule == rule
        assert list(found.phases) == ["dns"]  # no connection was begun
    named = await attempt("http://receiver.example:9000/", Names({"receiver.example": [str(address)]}), **NOBODY)
    assert (named.outcome, named.note) == refused(rule, "receiver.example")
    assert named.rule == rule


@pytest.mark.parametrize(
    "address",
    [network[place] + step for _, network in FORBIDDEN for place, step in ((0, -1), (-1, 1))
     if 0 <= int(network[place]) + step < 2**network.max_prefixlen],
)  # fmt: skip
def test_beside_a_range_there_is_a_socket_for_what_is_public_and_for_nothing_else(address):
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    found = (family, socket.SOCK_STREAM, 0, "", (str(address), 443))
    if any(address in network for _, network in FORBIDDEN if network.version == address.version):
        with pytest.raises(RefusedAddress):
            checked_socket(found, ())
    else:
        with checked_socket(found, ()) as made:  # nothing is connected to
            assert made.family == family


# --- the text of the URL

TRICKS = {
    "scheme": [
        "ftp://{}/", "file:///etc/passwd", "gopher://{}/_x", "unix:/run/app.sock", "http+unix://run/", "ws://{}/",
        "//{}/", "{}", "javascript:x", "", "httpx://{}/",
    ],
    "credentials in the URL": [
        "http://someone@{}/", "http://someone:hidden-word@{}/", "http://:hidden-word@{}/", "http://@{}/",
        "http://receiver.example@{}/", "http://{}@receiver.example/", "http://a@b@{}/", "http://{}:80@receiver.example/",
    ],
    "backslash": ["http://receiver.example\\@{}/", "http:\\\\{}/", "http://{}\\.receiver.example/", "\\\\{}/"],
    "fragment": ["http://receiver.example#@{}/", "http://{}#.receiver.example/", "http://{}/#", "http://{}/?x#y"],
    "empty query": ["http://{}/?", "http://{}/hook?", "http://{}?"],
    "blank or control character": [
        "http://{}/\t", "http://{}\n/", "http://{}\r\nX-A: b/", "http://{}/\0", " http://{}/", "http://{} /", "ht\ttp://{}/",
        "http://{}/\x7f", "http://{}/\u202e", "http://{}/\u2028", "http://\u200b{}/",
    ],
    "percent sign in the host": ["http://%31%32%37.0.0.1/", "http://{}%2f.receiver.example/", "http://[::1%25lo]/", "http://{}%00/"],
    "host beyond ASCII": [
        "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/",
        "http://127\uff0e0\uff0e0\uff0e1/", "http://\uff11\uff12\uff17.0.0.1/", "http://\uff4cocalhost/",
        "http://{}:\uff18\uff10/", "http://receiver.exämple/",
    ],
    "number for a host": [
        "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0177.0.0.1/", "http://017700000001/", "http://0/",
        "http://127.0.0.1./", "http://0x7f000001/", "http://0x7f.1/", "http://0X7F.0.0.1/", "http://0x7f.0x1/", "http://1.2.3.4.5/",
        "http://256.0.0.1/", "http://169.254.169.254./", "http://receiver.1/", "http://receiver.0x/", "http://0x/",
    ],
    "not a name": ["http://..{}/", "http://.example/", "http://a..example/", "http://example../", "http://./"],
    "no host": ["http:///hook", "http://:80/", "http:", "http://?x", "https:{}"],
    "unreadable host": ["http://a;b/", "http://[v1.a]/", "http://[:::1]/", "http://a,b/", "http://[::1]a/", "http://127.0.0.1'/",
        "http://[", "http://[::1", "http://::1]/",
    ],
    "unreadable port": ["http://{}:b/", "http://{}:-1/", "http://{}:65536/", "http://{}:80:80/", "http://{}:+80/", "http://{}:0x50/"],
    "length": ["http://{}/" + "a" * 2048],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "url"), [(rule, url) for rule, urls in TRICKS.items() for url in urls])
async def test_a_url_with_a_trick_in_it_is_refused_by_the_name_of_its_rule(rule, url):
    names = Names({"receiver.example": ["127.0.0.1"]})
    async with serving(answer(OK)) as server:
        found = await attempt(
            url.replace("{}", f"127.0.0.1:{server.port}" if ":" not in url[6:] else "127.0.0.1"), names
        )
        assert server.connections == 0
    assert names.asked == []
    assert found.outcome is Outcome.REFUSED_ADDRESS
    assert f" is refused by the rule: {rule}; " in found.note
    assert found.rule == rule
    assert found.note.isprintable()
    assert "hidden-word" not in found.note


@pytest.mark.parametrize(
    "url",
    ["HTTP://127.0.0.1:{}/", "http://127.0.0.1:{}", "http://127.0.0.1:{}?a=%0d%0a", "http://127.0.0.1:{}/%2e%2e/ü"],
)
async def test_a_url_that_is_merely_unusual_is_sent_to(url):
    async with serving(answer(OK)) as server:
        assert (await attempt(url.format(server.port))).outcome is Outcome.DELIVERED
        assert server.connections == 1


@given(st.text("a1.:/@[]?-_x0", max_size=20))
@example("1.1.1.1")
@example("[2606:4700::1111]:8443/x")
@example("-:0")
def test_what_two_parsers_could_read_in_two_ways_is_refused(rest):
    url = f"http://{rest}"
    try:
        read = checked_url(url, allow_http=True)
    except RefusedAddress:
        return
    parts = urlsplit(url)
    assert (read.host, read.port) == (parts.hostname, parts.port or 80)
    assert (read.user, read.password, read.fragment) == (None, None, "")


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
    assert (good.outcome, good.rule) == (Outcome.DELIVERED, None)
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


async def test_a_name_is_judged_again_where_a_request_is_repeated():
    names = Names({"receiver.example": ["127.0.0.1"]})

    async def act(server, writer):
        if len(server.requests) == 1:
            return await answer(OK)(server, writer)
        names.known["receiver.example"] = ["127.0.0.1", "10.0.0.1"]
        return await reset(server, writer)

    async with serving(act) as server, receiver(f"http://receiver.example:{server.port}/", names=names) as one:
        assert (await one.post("evt_1", b"{}")).outcome is Outcome.DELIVERED
        found = await one.post("evt_2", b"{}")
        assert (found.outcome, found.note) == refused("private", "receiver.example")
        assert len(server.requests) == 2


async def test_of_a_thousand_addresses_a_few_are_tried():
    names = Names({"receiver.example": [f"127.0.{high}.{low}" for high in range(4) for low in range(1, 251)]})
    found = await CheckingResolver(names, (ip_network("127.0.0.0/8"),), 60.0).resolve("receiver.example", 9000)
    assert [one["host"] for one in found] == [f"127.0.0.{low}" for low in range(1, MOST_ADDRESSES + 1)]


async def test_addresses_of_version_6_alone_are_addresses():
    names = Names({"receiver.example": ["2606:4700::1111"]})
    found = await CheckingResolver(names, (), 60.0).resolve("receiver.example", 443)
    assert [one["host"] for one in found] == ["2606:4700::1111"]


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


async def test_we_do_not_send_to_ourselves_at_any_address():
    names = Names({"receiver.example": ["127.0.0.1"]})
    async with serving(answer(OK)) as server:
        for host in ("127.0.0.1", "receiver.example"):
            url = f"http://{host}:{server.port}/"
            async with receiver(url, names=names, own_port=server.port) as one:
                found = await one.post("evt_1", b"{}")
            assert found.outcome is Outcome.REFUSED_ADDRESS
            assert found.note.startswith(
                f"{host} is refused by the rule: own port; it is where notifier itself listens"
            )
        assert server.connections == 0


def test_the_port_that_is_not_written_may_be_ours_too():
    with pytest.raises(RefusedAddress, match="own port"):
        checked_url("https://receiver.example/", allow_http=False, own_port=443)
    assert checked_url("https://receiver.example/", allow_http=False, own_port=80).port == 443
