"""A string that must not be seen: it prints, formats and pickles as nothing."""

from typing import NoReturn


class Secret:
    """A resolved secret; only `reveal()` gives it away, so that every use can be found by that name."""

    __slots__ = ("_value", "not_after")

    def __init__(self, value: str, not_after: float | None = None) -> None:
        self._value = value
        self.not_after = not_after
        """The last moment at which it is used; None: for ever."""

    def reveal(self) -> str:
        """The secret itself; never for a log line, an error or a database."""
        return self._value

    def has_ended(self, now: float) -> bool:
        """Whether it is not to be used any more."""
        return self.not_after is not None and now > self.not_after

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (other._value, other.not_after) == (self._value, self.not_after)

    def __hash__(self) -> int:
        return hash((self._value, self.not_after))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")
