"""Uploads as the media that Encoding.com would have had: its words, its formats, where their results are."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import observations, seen, upload

from notifier.core.encoding_com import (
    CALLED,
    ENCODING_COM,
    TASK_WORDS,
    WORDS,
    Destination,
    Format,
    clean,
    is_called,
    medium,
    places,
)
from notifier.core.events import EVENT_TYPES
from notifier.core.model import Reason, Status, Target, TargetStatus

S, T = Status, TargetStatus
TEN = {
    "New", "Downloading", "Downloaded", "Ready to process", "Waiting for encoder", "Processing", "Saving", "Finished",
    "Error", "Stopped",
}  # fmt: skip
NO_WORDS = Reason("error", "")


def target(name="x", status=T.COMPLETED, **more):
    return Target(name, status, **{"task": 2107, **more})


def told(status, *targets, provider="upload_post", **more):
    return medium(upload(), seen(status, targets=targets, **more), provider)


# --- words


def test_every_status_is_one_of_the_ten_words():
    assert set(WORDS) == set(Status)
    assert set(TASK_WORDS) == set(TargetStatus)
    assert set(WORDS.values()) | set(TASK_WORDS.values()) <= TEN


@pytest.mark.parametrize(("status", "word"), WORDS.items())
def test_a_media_has_the_word_for_the_status(status, word):
    assert told(status).status == word


def test_what_is_encoding_coms_own_keeps_its_word_until_a_callback_tells_of_it():
    own = {"provider": ENCODING_COM}
    assert told(S.PROCESSING, raw_status="Saving", **own).status == "Saving"
    assert told(S.UNKNOWN, raw_status="Mislaid", **own).status == "Mislaid"
    assert told(S.QUEUED, raw_status=None, **own).status == "Waiting for encoder"
    assert told(S.PARTIAL, raw_status="Error", **own).status == "Finished"
    assert told(S.COMPLETED, raw_status="finished", **own).status == "Finished"


def test_a_call_is_made_of_the_end_and_of_what_waits_for_a_person_where_that_is_asked_for():
    called = {type_ for type_ in EVENT_TYPES if is_called(type_, announce_ready=False)}
    assert called == {"upload.completed", "upload.partial", "upload.failed"}
    ready = {type_ for type_ in EVENT_TYPES if is_called(type_, announce_ready=True)}
    assert ready == called | {"upload.action_required"}
    assert not is_called("notifier.ping", announce_ready=True)


# --- formats


@pytest.mark.parametrize("status", TargetStatus)
def test_a_finished_media_has_finished_formats(status):
    (one,) = told(S.COMPLETED, target(status=status)).formats
    assert (one.status, one.description) == ("Finished", "")


def test_a_failure_leaves_no_format_that_could_still_be_made():
    parts = [target(f"p{number}", status, url="https://a.example/1") for number, status in enumerate(TargetStatus)]
    media = told(S.FAILED, *parts, reason=Reason("error", "Download error:  403 Forbidden"))
    assert (media.status, media.description) == ("Error", "Download error:  403 Forbidden")
    assert {(one.status, one.description, one.destinations) for one in media.formats} == {
        ("Error", "Download error:  403 Forbidden", ())
    }


@pytest.mark.parametrize("reason", [None, NO_WORDS, Reason("error", "\x00\x1f")])
def test_a_failure_without_a_reason_says_error(reason):
    media = told(S.FAILED, target(status=T.FAILED, reason=reason), reason=reason)
    assert (media.description, media.formats[0].description) == ("Error", "Error")


def test_a_format_has_its_own_reason():
    media = told(S.FAILED, target(status=T.FAILED, reason=Reason("e", "its own")), reason=Reason("e", "of all"))
    assert media.formats[0].description == "its own"


def test_a_partial_one_is_finished_and_each_format_says_for_itself():
    media = told(
        S.PARTIAL, target("a", url="https://a.example/1"), target("b", T.FAILED, reason=Reason("e", "too large")),
        target("c", T.SKIPPED),
    )  # fmt: skip
    assert (media.status, media.description) == ("Finished", "")
    assert [(one.status, one.description, len(one.destinations)) for one in media.formats] == [
        ("Finished", "", 1), ("Error", "too large", 0), ("Error", "Error", 0),
    ]  # fmt: skip


def test_what_waits_for_a_person_has_new_formats():
    assert told(S.ACTION_REQUIRED, target(status=T.ACTION_REQUIRED)).formats[0].status == "New"
    assert told(S.ACTION_REQUIRED).formats[0].status == "New"
    made = target("mp4:2107", raw_status="Processing")
    assert told(S.ACTION_REQUIRED, made, provider=ENCODING_COM).formats[0].status == "New"


@pytest.mark.parametrize("status", [S.DRAFT, S.SCHEDULED, S.QUEUED, S.UNKNOWN])
def test_formats_are_new_until_the_upload_is_processed(status):
    assert told(status, target(status=T.QUEUED)).formats[0].status == "New"
    assert told(status).formats[0].status == "New"


@pytest.mark.parametrize("status", TargetStatus)
def test_formats_have_words_of_their_own_while_the_upload_is_processed_and_once_it_is_stopped(status):
    assert told(S.PROCESSING, target(status=status)).formats[0].status == TASK_WORDS[status]
    assert told(S.CANCELLED, target(status=status)).formats[0].status == TASK_WORDS[status]


def test_encoding_coms_own_formats_keep_their_words_until_a_callback_tells_of_them():
    one = target("mp4:2107", T.QUEUED, raw_status="Waiting for encoder")
    assert told(S.QUEUED, one, provider=ENCODING_COM).formats[0].status == "Waiting for encoder"
    assert told(S.FAILED, one, provider=ENCODING_COM).formats[0].status == "Error"


def test_an_upload_without_targets_is_one_format():
    media = told(S.COMPLETED, task=9, url="https://cdn.example/out/clip.mp4")
    assert media.formats == (
        Format(9, "mp4", "Finished", "", (Destination("https://cdn.example/out/clip.mp4", "Saved"),)),
    )
    assert told(S.PROCESSING).formats == (Format(7, "mp4", "Processing"),)


def test_formats_stand_in_the_order_of_their_targets():
    names = ["b", "c", "a"]
    parts = [target(name, task=number) for number, name in enumerate(names, 1)]
    assert [one.taskid for one in told(S.COMPLETED, *parts).formats] == [1, 2, 3]


def test_one_target_without_a_url_has_the_uploads():
    where = {"url": "https://a.example/page"}
    assert told(S.COMPLETED, target(), **where).formats[0].destinations[0].url == "https://a.example/page"
    assert [one.destinations for one in told(S.COMPLETED, target("a"), target("b"), **where).formats] == [(), ()]
    assert told(S.COMPLETED, target("mp4:2107"), provider=ENCODING_COM, **where).formats[0].destinations == ()


def test_a_task_without_a_number_has_that_of_its_media():
    assert told(S.COMPLETED, target(task=None)).formats[0].taskid == 7


def test_an_output_is_what_the_endpoint_says_or_encoding_com_itself():
    one = target("fl9:2107", task=2107)
    assert medium(upload(), seen(S.COMPLETED, targets=(one,)), "xenonflare", "m4v").formats[0].output == "m4v"
    assert medium(upload(), seen(S.COMPLETED, targets=(one,)), ENCODING_COM, "m4v").formats[0].output == "fl9"


def test_several_destinations_are_encoding_coms_alone():
    parts = (
        target("mp4:5", url=None),
        target("mp4:5/1", url="ftp://a.example/1.mp4", task=None),
        target("mp4:5/2", T.FAILED, url="ftp://b.example/1.mp4", reason=Reason("error", "no room"), task=None),
        target("mp4:5/3", T.PROCESSING, url="ftp://c.example/1.mp4", raw_status="Uploading", task=None),
        target("mp4:5/4", T.PROCESSING, url=None, task=None),
    )
    (one,) = told(S.PARTIAL, *parts, provider=ENCODING_COM).formats
    assert [(place.url, place.status) for place in one.destinations] == [
        ("ftp://a.example/1.mp4", "Saved"),
        ("ftp://b.example/1.mp4", "Error (no room)"),
        ("ftp://c.example/1.mp4", "Uploading"),
        ("", "Open"),
    ]
    assert len(told(S.PARTIAL, *parts).formats) == 5
    assert places(parts) == {f"mp4:5/{number}": "mp4:5" for number in range(1, 5)}
    assert places(parts[1:]) == {}  # of a format that is not there


# --- the source


@pytest.mark.parametrize(
    "url", ["https://cdn.example/in/clip+one.mov", "http://a.example/x.mp4", "https://a.example/d.e/clip.fl9"]
)
def test_a_file_is_its_own_source(url):
    assert told(S.COMPLETED, url=url).source == url


@pytest.mark.parametrize(
    "url",
    [
        None, "https://a.example", "https://a.example/watch", "https://a.example/clip.mov?token=a.b/c",
        "https://a.example/clip.mov#t=1", "https://a.example/d.e/clip", "https://a.example/clip.", "clip.mov",
    ],
)  # fmt: skip
def test_what_is_no_file_has_a_source_that_looks_like_one(url):
    assert told(S.COMPLETED, url=url).source == "https://notifier.invalid/posts/u1.mp4"


def test_an_id_cannot_break_out_of_the_source():
    spaced = medium(replace(upload(), id="a b/c"), seen(S.COMPLETED), "http_json").source
    assert spaced == "https://notifier.invalid/posts/a_b_c.mp4"
    odd = replace(upload(), id="../a b/\n<é>?x=1.mov" + "z" * 500)
    source = medium(odd, seen(S.COMPLETED), "http_json", "m4v").source
    assert re.fullmatch(r"https://notifier\.invalid/posts/[A-Za-z0-9_-]{1,100}\.m4v", source)


def test_encoding_coms_source_is_its_own_whatever_it_looks_like():
    assert told(S.COMPLETED, url="sftp://a.example/raw", provider=ENCODING_COM).source == "sftp://a.example/raw"
    assert told(S.COMPLETED, provider=ENCODING_COM).source == "https://notifier.invalid/posts/u1.mp4"


def test_an_encoding_coms_upload_without_formats_has_no_destination():
    media = told(S.COMPLETED, url="https://a.example/in.mov", provider=ENCODING_COM)
    assert media.formats[0].destinations == ()


# --- whatever is said


def test_a_text_is_on_one_line_and_xml_can_hold_it():
    assert clean("a\r\nb\tc\u2028d\x00\x1f\ud800\ufffe\x7f🎬") == "a  b c d\x7f🎬"


@given(observations, st.sampled_from(["upload_post", ENCODING_COM]))
def test_whatever_was_said_is_a_media_with_a_source_a_word_and_a_format(observed, provider):
    media = medium(upload(), observed, provider)
    assert media.formats
    assert media.source
    assert media.status in TEN or provider == ENCODING_COM
    if observed.status in CALLED:
        words = {"Finished": {"Finished", "Error"}, "Error": {"Error"}, "Ready to process": {"New"}}[media.status]
        assert {one.status for one in media.formats} <= words
    assert all(bool(one.description) == (one.status == "Error") for one in media.formats)
