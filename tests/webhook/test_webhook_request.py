"""What is sent: these headers and no others, these bytes, signed."""

import json
import time

import pytest
from receiving import KEY, OK, Clock, Names, answer, receiver, serving
from standardwebhooks import Webhook, WebhookVerificationError
from things import NOW

from notifier import __version__
from notifier.core.model import Basic, Outcome
from notifier.core.secret import Secret

OTHER_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAIR = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
BODY = '{"id":"evt_1","data":{"title":"Ü\u2028🙂"}}'.encode()


async def sent(body=BODY, **given):
    """The request that arrives, and where it was sent."""
    async with serving(answer(OK)) as server, receiver(server.port, **given) as one:
        attempt = await one.post("evt_1", body)
        assert attempt.outcome is Outcome.DELIVERED
        (request,) = server.requests
        return request, server.port


async def test_the_headers_are_those_of_the_contract_each_once_and_lower_case():
    request, port = await sent(clock=lambda: NOW + 0.9)
    assert request.line == "POST /hook HTTP/1.1"
    signature = dict(request.headers)["webhook-signature"]
    assert request.headers == [
        ("host", f"127.0.0.1:{port}"),
        ("content-type", "application/json"),
        ("user-agent", f"notifier/{__version__}"),
        ("accept-encoding", "identity"),
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", f"{NOW:.0f}"),
        ("webhook-signature", signature),
        ("content-length", str(len(BODY))),
    ]
    assert request.body == BODY


async def test_the_endpoints_own_headers_go_along_lower_case():
    request, _ = await sent(more={"headers": {"X-Env": "prod", "Authorization": "Bearer abc"}})
    names = [name for name, _ in request.headers]
    assert dict(request.headers)["x-env"] == "prod"
    assert dict(request.headers)["authorization"] == "Bearer abc"
    assert names == [name.lower() for name in names]
    assert len(names) == len(set(names)) == 10


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"bearer": Secret("abc.def-1")}, "Bearer abc.def-1"),
        ({"basic": Basic("us er", Secret("pä:ss"))}, "Basic dXMgZXI6cMOkOnNz"),
    ],
)
async def test_credentials_go_along_in_the_header_for_them(more, value):
    request, _ = await sent(more=more)
    assert [one for one in request.headers if one[0].lower() == "authorization"] == [("authorization", value)]


@pytest.mark.parametrize(
    ("more", "hidden"),
    [
        ({"bearer": Secret("abc.def-1")}, ["abc.def-1", "Bearer abc.def-1"]),
        ({"basic": Basic("user", Secret("pässword"))}, ["pässword", "dXNlcjpww6Rzc3dvcmQ="]),
        ({"secrets": (Secret(PAIR),)}, [PAIR, PAIR.removeprefix("whsk_")]),
    ],
)
async def test_credentials_are_in_no_excerpt_repr_or_note(more, hidden):
    echo = " | ".join(hidden).encode()
    response = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n%s" % (len(echo), echo)
    async with serving(answer(response)) as server, receiver(server.port, more=more) as one:
        attempt = await one.post("evt_1", BODY)
    assert attempt.excerpt.replace("***", "").replace("Bearer", "").strip("| ") == ""
    for secret in hidden:
        assert secret not in repr(attempt) + repr(one.endpoint)


async def test_a_token_in_the_url_is_in_no_excerpt():
    echo = b"Cannot POST /hooks/T0KEN-0123456789?token=s3cr3t-s3cr3t"
    response = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(echo), echo)
    async with serving(answer(response)) as server:
        url = f"http://127.0.0.1:{server.port}/hooks/T0KEN-0123456789?token=s3cr3t-s3cr3t"
        async with receiver(url) as one:
            attempt = await one.post("evt_1", BODY)
    assert attempt.excerpt == "Cannot POST /hooks/***?***"


async def test_a_url_that_is_none_hides_nothing_and_is_told_by_the_attempt():
    async with receiver("http://[") as one:
        assert (await one.post("evt_1", BODY)).outcome is Outcome.REFUSED_ADDRESS


async def test_headers_of_the_delivery_itself_go_along_and_take_the_place_of_ours_but_for_the_signature():
    extra = {"content-type": "text/x", "notifier-replay": "true", "webhook-id": "evt_2", "content-length": "1"}
    async with serving(answer(OK)) as server, receiver(server.port) as one:
        await one.post("evt_1", BODY, extra)
        (request,) = server.requests
    found = dict(request.headers)
    assert (found["content-type"], found["notifier-replay"]) == ("text/x", "true")
    assert (found["webhook-id"], found["content-length"]) == ("evt_1", str(len(BODY)))
    assert len(request.headers) == len(found) == 9


async def test_every_secret_signs_and_standard_webhooks_verifies():
    request, _ = await sent(more={"secrets": (Secret(KEY), Secret(OTHER_KEY))})
    for key in (KEY, OTHER_KEY):
        assert Webhook(key).verify(request.body, dict(request.headers)) == json.loads(BODY)


@pytest.mark.parametrize(("late", "verifies"), [(-1, [True, True]), (0, [True, True]), (0.5, [False, True])])
async def test_a_secret_signs_until_its_end_by_our_clock(late, verifies):
    end = time.time()
    request, _ = await sent(more={"secrets": (Secret(KEY, end), Secret(OTHER_KEY))}, clock=lambda: end + late)
    found = []
    for key in (KEY, OTHER_KEY):
        try:
            found.append(bool(Webhook(key).verify(request.body, dict(request.headers))))
        except WebhookVerificationError:
            found.append(False)
    assert found == verifies


async def test_nothing_goes_out_unsigned_when_every_secret_has_ended():
    ended = (Secret(KEY, NOW), Secret(OTHER_KEY, NOW - 1))
    now = [NOW]
    async with (
        serving(answer(OK)) as server,
        receiver(server.port, more={"secrets": ended}, clock=lambda: now[0]) as one,
    ):
        assert (await one.post("evt_1", BODY)).outcome is Outcome.DELIVERED
        now[0] = NOW + 1
        attempt = await one.post("evt_2", BODY)
    assert (attempt.outcome, attempt.status) == (Outcome.LOCAL, None)
    assert attempt.note == "127.0.0.1 was sent nothing: every secret of endpoint app has ended; add another"
    assert len(server.requests) == server.connections == 1


async def test_a_host_is_named_without_the_port_where_it_is_the_usual_one():
    async with receiver("http://receiver.example/hook") as one:
        assert one._current().session.headers["host"] == "receiver.example"


async def test_nothing_that_a_receiver_sets_comes_back_to_it():
    cookies = OK.replace(b"\r\n\r\n", b'\r\nSet-Cookie: a=b\r\nAlt-Svc: h2=":1"\r\n\r\n')
    names = Names({"receiver.example": ["127.0.0.1"]})
    async with serving(answer(cookies)) as server:
        async with receiver(f"http://receiver.example:{server.port}/", names=names) as one:
            for _ in range(2):
                await one.post("evt_1", BODY)
        first, second = server.requests
    assert [name for name, _ in first.headers] == [name for name, _ in second.headers]


async def test_the_environment_has_no_say(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    netrc.chmod(0o600)
    async with serving(answer(OK)) as proxy, serving(answer(OK)) as server, receiver(server.port) as one:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NETRC", str(netrc))
        await one.post("evt_1", BODY)
        assert (proxy.connections, server.connections) == (0, 1)
        assert "authorization" not in dict(server.requests[0].headers)


async def test_an_attempt_is_timed_by_the_clocks_it_is_given():
    clock = Clock(100.0)

    async def act(server, writer):
        clock.now += 7.25
        await answer(OK)(server, writer)

    async with serving(act) as server, receiver(server.port, clock=lambda: NOW, monotonic=clock) as one:
        attempt = await one.post("evt_1", BODY)
    assert (attempt.started_at, attempt.duration) == (NOW, 7.25)
    assert attempt.phases == {"dns": 0.0, "connect": 0.0, "first_byte": 7.25}
