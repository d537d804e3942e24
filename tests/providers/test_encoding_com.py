"""Encoding.com's questions byte by byte, its words one by one, and what its errors may and may not tell."""

from dataclasses import replace

import pytest
from aiohttp import web
from providing import AT, ENCODING_GET, ENCODING_PAGE, KEY, discreet, source, xml

from notifier.core.model import Look, LookKind, Status, TargetStatus
from notifier.core.secret import Secret
from notifier.demo.local import LocalServer
from notifier.providers.base import Malformed, Refused, Unavailable
from notifier.providers.encoding_com import PROVIDER, several, single
from notifier.providers.encoding_com_formats import Note, place
from notifier.providers.encoding_com_rows import is_id
from notifier.providers.http import open_session
from notifier.providers.xml import read

ID = ENCODING_GET.id
NEW = {"id": ID, "status": "New"}


class Service(LocalServer):
    """Gives everyone the same answer and remembers what came."""

    def __init__(self, document, status=200):
        super().__init__()
        self.came = []
        self._answer = {"text": document if isinstance(document, str) else xml(document), "status": status}
        self.app.router.add_route("*", "/{any:.*}", self._any)

    async def _any(self, request):
        self.came.append((request, await request.read()))
        return web.Response(**self._answer, content_type="text/xml")


async def asked(look, document=NEW, **more):
    """The only request that a look makes, its body, and the answer."""
    async with Service(document) as service, open_session() as session:
        of = replace(source("encoding_com", service.origin), **more)
        answer = await PROVIDER.connect(session, of).observe(look, AT)
    ((request, body),) = service.came
    return request, body.decode(), answer


async def failure(look, document, status=200, kind=Malformed):
    async with Service(document, status) as service, open_session() as session:
        with pytest.raises(kind) as caught:
            await PROVIDER.connect(session, source("encoding_com", service.origin)).observe(look, AT)
    return discreet(caught.value)


# --- questions


async def test_a_question_is_one_form_field_byte_by_byte():
    request, body, _ = await asked(ENCODING_GET)
    assert (request.method, request.path_qs) == ("POST", "/")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body == (
        "xml=%3C%3Fxml+version%3D%221.0%22%3F%3E%0A%3Cquery%3E%3Cuserid%3E85296%3C%2Fuserid%3E%3Cuserkey%3E"
        "key-that-nobody-may-see%3C%2Fuserkey%3E%3Caction%3EGetStatus%3C%2Faction%3E%3Cmediaid%3E92369973%3C%2Fmediaid"
        "%3E%3C%2Fquery%3E"
    )


async def test_a_credential_stays_within_its_element():
    _, body, _ = await asked(ENCODING_GET, api_key=Secret('a<b>&"c'), user_id="</userid><action>CancelMedia</action>")
    assert "%3Cuserkey%3Ea%26lt%3Bb%26gt%3B%26amp%3B%22c%3C%2Fuserkey%3E" in body
    assert body.count("%3Caction%3E") == 1


async def test_the_credential_is_in_the_body_and_nowhere_else():
    request, body, answer = await asked(ENCODING_GET)
    assert body.count(KEY) == 1
    assert KEY not in str(request.headers) + str(request.rel_url) + repr(answer)


@pytest.mark.parametrize("id_", ["", "1,2", "1 ", "-1", "1.0", "abc", "</mediaid>", "٣", "1\n", "1" * 21])
async def test_an_id_that_is_no_number_is_passed_over_and_nothing_is_sent(id_):
    assert not is_id(id_)
    async with Service(NEW) as service, open_session() as session:
        client = PROVIDER.connect(session, source("encoding_com", service.origin))
        answer = await client.observe(Look(LookKind.GET, id=id_), AT)
        assert (answer.observations, len(answer.skipped)) == ((), 1)
        with pytest.raises(Malformed, match="number"):
            await client.observe(Look(LookKind.BATCH, ids=(id_, id_)), AT)
        assert service.came == []


# --- words

WORDS = [
    ("New", Status.QUEUED, TargetStatus.QUEUED),
    ("Downloading", Status.PROCESSING, TargetStatus.PROCESSING),
    ("Downloaded", Status.PROCESSING, TargetStatus.PROCESSING),
    ("Ready to process", Status.ACTION_REQUIRED, TargetStatus.ACTION_REQUIRED),
    ("Waiting for encoder", Status.QUEUED, TargetStatus.QUEUED),
    ("Processing", Status.PROCESSING, TargetStatus.PROCESSING),
    ("Saving", Status.PROCESSING, TargetStatus.PROCESSING),
    ("Finished", Status.COMPLETED, TargetStatus.COMPLETED),
    ("Error", Status.FAILED, TargetStatus.FAILED),
    ("Stopped", Status.CANCELLED, TargetStatus.SKIPPED),
    ("Deleted", Status.GONE, None),
    ("Closed", Status.UNKNOWN, TargetStatus.UNKNOWN),
]


@pytest.mark.parametrize(("word", "status", "part"), WORDS)
def test_a_word_means_one_thing_whoever_spells_it(word, status, part):
    for spelled in (word, word.upper(), word.replace(" ", ""), f" {word.lower()}\n"):
        media = {"id": ID, "status": spelled, "format": [{"id": "2107", "status": spelled, "output": "mp4"}]}
        (seen,) = single(read(xml(media).encode()), ENCODING_GET).observations
        assert (seen.status, seen.raw_status) == (status, spelled.strip())
        if part is None:
            assert seen.targets == ()
        elif word not in {"Finished", "Error"}:
            assert [(target.status, target.raw_status) for target in seen.targets] == [(part, spelled.strip())]


@pytest.mark.parametrize(
    ("word", "left"), [("Downloading", 61.5), ("Processing", 61.5), ("Saving", 61.5), ("New", None), ("Error", None)]
)
def test_the_time_left_is_believed_in_three_words(word, left):
    media = {"id": ID, "status": word, "time_left": "61.5", "progress": "40"}
    (seen,) = single(read(xml(media).encode()), ENCODING_GET).observations
    assert (seen.time_left, seen.progress) == (left, None if left is None else 40.0)


@pytest.mark.parametrize("said", ["yes", "YES", " yes "])
def test_deleted_is_gone_whatever_its_word_is(said):
    media = {"job": [{"id": ID, "status": "Finished", "deleted": said}]}
    (seen,) = several(read(xml(media).encode()), Look(LookKind.BATCH, ids=(ID,))).observations
    assert (seen.status, seen.raw_status, seen.complete) == (Status.GONE, "Finished", True)


@pytest.mark.parametrize("said", ["no", "", "0"])
def test_what_is_not_deleted_is_what_its_word_says(said):
    media = {"job": [{"id": ID, "status": "Finished", "deleted": said}]}
    (seen,) = several(read(xml(media).encode()), Look(LookKind.BATCH, ids=(ID,))).observations
    assert seen.status is Status.COMPLETED


def test_not_deleted_and_no_status_is_nothing_that_can_be_read():
    with pytest.raises(Malformed):
        several(read(xml({"job": {"id": ID, "deleted": "no"}}).encode()), Look(LookKind.BATCH, ids=(ID,)))


# --- errors


async def test_an_error_is_told_in_its_own_words():
    error = await failure(ENCODING_PAGE, {"errors": {"error": ["Wrong query format", "No formats specified!"]}})
    assert str(error) == "says: Wrong query format; No formats specified!"


async def test_an_error_that_repeats_the_key_does_not_give_it_away():
    errors = {"errors": {"error": f"Bad: userkey={KEY}"}, "message": f"{KEY} again"}
    error = await failure(ENCODING_PAGE, errors)
    assert str(error) == "says: Bad: userkey=***; *** again"


async def test_an_error_without_an_element_of_its_own_is_one_too():
    assert str(await failure(ENCODING_PAGE, {"errors": "Wrong query format"})) == "says: Wrong query format"


async def test_a_message_alone_is_no_error():
    _, _, answer = await asked(ENCODING_GET, {**NEW, "message": "Maintenance on Sunday"})
    assert [seen.status for seen in answer.observations] == [Status.QUEUED]


async def test_a_long_error_is_cut():
    assert len(str(await failure(ENCODING_PAGE, {"errors": {"error": "no " * 10_000}}))) < 400


async def test_a_wrong_key_names_the_keys_of_the_config():
    for status, document in ((200, {"errors": {"error": "Wrong user id or key!"}}), (401, ""), (403, "")):
        error = await failure(ENCODING_PAGE, document, status, Refused)
        assert "user_id and user_key" in str(error)


async def test_421_is_a_limit_without_a_time():
    error = await failure(ENCODING_GET, "<response/>", 421, Unavailable)
    assert (error.limited, error.retry_after) == (True, None)


# --- notes and places


@pytest.mark.parametrize(
    ("ref", "note"),
    [
        (None, Note()),
        ("", Note()),
        ("simple", Note(form="simple")),
        ("2107:mp4", Note({"2107": "mp4"})),
        ("simple 2107:mp4 2108:fl9", Note({"2107": "mp4", "2108": "fl9"}, "simple")),
    ],
)
def test_a_note_is_read_as_it_was_written(ref, note):
    assert Note.read(ref) == note
    assert note.written(note.form) == (ref or None)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://cdn.example.com/a.mp4", "https://cdn.example.com/a.mp4"),
        ("https://cdn.example.com:8443/a@b:c.mp4?d=e@f", "https://cdn.example.com:8443/a@b:c.mp4?d=e@f"),
        ("https://user@cdn.example.com", "https://cdn.example.com"),
        ("sftp://user:pa:ss@host.example:22/a", "sftp://host.example:22/a"),
        ("http://KEY:pa/ss@bucket.example/a?b", "http://bucket.example/a?b"),
        ("http://KEY:pa@ss@bucket.example/a", "http://bucket.example/a"),
        ("http://host.example:/a@b", "http://host.example:/a@b"),
        ("no url: a@b", "no url: a@b"),
        ("", None),
    ],
)
def test_a_place_is_told_without_its_credentials(url, told):
    assert place(url) == told
