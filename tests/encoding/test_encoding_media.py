"""Media as GetStatus and the lists tell of them, byte for byte: golden files in the shapes of real answers."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from things import HOUR, NOW, seen

from notifier.core.encoding_com_call import media_of
from notifier.core.encoding_com_document import WRITERS
from notifier.core.events import event_for
from notifier.core.model import Change, ChangeReason, Observation, Reason, Status, Target, TargetStatus, Upload
from notifier.server.encoding.media import NEVER, STREAMS, date, media, old_row, row, status
from notifier.store.media import Shown

GOLDEN = Path(__file__).parent / "golden"
DONE, LOST, BUSY = TargetStatus.COMPLETED, TargetStatus.FAILED, TargetStatus.PROCESSING


PROVIDERS = {"posts": "upload_post", "encodings": "encoding_com", "media": "xenonflare"}


def shown(source, id_, media_id, snapshot, began_at=None, came_at=None):
    upload = Upload(media_id, source, "", id_, NOW - HOUR, snapshot=snapshot)
    return Shown(upload, PROVIDERS[source], began_at, came_at)


POST = shown(
    "posts",
    "7b2c2f5e-1234",
    1042,
    seen(
        Status.COMPLETED,
        targets=(
            Target("x", DONE, "completed", url="https://x.example/1?a=1&b=2", task=2107),
            Target("youtube", DONE, "completed", task=2108, finished_at=NOW - 60),
        ),
    ),
    began_at=NOW - 1800,
    came_at=NOW,
)
ENCODING = shown(
    "encodings",
    "92369973",
    92369973,
    Observation(
        "media",
        "92369973",
        Status.PROCESSING,
        "Saving",
        url="https://cdn.example.com/in/clip one.mov",
        progress=62.5,
        created_at=NOW - 300,
        started_at=NOW - 290,
        targets=(
            Target(
                "mp4:164478401",
                DONE,
                "Finished",
                "164478401",
                started_at=NOW - 200,
                finished_at=NOW - 9,
                task=164478401,
            ),
            Target("fl9:164478402", BUSY, "Saving", "164478402", started_at=NOW - 190, task=164478402),
            Target("fl9:164478403", TargetStatus.QUEUED, "New", "164478403", task=164478403),
        ),
    ),
    came_at=NOW - 280,
)
FAILED = shown(
    "media",
    "clip/9",
    7,
    seen(
        Status.FAILED, reason=Reason("error", "Download error:  The requested URL <403> & no more"), created_at=NOW - 90
    ),
    came_at=NOW - 30,
)
SAVED = shown(
    "encodings",
    "92369974",
    92369974,
    Observation(
        "media",
        "92369974",
        Status.PARTIAL,
        "Finished",
        url="https://cdn.example.com/in/two.mov",
        created_at=NOW - 300,
        targets=(
            Target("mp4:9", DONE, "Finished", "9", task=9),
            Target("mp4:9/1", DONE, "Saved", url="s3://one/two.mp4", task=10),
            Target(
                "mp4:9/2", LOST, "Error (no room)", url="s3://other/two.mp4", reason=Reason("error", "no room"), task=11
            ),
        ),
    ),
    came_at=NOW,
)
GONE = shown("posts", "lost", 12, seen(Status.GONE), came_at=NOW)
UNSEEN = shown("posts", "new", 13, None)


def told(one, output="mp4"):
    return media(one, output, "85296")


def jobs(*several):
    return [("job", status(told(one), extended=True)) for one in several]


ANSWERS = {
    "simple": status(told(POST), extended=False),
    "simple-native": status(told(ENCODING), extended=False),
    "simple-failed": status(told(FAILED), extended=False),
    "simple-unseen": status(told(UNSEEN), extended=False),
    "extended-one": jobs(FAILED),
    "extended-several": jobs(POST, ENCODING, SAVED, GONE),
    "list": [("media", old_row(told(one))) for one in (FAILED, POST)],
    "list-one": [("media", old_row(told(POST)))],
    "list-3": [("media", row(told(one))) for one in (ENCODING, POST)],
    "info": STREAMS,
}


@pytest.mark.parametrize("field", WRITERS)
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_the_golden_one(name, field):
    assert WRITERS[field]("response", ANSWERS[name]) == (GOLDEN / f"{name}.{field}").read_text(encoding="utf-8")


def test_no_golden_file_is_left_over():
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.{field}" for name in ANSWERS for field in WRITERS}


# --- the shapes: what real answers were seen to hold, in the order in which they held it

MEDIA = (
    *(
        "id",
        "userid",
        "sourcefile",
        "status",
        "notifyurl",
        "created",
        "started",
        "finished",
        "prevstatus",
        "downloaded",
    ),
    *("uploaded", "description", "filesize", "processor", "region", "time_left", "progress", "time_left_current"),
    *("progress_current", "format", "queue_time"),
)
FORMAT = (
    *("id", "status", "created", "started", "finished", "description", "output", "destination", "destination_status"),
    *("convertedsize", "queued", "converttime", "time_left", "progress"),
)


def is_in_order(element, order):
    names = list(dict.fromkeys(child.tag for child in element))
    return names == sorted(names, key=order.index)


@pytest.mark.parametrize("one", [POST, ENCODING, FAILED, SAVED, UNSEEN], ids=lambda one: one.upload.id)
@pytest.mark.parametrize("extended", [False, True])
def test_a_media_has_the_shape_of_a_real_one(one, extended):
    root = fromstring(WRITERS["xml"]("response", status(told(one), extended=extended)))
    assert is_in_order(root, MEDIA)
    for part in root.findall("format"):
        assert is_in_order(part, FORMAT)
        assert (part.find("output") is None) is extended
        assert len(part.findall("destination")) == len(part.findall("destination_status"))


def strings(value):
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    return [text for one in value for text in strings(one)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", ANSWERS)
def test_every_scalar_of_json_is_a_string_that_is_not_empty(name):
    found = strings(json.loads(WRITERS["json"]("response", ANSWERS[name])))
    assert all(isinstance(one, str) and one for one in found)


# --- moments


def moments(one):
    return told(one).created, told(one).started, told(one).finished


def with_snapshot(one, **more):
    return one._replace(upload=replace(one.upload, snapshot=replace(one.upload.snapshot, **more)))


def test_what_the_provider_says_of_its_times_goes_before_what_was_seen():
    assert moments(POST) == (NOW - HOUR, NOW - 1800, NOW)
    stated = with_snapshot(POST, created_at=NOW - 99, started_at=NOW - 98, finished_at=NOW - 97)
    assert moments(stated) == (NOW - 99, NOW - 98, NOW - 97)


def test_what_is_open_has_not_finished_whatever_it_once_was():
    assert told(with_snapshot(POST, status=Status.PROCESSING, finished_at=NOW - 9)).finished is None


def test_what_settled_before_it_was_followed_finished_when_it_was_last_updated_or_first_seen():
    silent = POST._replace(began_at=None, came_at=None)
    assert moments(silent) == (NOW - HOUR, NOW - HOUR, NOW - HOUR)
    assert told(with_snapshot(silent, updated_at=NOW - 50)).finished == NOW - 50


@pytest.mark.parametrize("word", [Status.DRAFT, Status.SCHEDULED, Status.QUEUED, Status.UNKNOWN])
def test_what_was_never_seen_to_begin_has_not_begun(word):
    one = told(shown("posts", "u1", 7, seen(word)))
    assert (date(one.started), date(one.finished)) == (NEVER, NEVER)


def test_progress_is_the_providers_until_it_is_settled():
    assert told(ENCODING).progress == 62.5
    assert told(UNSEEN).progress == 0
    assert told(FAILED).progress == 100


# --- the callback and what is told afterwards agree


@pytest.mark.parametrize("one", [POST, FAILED, SAVED], ids=lambda one: one.upload.id)
@pytest.mark.parametrize("output", ["mp4", "flv"])
def test_what_the_callback_said_is_what_is_told_to_who_asks(one, output):
    snapshot = one.upload.snapshot
    change = Change(one.upload, snapshot, ChangeReason.STATUS, (), reopened=False, observed_at=NOW)
    called = media_of(event_for(change, PROVIDERS[one.upload.source], NOW), output)
    assert told(one, output).medium == called
    root = fromstring(WRITERS["xml"]("response", status(told(one, output), extended=False)))
    answer = {name: root.findtext(name, "") for name in ("id", "sourcefile", "status", "description")}
    assert answer == {
        "id": str(called.mediaid),
        "sourcefile": called.source,
        "status": called.status,
        "description": called.description,
    }
    assert [
        {
            "taskid": part.findtext("id"),
            "output": part.findtext("output"),
            "status": part.findtext("status"),
            "description": part.findtext("description", ""),
            "places": list(
                zip(
                    [place.text for place in part.findall("destination")],
                    [place.text for place in part.findall("destination_status")],
                    strict=True,
                )
            ),
        }
        for part in root.findall("format")
    ] == [
        {
            "taskid": str(part.taskid),
            "output": part.output,
            "status": part.status,
            "description": part.description,
            "places": [(place.url, place.status) for place in part.destinations],
        }
        for part in called.formats
    ]
