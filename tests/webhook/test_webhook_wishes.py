"""What a receiver may ask for besides: to be left alone for a while, this message never again, nothing ever again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.model import Command, Outcome
from notifier.webhook.verdict import commanded
from notifier.webhook.wishes import command, retry_after

NOW = 784_111_777.0
"""1994-11-06T08:49:37Z, the moment of all examples of RFC 9110."""
DAY = 86400.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("30", 30),
        (" 030 ", 30),
        ("0.1", 1),
        ("29.0", 29),
        ("29.", 29),
        ("29.000001", 30),
        ("86400", DAY),
        ("86399.5", DAY),
        ("86401", DAY),
        ("9" * 5000, DAY),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
        ("Sun Nov  6 08:50:37 1994", 60),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:36 GMT", 0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", DAY),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
    ],
)
@pytest.mark.parametrize("status", [429, 500, 503, 599])
def test_a_receiver_is_left_alone_for_as_long_as_it_asks_and_a_day_at_most(status, text, seconds):
    assert retry_after(status, {"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "-0", "1e3", "nan", "NaN", "inf", "infinity", "1,5", "30, 60", "30 s", "0x10", ".5", "①②", "soon",
     "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 +0000", "06 Nov 1994 08:49:37 GMT",
     "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:00:00 GMT", "1994-11-06T08:49:37Z"],
)  # fmt: skip
def test_what_cannot_be_read_asks_for_nothing(text):
    assert retry_after(429, {"retry-after": text}, NOW) is None


def test_where_nothing_is_asked_there_is_nothing():
    assert retry_after(503, {}, NOW) is None


@pytest.mark.parametrize("status", [200, 202, 301, 304, 400, 408, 410, 428, 430, 499, 600])
def test_only_what_is_too_much_or_broken_may_ask_for_time(status):
    assert retry_after(status, {"retry-after": "30"}, NOW) is None


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:57 GMT", 40),
        ("Sunday, 06-Nov-94 08:49:57 GMT", 40),
        ("Sun Nov  6 08:49:57 1994", 40),
        ("Sat, 05 Nov 1994 08:49:37 GMT", DAY),
        ("Mon, 07 Nov 1994 08:49:37 GMT", 0),
        ("yesterday", 60),
    ],
)
def test_a_date_is_taken_by_the_receivers_own_clock_where_that_is_told(date, seconds):
    headers = {"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT", "date": date}
    assert retry_after(503, headers, NOW) == seconds


def test_seconds_need_no_clock():
    assert retry_after(503, {"retry-after": "30", "date": "Mon, 07 Nov 1994 08:49:37 GMT"}, NOW) == 30


@given(st.text(), st.text(), st.floats(0, 4e9))
def test_whatever_is_asked_is_none_or_within_a_day(text, date, now):
    asked = retry_after(429, {"retry-after": text, "date": date}, now)
    assert asked is None or 0 <= asked <= DAY


# --- commands


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("abort-message", Command.ABORT),
        (" Abort-Message ", Command.ABORT),
        ("disable", Command.DISABLE),
        ("DISABLE", Command.DISABLE),
        ("", None),
        ("enable", None),
        ("abort", None),
        ("disable, abort-message", None),
    ],
)
def test_a_receiver_may_order_two_things(text, order):
    assert command(Outcome.HTTP_5XX, {"webhook-delivery": text}, proven=True) is order
    assert command(Outcome.HTTP_5XX, {"webhook-delivery": text}, proven=False) is None


def test_where_nothing_is_ordered_there_is_nothing():
    assert command(Outcome.HTTP_5XX, {}, proven=True) is None


def test_what_is_delivered_cannot_be_aborted_but_the_endpoint_disabled():
    assert command(Outcome.DELIVERED, {"webhook-delivery": "abort-message"}, proven=True) is None
    assert command(Outcome.DELIVERED, {"webhook-delivery": "disable"}, proven=True) is Command.DISABLE


@pytest.mark.parametrize(
    ("order", "outcome", "becomes"),
    [
        (Command.ABORT, Outcome.HTTP_5XX, Outcome.ABORTED),
        (Command.ABORT, Outcome.HTTP_4XX, Outcome.ABORTED),
        (Command.ABORT, Outcome.HTTP_3XX, Outcome.ABORTED),
        (Command.ABORT, Outcome.PROTOCOL, Outcome.ABORTED),
        (Command.ABORT, Outcome.HTTP_410, Outcome.HTTP_410),
        (Command.ABORT, Outcome.HTTP_429, Outcome.HTTP_429),
        (Command.DISABLE, Outcome.HTTP_5XX, Outcome.HTTP_5XX),
        (Command.DISABLE, Outcome.DELIVERED, Outcome.DELIVERED),
    ],
)
def test_what_speaks_of_the_whole_endpoint_goes_on_to_do_so(order, outcome, becomes):
    found, note = commanded(order, outcome, "app answers", "app")
    assert found is becomes
    assert note == f"app answers; its webhook-delivery says {order.value}"


def test_where_nothing_has_failed_the_note_says_so():
    assert (
        commanded(Command.DISABLE, Outcome.DELIVERED, "", "app")[1] == "app takes it; its webhook-delivery says disable"
    )
