"""What headers tell of limits: four dialects, in their order, and whatever else comes as a header."""

from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from notifier.core.allowance import Allowance
from notifier.core.budget import Budget, may_go, refused, told
from notifier.core.model import Limit, Rate
from notifier.providers.limits import read, told_limit, told_reset, told_skew, told_wait

AT = 1_784_000_000.0
"""2026-07-14T03:33:20Z"""
IN_40 = "Tue, 14 Jul 2026 03:34:00 GMT"
HOUR = 3600.0


def wait(headers):
    return told_wait(read(headers, AT))


def reset(headers):
    return told_reset(read(headers, AT))


def limit(headers):
    return told_limit(read(headers, AT))


# --- Retry-After


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("1.2", 1.2),
        ("0", 0),
        ("3600", HOUR),
        ("3601", HOUR),
        ("99999999999999999999", HOUR),
        ("999999999999999999999", None),
        ("-5", None),
        ("+5", None),
        ("1e3", None),
        ("1_000", None),
        ("٣", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        (IN_40, 40),
        ("Tue, 14 Jul 2026 03:34:00 -0000", 40),
        ("Tue, 14 Jul 2026 05:34:00 +0200", 40),
        ("2026-07-14T03:34:00Z", 40),
        ("Mon, 13 Jul 2026 00:00:00 GMT", 0),
        ("Tue, 14 Jul 2099 03:34:00 GMT", HOUR),
        ("Tue, 31 Feb 2026 03:34:00 GMT", None),
        ("Tue, 14 Jul 2026 03:34:00 +99999999999999999999", None),
        ("9999-12-31T23:59:59-23:59", HOUR),
        ("0001-01-01T00:00:00+23:59", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date_or_nothing(text, seconds):
    assert wait({"Retry-After": text}) == seconds


def test_no_retry_after_asks_for_nothing():
    assert wait({"X-RateLimit-Reset": "30"}) is None


@pytest.mark.parametrize(("date", "seconds"), [("Tue, 14 Jul 2026 03:33:50 GMT", 10), ("some day", 40), ("", 40)])
def test_a_date_is_taken_by_the_clock_that_told_it(date, seconds):
    assert wait({"Date": date, "Retry-After": IN_40}) == seconds
    assert reset({"Date": date, "X-RateLimit-Reset": str(int(AT) + 40)}) == seconds
    assert reset({"Date": date, "X-RateLimit-Reset": "40"}) == 40


def test_their_clock_is_compared_with_ours():
    assert told_skew(read({"date": formatdate(AT + 90, usegmt=True)}, AT)) == 90.5
    assert told_skew(read({"date": formatdate(AT - 90, usegmt=True)}, AT)) == -89.5
    assert told_skew(read({"Date": "yesterday"}, AT)) is None
    assert told_skew(read({}, AT)) is None


# --- X-RateLimit-…


@pytest.mark.parametrize("name", ["X-RateLimit-", "X-Rate-Limit-", "x-ratelimit-", "X-RATE-LIMIT-", "RateLimit-"])
def test_a_limit_is_told_in_three_fields(name):
    fields = {f"{name}Limit": "60", f"{name}Remaining": "7", f"{name}Reset": str(int(AT) + 30)}
    assert limit(fields) == Limit(7, 30, 60)
    assert reset(fields) == 30


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60", 60),
        ("3600", 3600),
        ("3601", 3.601),
        ("45000", 45),
        ("1000000000", 1e6),
        (str(int(AT) + 60), 60),
        (f"{AT + 60.5}", 60.5),
        (str(int(AT) * 1000 + 60_500), 60.5),
        (str(int(AT) - 60), 0),
        ("2026-07-14T03:34:20Z", 60),
        ("2026-07-14T03:34:20.500+00:00", 60.5),
        ("2026-07-14T03:34:20", 60),
        ("Tue, 14 Jul 2026 03:34:20 GMT", 60),
        ("99999999999999999999", HOUR),
        ("999999999999999999999", None),
        ("-1", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
    ],
)
def test_what_a_reset_means_shows_in_its_size(text, seconds):
    told = limit({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": text})
    assert told == (None if seconds is None else Limit(7, seconds))
    assert reset({"X-RateLimit-Reset": text}) == (None if seconds is None else min(seconds, HOUR))


@pytest.mark.parametrize(
    ("text", "remaining"), [("7", 7), ("7.9", 7), ("0", 0), ("", None), ("-1", None), ("many", None), ("nan", None)]
)
def test_what_is_left_is_a_number(text, remaining):
    told = limit({"X-RateLimit-Remaining": text, "X-RateLimit-Reset": "60"})
    assert told == (None if remaining is None else Limit(remaining, 60))


@pytest.mark.parametrize(
    ("text", "total"),
    [("60", 60), ("100, 100;w=60", 100), ("10;w=1", 10), ("0", None), ("-1", None), ("", None), ("many", None)],
)
def test_a_limit_has_the_whole_of_the_window_where_it_is_told(text, total):
    fields = {"RateLimit-Remaining": "7", "RateLimit-Reset": "60", "RateLimit-Limit": text}
    assert limit(fields) == Limit(7, 60, total)


def test_a_limit_of_a_day_lasts_for_a_day_and_one_of_a_century_for_an_hour():
    fields = {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": str(int(AT) + 86_400)}
    assert limit(fields) == Limit(7, 86_400)
    assert limit({**fields, "X-RateLimit-Reset": str(int(AT) + 10**9)}) == Limit(7, HOUR)


# --- the IETF's drafts


@pytest.mark.parametrize(
    ("policy", "text", "told"),
    [
        ('"default";q=100;w=60', '"default";r=50;t=30', Limit(50, 30, 100, 60)),
        ('"default";q=100;w=60;pk=:dXNlcg==:', '"default";r=50;t=30;pk=:dXNlcg==:', Limit(50, 30, 100, 60)),
        (
            '"burst";q=10;w=10, "daily";q=5000;w=86400',
            '"burst";r=8;t=1, "daily";r=4998;t=69076',
            Limit(4998, 69076, 5000, 86400),
        ),
        ('"burst";q=10;w=10, "daily";q=5000;w=86400', '"burst";r=0;t=1,"daily";r=4;t=69076', Limit(0, 1, 10, 10)),
        ('"a";q=10;w=10, "b";q=50;w=60', '"a";r=0;t=1, "b";r=0;t=20', Limit(0, 20, 50, 60)),
        ('"a";q=10;w=10, "b";q=50;w=60', '"a";r=9;t=0, "b";r=40;t=1', Limit(40, 1, 50, 60)),
        ('"a";q=10;w=10', '"a";r=9;t=0', Limit(9, 0, 10, 10)),
        ('"bytes";q=9;w=9;qu="content-bytes", "a";q=5;w=60', '"bytes";r=0;t=9, "a";r=4;t=50', Limit(4, 50, 5, 60)),
        ('"a";q=5;w=60;qu="requests"', '"a";r=4;t=50', Limit(4, 50, 5, 60)),
        ('"a";q=5;w=60', '"a";r=4', Limit(4, 60, 5, 60)),
        ('"a";q=5', '"a";r=4', None),
        ("", '"a";r=4;t=50', Limit(4, 50)),
        ('"fixed window";"resolvers";q=3000;w=300', '"resolvers";r=0;t=52', Limit(0, 52)),
        ("default;q=5;w=60", "default;r=4;t=50", Limit(4, 50, 5, 60)),
        ('"a, \\"b\\";r=9";q=5;w=60', '"a, \\"b\\";r=9";r=4;t=50', Limit(4, 50, 5, 60)),
        ('"a";q=0;w=0', '"a";r=4;t=50', Limit(4, 50)),
        ('"a";q=5;w=60', '"a";r=-4;t=50', None),
        ('"a";q=5;w=60', '"a";r="4";t=50', None),
        ('"a";q=5;w=60', '"a";r=4.5;t=50', None),
        ('"a";q=5;w=60', '"a";t=50', None),
        ('"a";q=5;w=60', '"a";r=4;t=soon', None),
        ('"a";q=5;w=60', '"a;r=4;t=50', None),
        ('"a";q=5;w=60', '"a";r=4;t=50,,', None),
        ('"a";q=5;w=60', '"a";r=4;t=50 "b";r=1;t=9', None),
        ('"a";q=5;w=60', '"a";r=4;t=999999999999999999999', None),
        ('"a";q=5;w=60', '"a";r=4;t=99999999999999999999', Limit(4, HOUR, 5, 60)),
    ],
)
def test_of_several_policies_the_tightest_counts(policy, text, told):
    assert limit({"RateLimit-Policy": policy, "RateLimit": text}) == told


def test_fields_on_several_lines_are_one_list():
    lines = CIMultiDict(
        [
            ("RateLimit", '"a";r=9;t=10'),
            ("ratelimit", '"b";r=1;t=20'),
            ("RateLimit-Policy", '"a";q=10;w=10'),
            ("ratelimit-policy", '"b";q=5;w=60'),
            ("Retry-After", "5"),
            ("Retry-After", "9"),
        ]
    )
    assert limit(lines) == Limit(1, 20, 5, 60)
    assert wait(lines) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("limit=100, remaining=50, reset=30", Limit(50, 30, 100)),
        ("Limit=100,Remaining=50,Reset=30", Limit(50, 30, 100)),
        ('limit = 100; remaining = "50"; reset = 30', Limit(50, 30, 100)),
        (f"limit=100, remaining=50, reset={int(AT) + 30}", Limit(50, 30, 100)),
        ("remaining=50, reset=30", Limit(50, 30)),
        ("limit=100, remaining=50", None),
        ("limit=100, remaining=, reset=", None),
    ],
)
def test_an_older_draft_has_it_on_one_line(text, told):
    assert limit({"RateLimit": text}) == told


def test_the_first_dialect_that_tells_anything_counts():
    fields = {
        "X-Rate-Limit-Remaining": "1",
        "X-Rate-Limit-Reset": "41",
        "X-RateLimit-Remaining": "2",
        "X-RateLimit-Reset": "42",
        "RateLimit": "remaining=3, reset=43",
        "RateLimit-Remaining": "4",
        "RateLimit-Reset": "44",
    }
    told = []
    for name in ("RateLimit-Remaining", "RateLimit", "X-RateLimit-Remaining", "X-Rate-Limit-Remaining", "Date"):
        told.append(limit(fields))
        fields.pop(name, None)
    assert told == [Limit(4, 44), Limit(3, 43), Limit(2, 42), Limit(1, 41), None]
    assert limit({**fields, "RateLimit": '"a";r=5;t=45', "RateLimit-Remaining": "4"}) == Limit(5, 45)
    assert reset(fields) == 44


# --- whatever comes

FAMILIES = ("RateLimit-", "X-RateLimit-", "X-Rate-Limit-")
NAMES = [
    *("Retry-After", "RateLimit", "RateLimit-Policy", "Date"),
    *(family + what for family in FAMILIES for what in ("Limit", "Remaining", "Reset")),
]
TEXTS = st.one_of(
    st.text('0123456789.-+eE:;,="\\ \trtqwkplimnagsoTZ\x00é٣\udcff', max_size=40),
    st.integers(-(10**25), 10**25).map(str),
    st.floats().map(str),
    st.datetimes().map(str),
    st.integers(-(10**9), 2 * 10**11).map(lambda at: formatdate(at, usegmt=True)),
    st.tuples(st.integers(-9, 10**21), st.integers(-9, 10**21)).map(lambda of: f'"a";r={of[0]};t={of[1]}'),
    st.tuples(st.integers(-9, 10**21), st.integers(-9, 10**21)).map(lambda of: f'"a";q={of[0]};w={of[1]}'),
    st.tuples(st.integers(-9, 10**21), st.integers(-9, 10**21)).map(lambda of: f"remaining={of[0]}, reset={of[1]}"),
)
UNKNOWN = Allowance(Rate(60, 60), Rate(0, 60))
KNOWN = Allowance(Rate(60, 60), Rate(60, 60))


@given(st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=6))
@example({"Date": "0001-01-01T00:00:00+23:59", "Retry-After": "9999-12-31T23:59:59-23:59"})
@example({"RateLimit": '"' + "\\" * 4000})
@example({"RateLimit": '"a"' + ";a" * 4000 + "!"})
def test_no_header_raises_or_keeps_anyone_waiting_for_more_than_an_hour(headers):
    fields = read(headers, AT)
    asked, reset_in, known = told_wait(fields), told_reset(fields), told_limit(fields)
    for seconds in (asked, reset_in):
        assert seconds is None or 0 <= seconds <= HOUR
        for allowance in (KNOWN, UNKNOWN):
            assert AT <= may_go(refused(Budget(), allowance, seconds, AT, 1.0), allowance, AT) <= AT + HOUR + 1
    for allowance in (KNOWN, UNKNOWN):
        assert AT <= may_go(told(Budget(), allowance, known, AT), allowance, AT) <= AT + HOUR
    assert isinstance(told_skew(fields), float | None)
