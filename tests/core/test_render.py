"""The formats, byte by byte."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import NOW, delivery

from notifier.core.encoding_com_call import call
from notifier.core.model import Event
from notifier.core.render import FORMATS, cloudevents, content_type, headers, iso, rendered, standard


def test_a_body_is_compact_in_order_and_plain_utf_8():
    data = {"b": None, "a": ["é", "日本", "🎬", "\u2028", 'q"\\', "</script>", "\n"]}
    assert (
        standard("evt_1", "upload.completed", NOW, data)
        == (
            '{"id":"evt_1","type":"upload.completed","timestamp":"2026-11-21T12:00:00.000Z",'
            '"data":{"b":null,"a":["é","日本","🎬","\u2028","q\\"\\\\","</script>","\\n"]}}'
        ).encode()
    )


@given(
    st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
)
def test_a_body_says_what_was_put_into_it(data):
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    body = json.loads(standard("evt_1", "x", NOW, data))
    assert list(body) == ["id", "type", "timestamp", "data"]
    assert body["data"] == data


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_is_not_sent(number):
    with pytest.raises(ValueError, match="JSON"):
        standard("evt_1", "x", NOW, {"progress": number})


# --- CloudEvents


def event(data, **more):
    about = {"source": "posts", "lane": 7, "sequence": 3, "status": None, "upload": "ü 1", **more}
    return Event("evt_1", "upload.completed", NOW, body=standard("evt_1", "upload.completed", NOW, data), **about)


def test_a_cloudevent_has_the_data_of_the_body_and_tells_the_rest_by_attributes():
    data = {"source": "posts", "upload": {"title": "日本 🎬\u2028"}, "number": 1e-7}
    assert cloudevents(event(data)) == (
        b'{"specversion":"1.0","id":"evt_1","source":"/sources/posts","type":"upload.completed","subject":"\xc3\xbc 1",'
        b'"time":"2026-11-21T12:00:00.000Z","datacontenttype":"application/json","sequence":"0000000003","data":'
        + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        + b"}"
    )


def test_what_is_about_no_upload_has_no_subject():
    assert "subject" not in json.loads(cloudevents(event({"source": "posts"}, upload=None)))


@pytest.mark.parametrize(
    ("data", "source"),
    [
        ({"source": "posts", "provider": "upload_post"}, "/sources/posts"),
        ({"endpoint": "app"}, "/endpoints/app"),
        ({}, "/notifier"),
    ],
)
def test_the_source_of_a_cloudevent_is_whom_it_is_about(data, source):
    assert json.loads(cloudevents(event(data)))["source"] == source


@given(st.integers(1, 2**31), st.integers(1, 2**31))
def test_sequences_as_text_stand_in_their_order(one, other):
    first, second = (json.loads(cloudevents(event({}, sequence=each)))["sequence"] for each in (one, other))
    assert (first < second) == (one < other)
    assert len(first) == len(second) == 10


TOLD = {
    "id": "u1",
    "media_id": 7,
    "status": "completed",
    "raw_status": "done",
    "reason": None,
    "url": None,
    "targets": [],
}
MADE = {"cloudevents": cloudevents, "encoding_com": lambda event: call(event, "encoding_com")}


def test_every_format_has_its_content_type_and_standard_is_never_made_twice():
    whole = event({"source": "posts", "provider": "upload_post", "upload": TOLD})
    assert set(rendered(whole, FORMATS).renderings) == set(FORMATS) - {"standard"}
    assert rendered(whole, FORMATS).renderings == {name: how(whole) for name, how in MADE.items()}
    assert len({content_type(one) for one in FORMATS}) == len(FORMATS)


# --- moments


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "2026-11-21T12:00:00Z"),
        (NOW + 0.123, "2026-11-21T12:00:00.123Z"),
        (NOW + 0.1, "2026-11-21T12:00:00.100Z"),
        (NOW + 0.0004, "2026-11-21T12:00:00Z"),
        (NOW - 0.0004, "2026-11-21T12:00:00Z"),
        (NOW + 0.9996, "2026-11-21T12:00:01Z"),
        (0.0, "1970-01-01T00:00:00Z"),
        (253402214400.0, "9999-12-31T00:00:00Z"),
        (None, None),
    ],
)
def test_moments_are_rfc_3339_in_utc_with_milliseconds_where_there_are_any(moment, text):
    assert iso(moment) == text


def test_milliseconds_stand_where_they_are_asked_for():
    assert iso(NOW, always_ms=True) == "2026-11-21T12:00:00.000Z"
    assert iso(None, always_ms=True) is None


@given(st.integers(0, 253402214399999))
def test_a_moment_survives_being_written(ms):
    text = iso(ms / 1000, always_ms=True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    read = datetime.fromisoformat(text)
    assert read.tzinfo == UTC
    assert round(read.timestamp() * 1000) == ms


@pytest.mark.parametrize(
    ("format_", "type_", "says"),
    [
        ("standard", "application/json", True),
        ("cloudevents", "application/cloudevents+json; charset=utf-8", True),
        ("encoding_com", "application/x-www-form-urlencoded", False),
    ],
)
def test_what_is_owed_again_says_so_but_for_a_call(format_, type_, says):
    again = {"notifier-replay": "true"} if says else {}
    assert headers(delivery(format=format_)) == {"content-type": type_}
    assert headers(delivery(format=format_, replay=3)) == {"content-type": type_, **again}


def test_there_are_three_formats():
    assert FORMATS == ("standard", "cloudevents", "encoding_com")
