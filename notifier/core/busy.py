"""How much of the time anything is open at a source."""

from dataclasses import dataclass

UNHURRIED, LONGEST = 1800.0, 21600.0
"""Seconds over which it is averaged: at first, and at most."""


@dataclass(slots=True)
class Busy:
    """The average of it, from 0 to 1."""

    share: float = 0.5
    _over: float = UNHURRIED
    _noted_at: float | None = None
    _was_open: bool = False

    def note(self, now: float, *, is_open: bool) -> None:
        """Note whether anything is open now; in between it was as noted last."""
        since = 0.0 if self._noted_at is None else max(0.0, now - self._noted_at)
        self._over = min(LONGEST, self._over + since)
        self.share += min(1.0, since / self._over) * (self._was_open - self.share)
        self._noted_at, self._was_open = now, is_open
