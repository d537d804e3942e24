"""What ended in the last minute at an endpoint: whether too much of it failed."""

SPAN = 60
"""Seconds."""
SHARE, ENOUGH = 0.5, 20
"""So much of at least so many attempts is too much."""

Recent = tuple[tuple[int, int, int], ...]
"""A second, and the good and the bad attempts that ended in it; the latest second last."""


def counted(recent: Recent, now: float, *, good: bool) -> Recent:
    """The last minute's attempts, and one more that has ended `now`."""
    second = int(now)
    if recent and (recent[0][0] <= second - SPAN or recent[-1][0] > second):  # the latter comes of a clock set back
        recent = tuple(one for one in recent if second - SPAN < one[0] <= second)
    if recent and recent[-1][0] == second:
        _, well, ill = recent[-1]
        return (*recent[:-1], (second, well + good, ill + (not good)))
    return (*recent, (second, int(good), int(not good)))


def is_spoilt(recent: Recent) -> bool:
    """Whether there are enough attempts in the last minute to judge by, and so many of them failed."""
    well, ill = sum(one[1] for one in recent), sum(one[2] for one in recent)
    return well + ill >= ENOUGH and ill >= SHARE * (well + ill)
