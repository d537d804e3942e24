"""A series of equal steps → what it grows by once it has come to rest, whatever single values do."""

from itertools import combinations
from statistics import median


def slope(values):
    """How much it grows from one value to the next: the median of all pairs (Theil and Sen). No outlier moves it."""
    return median((b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(values), 2))


def growth(values):
    """By how much the second half has grown from its first value to its last, by its slope.

    The first half is for what fills once: caches, arenas, places of connections.
    """
    rest = values[len(values) // 2 :]
    return slope(rest) * (len(rest) - 1)
