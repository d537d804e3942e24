"""GET /metrics: who may ask, and what a database in trouble does to it."""

import asyncio
import logging
from base64 import b64encode
from contextlib import asynccontextmanager

import pytest
from asking import BEARER, TOKEN, served
from prometheus_client.parser import text_string_to_metric_families
from stored import altered

from notifier.core.secret import Secret
from notifier.server.access import Guard
from notifier.server.metrics import Metrics
from notifier.store import Store, StoreError


def basic(text):
    return {"Authorization": "Basic " + b64encode(text.encode()).decode()}


@asynccontextmanager
async def scrapable(path, token=TOKEN, open_store=Store.open, **more):
    """A server over a world of one endpoint, and a session with it."""
    async with served(path, token=token, open_store=open_store, **more) as (w, _, stranger):
        yield w, stranger.session


async def asked(session, headers=None, path="/metrics"):
    """The status, the body, and the challenges where there are any."""
    async with session.get(path, headers=headers) as response:
        is_text = response.content_type == "text/plain"
        body = await (response.text() if is_text else response.json(content_type="application/problem+json"))
        return response.status, body, response.headers.get("WWW-Authenticate")


# --- who may ask


@pytest.mark.parametrize(
    "headers",
    [BEARER, {"Authorization": f"bEARER   {TOKEN} "}, basic(f":{TOKEN}"), basic(f"prometheus:{TOKEN}")],
    ids=["bearer", "in any case", "a password", "a password of somebody"],
)
async def test_who_knows_the_token_is_answered_in_the_text_format_of_prometheus(tmp_path, headers):
    async with scrapable(tmp_path) as (_, session), session.get("/metrics", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        names = {family.name for family in text_string_to_metric_families(await response.text())}
    assert "notifier_oldest_waiting_seconds" in names


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": TOKEN},
        {"Authorization": f"Digest {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN} {TOKEN}"},
        {"Authorization": "Bearer \u00fc\udcff"},
        {"Authorization": "Basic !"},
        {"Authorization": "Basic \u00fc"},
        {"Authorization": f"Basic {TOKEN}"},
        basic(TOKEN),
        basic(f"{TOKEN}:"),
        basic(f"a:b:{TOKEN}"),
    ],
    ids=str,
)
async def test_who_does_not_is_asked_for_it(tmp_path, headers):
    async with scrapable(tmp_path) as (_, session):
        status, problem, challenge = await asked(session, headers)
    assert status == 401
    assert problem == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "the token of server.token is needed, as Bearer or as the password of Basic",
    }
    assert challenge == 'Basic realm="notifier", Bearer realm="notifier"'


@pytest.mark.parametrize("headers", [{}, BEARER, {"Authorization": "Bearer "}, basic(":")], ids=str)
async def test_without_a_token_in_the_config_nobody_is_let_in_and_is_told_what_to_set(tmp_path, headers):
    async with scrapable(tmp_path, token=None) as (_, session):
        status, problem, _ = await asked(session, headers)
    assert (status, problem["title"]) == (403, "Forbidden")
    assert problem["detail"] == "nobody may ask for this as long as the config has no server.token: set one"


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/-/healthy", "/readyz", "/-/ready"])
@pytest.mark.parametrize("token", [None, TOKEN])
async def test_health_is_told_to_everybody(tmp_path, path, token):
    async with scrapable(tmp_path, token) as (_, session):
        assert await asked(session, path=path) == (200, "ok", None)


async def test_another_method_is_not_taken(tmp_path):
    async with scrapable(tmp_path) as (_, session), session.post("/metrics", headers=BEARER) as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_the_token_is_in_no_log_no_error_and_no_repr(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    said = []
    async with scrapable(tmp_path, open_store=Failing.open) as (w, session):
        for failing in (False, True):
            w.store.failing = failing
            for headers in (BEARER, basic(f"x:{TOKEN}"), {"Authorization": f"Bearer {TOKEN}x"}):
                async with session.get("/metrics", headers=headers) as response:
                    said += [await response.text(), str(response.headers)]
        said.append(repr(Guard(Secret(TOKEN), "127.0.0.1", float)))
    assert len(said) == 13
    for hidden in (TOKEN, b64encode(f"x:{TOKEN}".encode()).decode()):
        assert hidden not in "".join(said) + caplog.text


# --- a database in trouble


class Failing(Store):
    """A store that fails where it is asked to, answers when it is let, and knows how often it was asked."""

    failing = False
    asked = 0
    open_again: asyncio.Event | None = None

    async def figures(self):
        self.asked += 1
        if self.open_again is not None:
            await self.open_again.wait()
        if self.failing:
            raise StoreError("/var/lib/notifier/notifier.db: disk I/O error")
        return await super().figures()


def unavailable(detail):
    return {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail}


async def test_a_database_that_fails_is_told_without_its_words_and_the_next_scrape_may_succeed(tmp_path):
    async with scrapable(tmp_path) as (w, session):
        await renamed(w, "deliveries", "gone")
        assert await asked(session, BEARER) == (503, unavailable("the database does not answer"), None)
        assert (await asked(session, path="/healthz"))[0] == 200
        await renamed(w, "gone", "deliveries")
        assert (await asked(session, BEARER))[0] == 200


async def renamed(w, table, name):
    """Without its table, a question is an error of the database."""
    await altered(w.store, f"ALTER TABLE {table} RENAME TO {name}")


@pytest.mark.parametrize("fails", [False, True])
async def test_a_database_that_is_slow_is_not_waited_for_and_not_asked_twice(tmp_path, caplog, fails):
    async with scrapable(tmp_path, open_store=Failing.open, promptly=0.01) as (w, session):
        w.store.open_again = asyncio.Event()
        for _ in range(3):
            assert await asked(session, BEARER) == (503, unavailable("the database does not answer in time"), None)
        assert (await asked(session, path="/healthz"))[0] == 200
        assert w.store.asked == 1
        w.store.failing = fails
        w.store.open_again.set()
    assert caplog.records == []  # of a failure of which nobody is left to hear


async def test_many_who_scrape_at_once_are_one_question_to_the_database(tmp_path):
    async with scrapable(tmp_path, open_store=Failing.open) as (w, _):
        told = Metrics(w.store, w.sender.served, w.clock)
        w.store.open_again = asyncio.Event()
        waiting = [asyncio.create_task(told.text()) for _ in range(20)]
        waiting[0].cancel()
        w.store.open_again.set()
        answers = await asyncio.gather(*waiting[1:])
        assert (len(set(answers)), w.store.asked) == (1, 1)
        await told.text()
        assert w.store.asked == 2


async def test_a_scrape_that_is_cut_off_by_the_end_leaves_no_word(tmp_path, caplog):
    async with scrapable(tmp_path, open_store=Failing.open) as (w, _):
        told = Metrics(w.store, w.sender.served, w.clock, promptly=0)
        w.store.open_again = asyncio.Event()
        with pytest.raises(TimeoutError):
            await told.text()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        (scrape,) = (task for task in others if task.get_coro().__name__ == "_scraped")
        scrape.cancel()
        await asyncio.wait([scrape])
    assert caplog.records == []
