"""What goes wrong with every provider, and what each module must make of it: one of three failures, or an answer."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from email.utils import formatdate

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from providing import AT, ID, KEY, SAMPLES, Sample, discreet, provider_of, source

from notifier.core.model import MOST_TARGETS, Answer, Status
from notifier.demo.local import LocalServer
from notifier.providers import PROVIDERS
from notifier.providers.base import Malformed, ProviderError, Refused, Unavailable
from notifier.providers.http import MAX_BODY, open_session
from notifier.providers.shapes import LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
EACH = [(name, kind) for name, has in SAMPLES.items() for kind in has.kinds]
BROKEN_ROWS = [{}, [], None, 7, "row", {"status": None}]


class Server(LocalServer):
    """Gives everyone the same answer and remembers who asked with what."""

    def __init__(self, answer: Handler | web.Response) -> None:
        super().__init__()
        self.headers: list[dict[str, str]] = []
        self._answer = answer
        self.app.router.add_route("*", "/{path:.*}", self._any)

    async def _any(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        if not isinstance(self._answer, web.Response):
            return await self._answer(request)
        self._answer.headers.setdefault("Date", formatdate(AT, usegmt=True))
        return self._answer


async def ask(provider: str, kind: str, base_url: str) -> Answer:
    async with open_session() as session:
        client = provider_of(provider).connect(session, source(provider, base_url))
        return await client.observe(getattr(SAMPLES[provider], kind), AT)


async def answer_to(provider: str, kind: str, answer: Handler | web.Response) -> Answer:
    async with Server(answer) as server:
        return await ask(provider, kind, server.origin)


async def failure(provider: str, kind: str, answer: Handler | web.Response) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await answer_to(provider, kind, answer)
    return discreet(caught.value)


def sample(provider: str) -> Sample:
    return SAMPLES[provider]


def test_every_provider_is_put_to_these_tests():
    assert {provider_of(name).name for name in SAMPLES} == PROVIDERS.keys()


# --- the transport


@pytest.mark.parametrize(("provider", "kind"), EACH)
async def test_a_connection_refused_is_unavailable(provider, kind):
    async with LocalServer() as server:
        pass
    with pytest.raises(Unavailable) as caught:
        await ask(provider, kind, server.origin)
    assert discreet(caught.value).retry_after is None


@pytest.mark.parametrize(("provider", "kind"), EACH)
async def test_a_cut_before_the_answer_is_unavailable(provider, kind):
    async def cut(request):
        request.transport.abort()
        return web.Response()

    assert type(await failure(provider, kind, cut)) is Unavailable


@pytest.mark.parametrize(("provider", "kind"), EACH)
async def test_a_cut_in_the_middle_of_the_answer_is_unavailable(provider, kind):
    async def cut(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
        await response.prepare(request)
        await response.write(sample(provider).spell(sample(provider).one("completed")).encode()[:20])
        request.transport.close()
        return response

    assert type(await failure(provider, kind, cut)) is Unavailable


# --- the status


@pytest.mark.parametrize(("provider", "kind"), EACH)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_fault_of_theirs_is_unavailable_and_no_limit(provider, kind, status):
    error = await failure(provider, kind, web.json_response({"error": "no"}, status=status))
    assert (type(error), error.limited, error.retry_after) == (Unavailable, False, None)


@pytest.mark.parametrize(("provider", "kind"), EACH)
@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", ['{"success": false, "message": "Invalid or expired token"}', "<html>no</html>", ""])
async def test_a_key_that_is_not_accepted_is_refused(provider, kind, status, body):
    error = await failure(provider, kind, web.Response(text=body, status=status))
    assert type(error) is Refused
    assert sample(provider).credential in str(error)


@pytest.mark.parametrize(("provider", "kind"), EACH)
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "17"}, 17),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(AT) + 42)}, 42.0),
        ({"X-RateLimit-Reset": str(int(AT) + 42)}, 42.0),
        ({"Retry-After": "17", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(AT) + 42)}, 17),
    ],
)
async def test_a_limit_is_waited_for_as_the_headers_say(provider, kind, headers, wait):
    error = await failure(provider, kind, web.json_response({"success": False}, status=429, headers=headers))
    assert (type(error), error.limited, error.retry_after) == (Unavailable, True, wait)


@pytest.mark.parametrize(("provider", "kind"), EACH)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_no_other_host_sees_the_key(provider, kind, status):
    other = Server(sample(provider).response(sample(provider).one("completed")))
    async with other:
        there = {"Location": f"{other.origin}/elsewhere?token={KEY}"}
        error = await failure(provider, kind, web.Response(status=status, headers=there))
        assert type(error) is Unavailable
        assert "127.0.0.1" in str(error)
        assert other.headers == []


@pytest.mark.parametrize(("provider", "kind"), EACH)
async def test_a_404_that_is_not_in_its_own_words_says_nothing_of_any_upload(provider, kind):
    for body in sample(provider).foreign:
        error = await failure(provider, kind, web.Response(text=body, status=404))
        assert type(error) is Unavailable
        assert "base_url" in str(error)


# --- the body


@pytest.mark.parametrize(("provider", "kind"), EACH)
async def test_a_page_for_people_is_unavailable(provider, kind):
    page = web.Response(text="<!doctype html><title>Sorry</title>", content_type="text/html")
    assert type(await failure(provider, kind, page)) is Unavailable


@pytest.mark.parametrize(("provider", "kind"), EACH)
@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_an_empty_body_is_unavailable(provider, kind, body):
    assert type(await failure(provider, kind, web.Response(body=body))) is Unavailable


@pytest.mark.parametrize(("provider", "kind"), EACH)
@pytest.mark.parametrize(
    "body",
    [b'{"success": true, "sta', b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"null", b"7", b'"text"', b"{}"],
    ids=["truncated", "deep list", "deep object", "no text", "null", "number", "text", "empty object"],
)
async def test_a_body_of_another_shape_is_malformed(provider, kind, body):
    assert type(await failure(provider, kind, web.Response(body=body))) is Malformed


@pytest.mark.parametrize(("provider", "kind"), EACH)
async def test_a_body_of_more_than_ten_mebibytes_is_malformed(provider, kind):
    document = sample(provider).one("completed") if kind == "get" else sample(provider).page_of([])
    padded = sample(provider).spell(document) + " " * MAX_BODY
    assert type(await failure(provider, kind, web.Response(text=padded))) is Malformed


@pytest.mark.parametrize("provider", SAMPLES)
@pytest.mark.parametrize("broken", BROKEN_ROWS, ids=repr)
async def test_one_broken_row_does_not_spoil_its_page(provider, broken):
    has = sample(provider)
    first, last = has.neighbours
    page = has.page_of([has.row(first), broken, has.row(last)])
    answer = await answer_to(provider, "page", has.response(page))
    assert {seen.id for seen in answer.observations} == {first, last}
    assert len(answer.skipped) == 1
    assert answer.skipped[0].startswith("row 2: ")


@pytest.mark.parametrize("provider", SAMPLES)
async def test_a_page_of_broken_rows_alone_is_malformed(provider):
    page = sample(provider).page_of(BROKEN_ROWS)
    assert type(await failure(provider, "page", sample(provider).response(page))) is Malformed


@pytest.mark.parametrize("provider", SAMPLES)
async def test_an_empty_page_says_nothing_of_anyone(provider):
    answer = await answer_to(provider, "page", sample(provider).response(sample(provider).page_of([])))
    assert replace(answer, total=None) == Answer()


@pytest.mark.parametrize("provider", SAMPLES)
async def test_a_word_that_nobody_knows_is_unknown_and_kept(provider):
    has = sample(provider)
    answer = await answer_to(provider, has.kinds[0], has.response(has.one(" Sleeping ")))
    (seen,) = answer.observations
    assert (seen.id, seen.status, seen.raw_status, seen.complete) == (has.id, Status.UNKNOWN, "Sleeping", True)
    assert answer.skipped == ()


@pytest.mark.parametrize("provider", SAMPLES)
async def test_words_are_compared_in_any_case(provider):
    has = sample(provider)
    answer = await answer_to(provider, has.kinds[0], has.response(has.one(has.word.upper())))
    assert [(seen.status, seen.raw_status) for seen in answer.observations] == [(has.means, has.word.upper())]


@pytest.mark.parametrize(("provider", "kind"), EACH)
async def test_a_limit_told_in_passing_is_handed_on(provider, kind):
    document = sample(provider).one("completed") if kind == "get" else sample(provider).page_of([])
    headers = {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": str(int(AT) + 30)}
    answer = await answer_to(provider, kind, sample(provider).response(document, headers=headers))
    assert (answer.limit.remaining, answer.limit.reset_in) == (3, 30.0)


# --- anything at all

MEMBERS = [
    "request_id", "job_id", "status", "message", "completed", "total", "results", "platforms", "last_update",
    "platform", "success", "upload_timestamp", "skipped", "skip_reason", "fallback_to_inbox", "platform_post_id",
    "post_url", "post_ids", "url", "error", "error_code", "error_message", "history", "page", "limit",
    "scheduled_posts", "scheduled", "scheduled_date", "title", "post_title", "request_total_platforms",
    "data", "id", "videos", "pagination", "pages", "scheduledAt", "createdAt", "updatedAt", "youtube", "videoId",
    "media_id", "type", "created_at", "posts", "content", "timezone", "accounts", "posted_status", "per_page",
    "post_id", "account_id", "job", "format", "output", "destination", "destination_status", "deleted", "errors",
    "media", "mediaid", "sourcefile", "time_left", "progress", "created", "description", "errorcode",
    "jobs", "state", "name", "outputs", "preset", "run_at", "changed_at", "code", "has_more",
]  # fmt: skip
WORDS = [
    "completed", "failed", "pending", "processing", "retryable", "Queued", "not_found", "x", "twitter",
    "google-business", "published", "manual", "posted", "Europe/Berlin", "/etc/passwd", "2025-11-22 09:30:00",
    "2025-01-01T12:34:56Z", "0001-01-01T00:00:00+14:00",
    "Finished", "Error", "Error (no)", "yes", "92369973", "2107", "sftp://user:word@host.example/a", "1e999",
    "9999-12-31T23:59:59.9-14:00", "\ud800", "\0", ID, "y" * 5000,
]  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(WORDS), st.just(2**63)
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(MEMBERS), st.text(max_size=5)), inner, max_size=8),
    ),
    max_leaves=30,
)
ROWS = st.dictionaries(st.sampled_from(MEMBERS), LEAVES, max_size=12)
LIKELY = st.one_of(
    ROWS.map(lambda row: [row]),
    st.fixed_dictionaries(
        {name: st.lists(ROWS, max_size=4) for name in ("history", "scheduled_posts", "results", "posts")}
        | {"status": st.sampled_from(WORDS)}
    ),
    st.fixed_dictionaries({"success": st.just(True), "data": st.one_of(ROWS, DOCUMENTS)}),
    st.fixed_dictionaries({"data": st.fixed_dictionaries({"jobs": st.lists(ROWS, max_size=4)})}),
    st.fixed_dictionaries({"data": st.fixed_dictionaries({"id": st.just(ID), "outputs": st.lists(ROWS)}) | ROWS}),
    st.fixed_dictionaries(
        {"id": st.just("92369973"), "status": st.sampled_from(WORDS), "format": st.lists(ROWS, max_size=3)}
    ),
)


@settings(deadline=None)
@given(document=st.one_of(DOCUMENTS, LIKELY))
def test_no_document_raises_anything_but_a_provider_error(document):
    for has in SAMPLES.values():
        for parse in has.parses:
            try:
                answer = parse(document)
            except ProviderError as error:
                discreet(error)
            else:
                assert_can_be_written(answer)


def assert_can_be_written(answer: Answer) -> None:
    """What was observed fits its bounds, a database and an event."""
    json.dumps(asdict(answer), ensure_ascii=False, allow_nan=False).encode()
    for seen in answer.observations:
        assert seen.id
        assert len(seen.id) <= LONGEST_URL
        assert len(seen.raw_status or "") <= LONGEST_TEXT
        assert len(seen.title or "") <= LONGEST_TITLE
        assert len(seen.targets) <= MOST_TARGETS
        for about in (seen, *seen.targets):
            assert len(about.url or "") <= LONGEST_URL
            assert about.reason is None or len(about.reason.text) <= LONGEST_TEXT
