"""How many values lay where."""

from notifier.core.spread import Spread


def test_a_value_is_counted_below_the_bound_that_it_does_not_pass():
    one = Spread((1.0, 5.0))
    assert (one.counts, one.sum) == ([0, 0, 0], 0.0)
    for value in (0.5, 1.0, 1.5, 9.0, 9.5):
        one.add(value)
    assert (one.counts, one.sum) == ([2, 1, 2], 21.5)


def test_what_is_below_0_is_of_a_clock_that_was_set_and_counts_as_0():
    one = Spread((1.0,), [3, 4], 2.0)
    one.add(-5.0)
    assert (one.counts, one.sum) == ([4, 4], 2.0)


def test_a_copy_stays_as_it_was():
    one = Spread((1.0,))
    before = one.copy()
    one.add(0.5)
    assert (before.counts, before.sum, before.bounds) == ([0, 0], 0.0, (1.0,))
