"""The `standard` format, byte by byte."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import NOW

from notifier.core.render import iso, standard


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
