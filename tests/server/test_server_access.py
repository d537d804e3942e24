"""Over TCP: for whom a request was meant, which page has sent it, whether it bears the token."""

import logging
from base64 import b64encode

import pytest
from asking import BEARER, TOKEN, served

from notifier.server.access import MOST_ADDRESSES, QUIET, Seldom

BASIC = {"Authorization": "Basic " + b64encode(f"somebody:{TOKEN}".encode()).decode()}
PATH = "/v1/endpoints"


@pytest.fixture
async def stranger(tmp_path):
    async with served(tmp_path) as (_, _, stranger):
        yield stranger


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"Host": "evil.example"}, {"Origin": "null"}, {"Authorization": "Bearer x"}])
async def test_health_is_told_whatever_else_is_said(stranger, method, headers):
    assert (await stranger.ask(method, "/healthz", headers)).status == 200
    assert (await stranger.ask(method, "/readyz", headers)).status == 200


@pytest.mark.parametrize("path", [PATH, "/metrics", "/nowhere", "/healthz/../metrics"])
async def test_nothing_else_is_not_even_whether_it_is_there(stranger, path):
    assert (await stranger.get(path)).status == 401
    assert (await stranger.post("/healthz")).status == 401


# --- the host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9480", "127.8.9.1", "localhost:1", "LOCALHOST", "[::1]:9480"])
async def test_a_name_of_this_machine_is_ours(stranger, host):
    assert (await stranger.ask("GET", PATH, {**BASIC, "Host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:127.0.0.1", "[::1",
     "2130706433", "127.0.0.1@evil.example", "0.0.0.0", "[::ffff:8.8.8.8]"],
)  # fmt: skip
async def test_a_page_that_rebinds_its_name_is_no_page_of_ours(stranger, host):
    said = await stranger.ask("GET", PATH, {**BASIC, "Host": host})
    assert said.status == 421
    assert said.detail == "this is no name of the daemon: ask for 127.0.0.1, or give the token as Bearer"


async def test_who_bears_the_token_may_call_us_as_they_like(stranger):
    assert (await stranger.ask("GET", PATH, {**BEARER, "Host": "notifier.internal"})).status == 200
    assert (await stranger.ask("GET", PATH, {"Authorization": "Bearer x", "Host": "notifier.internal"})).status == 421


# --- the page

POST = ("POST", "/healthz")
"""Of which the guard, or after it the table, says what it thinks."""


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none", "Origin": "null"},
     {"Origin": "http://127.0.0.1:9480"}, {"Origin": "http://localhost"}],
)  # fmt: skip
async def test_what_our_own_page_or_no_page_has_sent_may_change_things(stranger, headers):
    assert (await stranger.ask(*POST, {**BASIC, **headers})).status == 405


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": ""}, {"Origin": "null"},
     {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"}, {"Origin": "https://evil.example"}, {"Origin": ""},
     {"Origin": "http://[::1"}],
)  # fmt: skip
@pytest.mark.parametrize("credentials", [BASIC, BEARER])
async def test_a_page_of_another_site_may_not_even_with_the_browsers_password(stranger, credentials, headers):
    said = await stranger.ask(*POST, {**credentials, **headers})
    assert (said.status, said.detail) == (403, "this was sent by a page of another site")


async def test_no_page_is_told_that_it_may_read_us(stranger):
    said = await stranger.ask(
        "OPTIONS", PATH, {**BASIC, "Origin": "http://127.0.0.1", "Access-Control-Request-Method": "GET"}
    )
    assert said.status == 405
    assert not [name for name in said.headers if name.lower().startswith("access-control")]


# --- the token


async def test_a_token_in_the_url_is_none(stranger):
    assert (await stranger.ask("GET", f"{PATH}?token={TOKEN}")).status == 401


async def test_without_a_token_in_the_config_nobody_is_let_in(tmp_path):
    async with served(tmp_path, token=None) as (_, _, stranger):
        for path in (PATH, "/metrics", "/nowhere"):
            said = await stranger.ask("GET", path, BEARER | {"Host": "127.0.0.1"})
            assert said.status == 403
            assert said.detail == "nobody may ask for this as long as the config has no server.token: set one"


async def test_who_has_no_token_is_logged_once_a_minute_and_without_what_was_given(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    async with served(tmp_path) as (w, _, stranger):
        for _ in range(3):
            await stranger.ask("GET", PATH, {"Authorization": "Bearer a-wrong-one"})
        (refused,) = [record for record in caplog.records if record.name.startswith("notifier")]
        assert refused.getMessage() == "refused"
        assert refused.fields == {"peer": "127.0.0.1", "path": PATH}
        w.clock.now += QUIET
        await stranger.ask("GET", PATH, {"Authorization": "Bearer a-wrong-one"})
        assert [record.getMessage() for record in caplog.records].count("refused") == 2
    assert "a-wrong-one" not in caplog.text


def test_of_many_addresses_no_more_are_remembered_than_a_thousand():
    now = 0.0
    seldom = Seldom(lambda: now)
    assert sum(seldom.may(str(number)) for number in range(2 * MOST_ADDRESSES)) == MOST_ADDRESSES
    now += QUIET
    assert seldom.may("1999")
