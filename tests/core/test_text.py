import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.text import counted, span, visible


@given(st.text())
def test_what_is_printable_is_shown_as_it_is_and_the_rest_written_out(text):
    assert visible(text).isprintable()
    if text.isprintable():
        assert visible(text) == text


def test_what_a_terminal_would_act_upon_is_an_escape():
    assert visible("Grüße, 世界") == "Grüße, 世界"
    assert visible("Grüße,\n世界") == "Grüße,\\n世界"
    assert visible("\n\x1b[31m\u2028\u202e\ud800") == "\\n\\x1b[31m\\u2028\\u202e\\ud800"


@pytest.mark.parametrize(
    ("count", "one", "words"),
    [
        (1, "source", "1 source"),
        (2, "source", "2 sources"),
        (0, "delivery", "0 deliveries"),
        (1, "delivery", "1 delivery"),
        (0, "replay", "0 replays"),
    ],
)
def test_what_is_counted_is_one_or_many(count, one, words):
    assert counted(count, one) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"),
        (0.4, "0s"),
        (5.2, "5s"),
        (99.4, "99s"),
        (99.5, "2m"),
        (1800, "30m"),
        (6000, "1.7h"),
        (8 * 3600, "8h"),
        (30_600, "8.5h"),
        (86_400, "24h"),
    ],
)
def test_a_span_is_told_in_the_unit_one_thinks_in(seconds, words):
    assert span(seconds) == words
