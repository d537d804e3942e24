"""recorded answers → the whole `Answer`: what every provider module must make of what its provider says.

A fixture is `<provider>/<name>.json`: what is asked, and what was answered to it; `<name>.expected.json` beside it is
what comes of it. With several exchanges the look goes on as the answers say (`then`); a list is expected of them.
NOTIFIER_REWRITE_EXPECTED=1 writes the expected files anew: for eyes to review, not for a build.
"""

import json
import os
from dataclasses import MISSING, fields, is_dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from aiohttp import web
from providing import described, discreet, source

from notifier.core.model import Answer, Look, LookKind
from notifier.demo.local import LocalServer
from notifier.providers import PROVIDERS
from notifier.providers.base import ProviderError
from notifier.providers.http import open_session

HERE = Path(__file__).parent
REWRITE = os.environ.get("NOTIFIER_REWRITE_EXPECTED") == "1"
BASE = "/base"
FIXTURES = sorted(
    path for name in PROVIDERS for path in (HERE / name).glob("*.json") if not path.name.endswith(".expected.json")
)


class Recording(LocalServer):
    """Answers one request after the other as recorded, and remembers what was asked."""

    def __init__(self, exchanges: list[dict[str, Any]], at: float) -> None:
        super().__init__()
        self._date = formatdate(at, usegmt=True)
        self.asked: list[str] = []
        self._left = list(exchanges)
        self.app.router.add_route("*", "/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs + await query_of(request))
        recorded = self._left.pop(0)
        text = recorded["text"] if "text" in recorded else json.dumps(recorded["body"])
        text = text if isinstance(text, str) else "\n".join(text)
        headers = {"Content-Type": "application/json", "Date": self._date, **recorded.get("headers", {})}
        return web.Response(status=recorded["status"], headers=headers, body=text.encode())


async def query_of(request: web.Request) -> str:
    """What a form with a <query> asks for: ` action=GetStatus mediaid=1042`; the credential is another test's."""
    if request.content_type != "application/x-www-form-urlencoded":
        return ""
    query = fromstring(dict(await request.post())["xml"])
    return "".join(f" {one.tag}={one.text}" for one in query if one.tag not in {"userid", "userkey"})


def look_of(told: dict[str, Any]) -> Look:
    return Look(**{**told, "kind": LookKind(told["kind"])})


def plain(answer: Answer) -> dict[str, Any]:
    told = json.loads(json.dumps(said(answer)))
    told.pop("skew", None)  # the fake's clock is another test's
    return told


def said(value: Any) -> Any:
    """Only what is not as it is anyway: what a field's default says needs no line."""
    if isinstance(value, tuple):
        return [said(one) for one in value]
    if not is_dataclass(value):
        return value
    members = ((one, getattr(value, one.name)) for one in fields(value))
    return {one.name: said(member) for one, member in members if one.default is MISSING or member != one.default}


def plain_error(error: ProviderError) -> dict[str, Any]:
    limited, retry_after = getattr(error, "limited", False), getattr(error, "retry_after", None)
    return {"error": type(error).__name__, "limited": limited, "retry_after": retry_after}


async def told(provider: str, fixture: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Each answer to the fixture's look, and what was asked."""
    look, answers = look_of(fixture["look"]), []
    async with Recording(fixture["exchanges"], fixture["at"]) as server, open_session() as session:
        own = {"api": described(**fixture["api"])} if "api" in fixture else {}
        client = PROVIDERS[provider].connect(session, source(provider, server.origin + BASE, **own))
        for _ in fixture["exchanges"]:
            try:
                answer = await client.observe(look, fixture["at"])
            except ProviderError as error:
                answers.append(plain_error(discreet(error)))
            else:
                answers.append(plain(answer))
                look = answer.then or look
    return answers, server.asked


def spelled(value: Any, **how: Any) -> str:
    """So that 1, 1.0 and true are three things."""
    return json.dumps(value, indent=2, ensure_ascii=False, **how) + "\n"


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_recorded_answer_comes_to_what_is_expected(path):
    fixture = json.loads(path.read_text())
    answers, asked = await told(path.parent.name, fixture)
    assert asked == [BASE + exchange["expect"] for exchange in fixture["exchanges"]]
    expected = path.with_name(f"{path.stem}.expected.json")
    found = answers[0] if len(answers) == 1 else answers
    if REWRITE:
        expected.write_text(spelled(found))
    wanted = json.loads(expected.read_text())
    assert found == wanted
    assert spelled(found, sort_keys=True) == spelled(wanted, sort_keys=True)


def test_every_provider_has_fixtures_and_every_fixture_says_what_it_is_for():
    assert {path.parent.name for path in FIXTURES} == set(PROVIDERS)
    for path in FIXTURES:
        about = json.loads(path.read_text())["about"]
        assert about.endswith("."), path
    expected = {path.with_name(f"{path.stem}.expected.json") for path in FIXTURES}
    assert {path for name in PROVIDERS for path in (HERE / name).glob("*.expected.json")} == expected
