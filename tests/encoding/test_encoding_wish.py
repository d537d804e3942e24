"""Which media a question means, and what it is told where it means none."""

from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.server.encoding.question import Complaint
from notifier.server.encoding.wish import LARGEST_ID, LONGEST_ECHO, MOST_IDS, Page, echo, ids, number, page


def complaint(ask, **told):
    with pytest.raises(Complaint) as raised:
        ask(told)
    return str(raised.value)


def test_one_id_or_several_with_commas_each_once_and_in_order():
    assert ids({"mediaid": "1042"}) == ["1042"]
    assert ids({"mediaid": " 3, 1,2 ,,1,"}) == ["3", "1", "2"]


@pytest.mark.parametrize("told", [{}, {"mediaid": ""}, {"mediaid": " , ,"}])
def test_no_id_is_complained_of(told):
    assert complaint(ids, **told) == "mediaid is missing: the ids of one media or of several, with commas between them"


def test_there_is_an_end_to_how_many_are_asked_for_at_once():
    assert len(ids({"mediaid": ",".join(map(str, range(MOST_IDS)))})) == MOST_IDS
    said = complaint(ids, mediaid=",".join(map(str, range(MOST_IDS + 1))))
    assert said == "mediaid has 2001 ids: at most 2000 are answered at once"


@pytest.mark.parametrize(
    ("id_", "wanted"),
    [("1042", 1042), ("0042", 42), (str(LARGEST_ID), LARGEST_ID)]
    + [(odd, None) for odd in ("0", "-1", "1.5", "abc", "٣", "1 2", str(LARGEST_ID + 1), "9" * 1000)],
)
def test_an_id_is_a_number_that_a_media_can_have(id_, wanted):
    assert number(id_) == wanted


def at(*moment):
    return datetime(*moment, tzinfo=UTC).timestamp()


def test_a_page_is_the_first_and_the_newest_where_nothing_is_said():
    assert page({}) == Page(1, 10, -inf, inf, newest_first=True)
    assert page({"order": "", "page": "", "sort": ""}) == page({})


def test_a_page_is_the_one_that_is_asked_for():
    told = {"page": "3", "per_page": "100", "sort": "created", "order": "ASC"}
    assert page(told) == Page(3, 100, -inf, inf, newest_first=False)


def test_a_day_lasts_to_its_end_and_a_second_to_its_own():
    days = page({"date_from": "2026-11-20", "date_to": "2026-11-21"})
    assert (days.since, days.until) == (at(2026, 11, 20), at(2026, 11, 22))
    seconds = page({"date_from": "2026-11-20 01:02:03", "date_to": "2026-11-20 01:02:03"})
    assert (seconds.since, seconds.until) == (at(2026, 11, 20, 1, 2, 3), at(2026, 11, 20, 1, 2, 4))


DATE = "expected YYYY-MM-DD, or YYYY-MM-DD HH:MM:SS"
WRONG = [
    ("page", "0", "page is '0': expected 1 to 1000000"),
    ("page", "1e9", "page is '1e9': expected 1 to 1000000"),
    ("page", "9" * 5000, f"page is '{'9' * LONGEST_ECHO}': expected 1 to 1000000"),
    ("per_page", "4", "per_page is '4': expected 5 to 100"),
    ("per_page", "101", "per_page is '101': expected 5 to 100"),
    ("order", "up", "order is 'up': expected desc or asc"),
    ("sort", "Finished", "sort is 'finished': expected created"),
    ("date_from", "yesterday", f"date_from is 'yesterday': {DATE}"),
    ("date_to", "2026-02-30", f"date_to is '2026-02-30': {DATE}"),
    ("mediaid", "1", "a list cannot be asked for by mediaid here: ask for all, or with GetStatus"),
    ("taskid", "1", "a list cannot be asked for by taskid here: ask for all, or with GetStatus"),
    ("output", "mp4", "a list cannot be asked for by output here: ask for all, or with GetStatus"),
]


@pytest.mark.parametrize(("name", "text", "said"), WRONG)
def test_what_a_list_cannot_be_is_complained_of_by_its_name(name, text, said):
    assert complaint(page, **{name: text}) == said


@given(st.text(st.characters(), max_size=200))
def test_what_is_echoed_can_be_shown_and_is_short(text):
    shown = echo(text)
    assert shown.isprintable()
    assert len(shown) <= 2 + 10 * LONGEST_ECHO
    shown.encode()


def test_the_end_of_time_is_a_day_like_others():
    assert page({"date_to": "9999-12-31"}).until == 253402300800.0
