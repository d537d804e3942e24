"""What ended in the last minute at an endpoint, second by second."""

import pytest

from notifier.core.recent import counted, is_spoilt


@pytest.mark.parametrize(
    ("before", "now", "good", "after"),
    [
        ((), 100.9, True, ((100, 1, 0),)),
        ((), 100.9, False, ((100, 0, 1),)),
        (((99, 1, 1), (100, 2, 3)), 100.2, True, ((99, 1, 1), (100, 3, 3))),
        (((99, 1, 1), (100, 2, 3)), 100.2, False, ((99, 1, 1), (100, 2, 4))),
        (((99, 1, 1),), 100.2, True, ((99, 1, 1), (100, 1, 0))),
        (((40, 9, 9), (41, 1, 0)), 100.0, True, ((41, 1, 0), (100, 1, 0))),
        (((99, 1, 1), (100, 2, 3), (101, 4, 4)), 100.5, True, ((99, 1, 1), (100, 3, 3))),
    ],
    ids=["first", "first bad", "same second", "same second bad", "next second", "a minute ago", "clock set back"],
)
def test_each_second_has_its_count_for_a_minute(before, now, good, after):
    assert counted(before, now, good=good) == after


@pytest.mark.parametrize(("well", "ill", "spoilt"), [(10, 10, True), (9, 10, False), (11, 10, False), (0, 20, True)])
def test_half_of_twenty_is_too_much(well, ill, spoilt):
    assert is_spoilt(((1, well, 0), (2, 0, ill))) is spoilt
