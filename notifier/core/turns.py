"""the questions that wait for one budget → whose turn it is, when the next request may go."""

from collections import defaultdict

from notifier.core.questions import Question, first_due

AFTER_ANOTHER = 0.05
"""Seconds after which a source comes back at the soonest, that has left its turn to another."""


class Turns:
    """What the sources that share a credential wait to ask, be it only because too little may go.

    Among them it is as within one source: the question that is worth most goes first.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, Question]] = defaultdict(dict)

    def comes(self, account: str, source: str) -> None:
        """The source is about to say anew what it would ask."""
        self._waiting[account].pop(source, None)

    def waits(self, account: str, source: str, question: Question) -> None:
        """Nothing but the budget keeps the source from asking this."""
        self._waiting[account][source] = question

    def is_anothers(self, account: str, question: Question, now: float) -> bool:
        """Whether a question of another source of the credential goes first."""
        waiting = self._waiting[account].values()
        return first_due([question, *waiting], now) is not question
