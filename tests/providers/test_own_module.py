"""The module that docs/how-to/add-a-provider.md shows: it observes, and what goes wrong is one of three."""

import importlib.util
from pathlib import Path

import pytest
from aiohttp import web

from notifier.core.model import Look, LookKind, Observation, Source, Status
from notifier.core.secret import Secret
from notifier.demo.local import LocalServer
from notifier.providers.base import Malformed, Refused, Unavailable
from notifier.providers.http import open_session

spec = importlib.util.spec_from_file_location("acme", Path(__file__).parent / "acme.py")
acme = importlib.util.module_from_spec(spec)
spec.loader.exec_module(acme)
GET, PAGE = Look(LookKind.GET, id="a/7"), Look(LookKind.LIST, "jobs", 2)
JOB = {"id": "a/7", "state": "Done", "title": "a film", "link": "https://a.example/7"}
SEEN = Observation("job", "a/7", Status.COMPLETED, "Done", title="a film", url="https://a.example/7")


@pytest.fixture
async def asked():
    """What the client makes of an answer, and what it asked for."""
    server, heard = LocalServer(), []
    answers = []

    async def answer(request):
        heard.append((request.raw_path, request.headers["Authorization"]))
        return answers.pop()

    server.app.router.add_get("/{path:.*}", answer)
    async with server, open_session() as session:
        given = {"base_url": server.origin, "api_key": Secret("k"), "budget": acme.PROVIDER.budget}
        source = Source(name="s", provider="acme", **given)
        client = acme.PROVIDER.connect(session, source)

        async def asked(look, status, document=None, text=""):
            answers.append(
                web.json_response(document, status=status) if document else web.Response(status=status, text=text)
            )
            return await client.observe(look, 0.0), heard

        yield asked


async def test_a_job_and_a_page_of_them_are_observed(asked):
    answer, heard = await asked(GET, 200, JOB)
    assert answer.observations == (SEEN,)
    answer, _ = await asked(PAGE, 200, {"jobs": [JOB, {"id": "8"}, {"id": "9", "state": "odd"}], "pages": 3})
    assert answer.observations == (SEEN, Observation("job", "9", Status.UNKNOWN, "odd"))
    assert answer.more
    assert answer.skipped == ("row 2: state: missing",)
    assert heard == [("/jobs/a%2F7", "Bearer k"), ("/jobs?page=2", "Bearer k")]


async def test_only_its_own_words_deny_a_job(asked):
    answer, _ = await asked(GET, 404, {"error": "unknown job"})
    assert answer.missing
    with pytest.raises(Unavailable):
        await asked(GET, 404, text="<html>404</html>")


@pytest.mark.parametrize(
    ("look", "status", "document", "error"),
    [
        (GET, 401, {"error": "key"}, Refused),
        (PAGE, 503, {"error": "later"}, Unavailable),
        (GET, 200, {**JOB, "id": "another"}, Malformed),
        (PAGE, 200, {"jobs": [{"id": "8"}]}, Malformed),
        (PAGE, 200, {"work": []}, Malformed),
    ],
)
async def test_what_goes_wrong_is_no_observation(asked, look, status, document, error):
    with pytest.raises(error):
        await asked(look, status, document)
