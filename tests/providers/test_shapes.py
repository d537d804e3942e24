"""Foreign JSON becomes values that fit us, or nothing; one rotten row spoils itself alone."""

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from notifier.core.model import Observation, Status
from notifier.core.render import iso
from notifier.providers.base import Malformed
from notifier.providers.shapes import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    LONGEST_URL,
    Count,
    Flag,
    Id,
    Shape,
    Text,
    Title,
    Url,
    When,
    Word,
    count,
    each,
    flag,
    moment,
    reference,
    text,
    whole,
    word,
)

NOON = 1_763_726_400.0
"""2025-11-21T12:00:00Z"""
NOT_JSON_TEXT = [None, True, False, [], ["a"], {}, {"a": 1}]


class Row(Shape):
    id: Id
    status: Word
    title: Title = None
    note: Text = None
    url: Url = None
    at: When = None
    ok: Flag = None
    total: Count = None


def observed(row):
    return Observation("post", Row.model_validate(row).id, Status.QUEUED)


# --- moments


@pytest.mark.parametrize(
    "written",
    [
        "2025-11-21T12:00:00Z",
        "2025-11-21T12:00:00.000Z",
        "2025-11-21T12:00:00+00:00",
        "2025-11-21T13:00:00+01:00",
        "2025-11-21 12:00:00Z",
        " 2025-11-21T12:00:00Z\n",
    ],
)
def test_one_moment_has_many_spellings(written):
    assert moment(written) == NOON


def test_a_time_without_a_zone_is_utc():
    assert moment("2025-11-21T12:00:00") == NOON
    assert moment("2025-11-21") == NOON - 12 * 3600


def test_a_moment_without_a_zone_may_be_of_another_one_than_utc():
    there = timezone(timedelta(hours=2))
    assert moment("2025-11-21 14:00:00", zone=there) == NOON
    assert moment("2025-11-21T12:00:00Z", zone=there) == NOON


def test_a_moment_keeps_its_fraction():
    assert moment("2025-11-21T12:00:00.250Z") == NOON + 0.25


@pytest.mark.parametrize("value", ["", "soon", "ISO Date", "2025-13-01", "\ud800", NOON, int(NOON), *NOT_JSON_TEXT])
def test_what_is_no_moment_is_none(value):
    assert moment(value) is None


ZERO = "1970-01-01 05:00:00.000001+05:00"
"""To the millisecond, to which moments are written."""


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", ZERO])
def test_a_zero_date_is_no_date(value):
    assert moment(value) is None


@pytest.mark.parametrize(
    "value", ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_moment_beyond_the_calendar_is_none_and_ends_nothing(value):
    assert moment(value) is None


@given(st.datetimes(timezones=st.none() | st.timezones()).map(str))
def test_every_moment_that_is_read_can_be_written(written):
    read = moment(written)
    assert read is None or moment(iso(read)) == pytest.approx(read, abs=0.001)


# --- texts


def test_a_text_is_trimmed_and_cut():
    assert text()("  two words\n") == "two words"
    assert text()("x" * (LONGEST_TEXT + 1)) == "x" * LONGEST_TEXT
    assert text(3)(" abcd") == "abc"


def test_a_number_is_a_text_too():
    assert (text()(7), text()(7.5), text()(0)) == ("7", "7.5", "0")


@pytest.mark.parametrize("value", ["", "  \n", *NOT_JSON_TEXT])
def test_bools_nothing_and_containers_are_no_texts(value):
    assert (text()(value), reference(value), word(value)) == (None, None, None)


def test_half_a_surrogate_pair_does_not_end_the_program():
    assert text()("cut \ud83d") == "cut ?"
    assert text()("\U0001f600") == "\U0001f600"


def test_a_nul_is_left_out():
    assert text()("a\0b\0") == "ab"
    assert text()("\0 ") is None


@given(st.text(st.characters()), st.integers(1, 50))
def test_every_text_can_be_stored_and_fits(value, longest):
    read = text(longest)(value)
    assert read is None or (0 < len(read) <= longest and read.encode() and "\0" not in read)


def test_what_means_nothing_once_cut_is_whole_or_none():
    longest = "x" * LONGEST_URL
    assert reference(f" {longest} ") == longest
    assert reference(longest + "x") is None
    assert reference(65) == "65"


def test_a_word_is_compared_trimmed_and_in_lower_case():
    assert word(" In_Progress ") == "in_progress"


def test_a_flag_is_a_bool_and_nothing_else():
    assert [flag(value) for value in (True, False, 1, 0, "true", None)] == [True, False, None, None, None, None]


def test_a_count_is_a_whole_number_from_0_on():
    assert [count(value) for value in (0, 13, -1, True, 1.5, "13", None)] == [0, 13, None, None, None, None, None]


# --- objects


def test_only_what_is_required_is_required():
    assert Row.model_validate({"id": 5, "status": "x"}) == Row(id="5", status="x")


def test_optional_members_of_another_type_are_not_there():
    wrong = {"title": [], "note": {}, "url": True, "at": 5, "ok": "yes", "total": "5"}
    assert Row.model_validate({"id": "a", "status": "x", **wrong}) == Row(id="a", status="x")


def test_members_that_nobody_named_are_passed_over():
    assert "more" not in Row.model_validate({"id": "a", "status": "x", "more": 1}).model_dump()


def test_members_are_cut_to_their_length():
    row = Row.model_validate(
        {"id": "a", "status": "s" * 1001, "title": "t" * 501, "note": "n" * 1001, "url": "u" * 2049}
    )
    assert (len(row.status), len(row.title), len(row.note)) == (LONGEST_TEXT, LONGEST_TITLE, LONGEST_TEXT)
    assert row.url is None


@pytest.mark.parametrize("document", [None, [], "text", 5, {}, {"id": None, "status": "x"}, {"id": "", "status": "x"}])
def test_a_document_of_another_shape_is_malformed(document):
    with pytest.raises(Malformed, match=r"^not as documented: "):
        whole(Row, document)


def test_a_document_of_the_shape_is_taken():
    assert whole(Row, {"id": "a", "status": "x"}).id == "a"


def test_no_fault_shows_a_value():
    with pytest.raises(Malformed) as caught:
        whole(Row, {"id": ["secret"], "status": {"secret": 1}})
    assert str(caught.value) == "not as documented: id: no text; status: no text"
    assert caught.value.__cause__ is None
    with pytest.raises(ValidationError) as raised:
        Row.model_validate({"id": ["secret"], "status": "secret"})
    assert "secret" not in str(raised.value)


def test_a_fault_of_the_whole_and_at_most_three_of_its_members_are_named():
    class Many(Shape):
        a: Id
        b: Id
        c: Id
        d: Id

    with pytest.raises(Malformed, match=r"^not as documented: it: no object$"):
        whole(Many, 5)
    with pytest.raises(Malformed, match=r"^not as documented: a: missing; b: missing; c: missing$"):
        whole(Many, {})


def test_one_rotten_row_does_not_spoil_its_page():
    rows = [{"id": "a", "status": "x"}, {"status": "x"}, "secret", {"id": "b", "status": "y"}]
    seen, skipped = each(rows, observed)
    assert [one.id for one in seen] == ["a", "b"]
    assert skipped == ("row 2: id: missing", "row 3: it: no object")


def test_no_rows_say_nothing():
    assert each([], observed) == ((), ())


def test_a_bug_of_ours_is_no_rotten_row():
    with pytest.raises(ZeroDivisionError):
        each([{}], lambda _: 1 / 0)
