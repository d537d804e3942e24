"""Moments and spans of time, as people and programs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.moments import ago, moment, rfc_3339, seconds, unit

NOW = 1_800_000_000.0


@pytest.mark.parametrize(("text", "length"), [("0s", 0), ("90s", 90), ("2m", 120), ("36h", 129600), ("3d", 259200)])
def test_a_duration_is_a_number_and_a_unit(text, length):
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "2", "h", "2 h", "-2h", "2.5h", "2w", "1h30m", "٢h", "1234567890s", "2h\n"])
def test_what_is_no_duration_is_told_what_one_is(text):
    with pytest.raises(ValueError, match='expected a duration like "5s"'):
        seconds(text)


@given(st.integers(0, 250_000_000_000).map(lambda ms: ms / 1000))
def test_a_moment_is_read_as_it_is_written(at):
    assert moment(rfc_3339(at)) == pytest.approx(at, abs=0.001)


def test_a_moment_is_written_to_the_millisecond_even_at_a_full_second():
    assert rfc_3339(NOW) == "2027-01-15T08:00:00.000Z"


def test_the_last_moment_is_the_last_that_can_be_written():
    assert moment("9999-12-31T23:59:59Z") == 253402300799
    with pytest.raises(ValueError, match="expected a date, a time and its offset"):
        moment("9999-12-31T23:59:00-00:01")


def test_a_moment_may_have_any_offset():
    assert moment("2026-12-01t01:00:00.5+01:00") == moment("2026-12-01T00:00:00.5Z") == moment("2026-12-01 00:00:00.5z")


@pytest.mark.parametrize(
    "text", ["", "2026-12-01", "2026-12-01T00:00:00", "2026-02-30T00:00:00Z", "20261201T000000Z", "soon"]
)
def test_what_is_no_moment_is_told_what_one_is(text):
    with pytest.raises(ValueError, match="expected a date, a time and its offset"):
        moment(text)


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (0, "now"),
        (0.9, "now"),
        (-1, "1 s ago"),
        (-59.9, "59 s ago"),
        (-60, "1 min ago"),
        (-200, "3 min ago"),
        (-3600, "1 h ago"),
        (-47.9 * 3600, "47 h ago"),
        (-48 * 3600, "2 d ago"),
        (5, "in 5 s"),
        (3 * 86400, "in 3 d"),
    ],
)
def test_how_far_off_it_is_is_told_as_people_say_it(off, words):
    assert ago(NOW + off, NOW) == words


@pytest.mark.parametrize(
    ("length", "word"), [(1, "s"), (60, "m"), (3600, "h"), (86400, "d"), (90, "90s"), (0.5, "0.5s")]
)
def test_a_rate_is_told_by_its_unit_where_it_has_one(length, word):
    assert unit(length) == word
